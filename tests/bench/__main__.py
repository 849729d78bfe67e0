"""python -m bench [quick] [--output FILE] [--only NAME …]: measures, prints, and writes a report in Markdown.

Without `quick` the report is docs/BENCHMARKS.md and takes about five minutes; with it, build/bench-quick.md, a few
counts of everything, for tests that the benchmarks still run. Nothing here passes or fails by time: a goal that is
missed is shown as missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import (
    contention,
    dead_owner,
    deadlocks,
    handover,
    hooks,
    metrics,
    one_shot,
    registry,
    session,
    team,
    trees,
    writers,
)
from bench.machine import Machine
from bench.report import Table, markdown
from bench.setting import REPOSITORY, Scale

SCENES: dict[str, Callable[[Scale], list[Table]]] = {
    "one-shot": one_shot.measure,
    "session": session.measure,
    "handover": handover.measure,
    "contention": contention.measure,
    "writers": writers.measure,
    "dead-owner": dead_owner.measure,
    "deadlocks": deadlocks.measure,
    "trees": trees.measure,
    "hooks": hooks.measure,
    "registry": registry.measure,
    "metrics": metrics.measure,
    "team": team.measure,
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("mode", nargs="?", choices=["quick", "full"], default="full")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(SCENES), metavar="NAME", help=", ".join(SCENES))
    args = parser.parse_args(argv)
    scale = Scale(is_quick=args.mode == "quick")
    usual = "docs/BENCHMARKS.md" if not (scale.is_quick or args.only) else f"build/bench-{args.mode}.md"
    output = args.output or REPOSITORY / usual
    machine = Machine.look()
    tables: list[Table] = []
    started = time.monotonic()
    for name in args.only or SCENES:
        begun = time.monotonic()
        sys.stderr.write(f"bench: {name} …")
        sys.stderr.flush()
        tables += SCENES[name](scale)
        sys.stderr.write(f" {time.monotonic() - begun:.0f} s\n")
    text = markdown(machine, tables, scale, time.monotonic() - started)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    sys.stdout.write(text)
    sys.stderr.write(f"bench: wrote {output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
