"""Entry point of every helper: `python -S -E lib/main.py HELPER ARGS…` (see bin/ccpm)."""

import gc
import os
import sys

sys.path.insert(1, sys.path[0] + "/vendor")

from ccpm.cli import main

# A helper makes a few thousand objects and ends. By default the collector would go through them again and again.
gc.set_threshold(50_000)

status = main(sys.argv[1:])  # has flushed standard output

try:
    sys.stderr.flush()
except (AttributeError, OSError):  # it is closed, or nobody reads it
    pass

# The kernel takes back at once what the interpreter would take apart piece by piece.
os._exit(status)
