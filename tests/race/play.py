"""Run one scene: `python -S -E tests/race/play.py MODULE.FUNCTION TOP LIMIT OPTIONS`; its report as JSON on stdout.

Started by race.tree.play with the interpreter of the helpers. Ends by itself after LIMIT seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
lib = os.environ["CCPM_LIB_UNDER_TEST"]
sys.path[0:1] = [lib, os.path.join(lib, "vendor"), tests]

if __name__ == "__main__":
    from race import crew

    scene, top, limit, options = sys.argv[1:]
    module, _, function = scene.partition(".")
    crew.set_limit(float(limit))
    perform = getattr(importlib.import_module(f"race.scenes.{module}"), function)
    with crew.everybody_dismissed():
        report = perform(top, **json.loads(options))
    print(json.dumps(report))
