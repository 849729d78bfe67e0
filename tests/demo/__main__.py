"""Lets `python -m demo` run the demo; see demo.py."""

import sys

from demo.demo import main

sys.exit(main(sys.argv[1:]))
