"""A helper whose wall clock is moved: `python -S -E tests/soak/helper.py LIB OFFSET HELPER ARGS…` (seconds)."""

import os
import sys
from types import SimpleNamespace

lib, offset, *argv = sys.argv[1:]
sys.path[0:1] = [
    lib,
    os.path.join(lib, "vendor"),
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
]

from ccpm.cli import main
from soak.sky import move_wall_clock

move_wall_clock(SimpleNamespace(offset=float(offset)))
sys.exit(main(argv))
