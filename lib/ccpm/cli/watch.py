"""ccpm-watch: see what happens. Each view has --json; a check that found something exits 1."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, dispatch
from ccpm.cli.output import print_json
from ccpm.errors import NO, OK
from ccpm.files import clock, root
from ccpm.files.store import Store

PROGRAM = "ccpm-watch"
VERBS = {
    "locks": "all locks: holder, mode, age, time left, who waits, whether stale and why",
    "agents": "who is active, on what, since when, and what they wait for",
    "deadlocks": "who waits for whom; 1 if some of it can never end",
    "conflicts": "claims that overlap, and branches that would not merge; 1 if there are some",
    "metrics": "waits, holds, contention, faults, agents, work, requests, out of the event log",
    "timeline": "agents and time of an epic: on the terminal, as SVG, HTML or Chrome trace",
    "top": "all of it, live on a terminal; one snapshot elsewhere",
}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    handler = {
        "locks": _locks,
        "agents": _agents,
        "deadlocks": _deadlocks,
        "conflicts": _conflicts,
        "metrics": _metrics,
        "timeline": _timeline,
        "top": _top,
    }[verb]
    return handler(rest)


def _locks(argv: list[str]) -> int:
    from ccpm.cli.monitor import locks
    from ccpm.ops.locking import wait_graph

    args = Parser(PROGRAM, "locks", VERBS["locks"]).parse_args(argv)
    states = wait_graph.states(Store(root.find()))
    if args.json:
        print_json({"locks": locks.describe(states)})
    else:
        locks.show(states)
    return OK


def _agents(argv: list[str]) -> int:
    from ccpm.cli.agents import table
    from ccpm.ops.team import registries

    parser = Parser(PROGRAM, "agents", VERBS["agents"])
    parser.add_argument("epic", metavar="EPIC", nargs="?", help="only this epic")
    args = parser.parse_args(argv)
    top = root.find()
    rows = table.rows(top, registries.listing(top, args.epic or ""))
    if args.json:
        print_json({"agents": rows})
    else:
        table.show(rows)
    return OK


def _conflicts(argv: list[str]) -> int:
    from ccpm.cli import worktree

    return worktree.run(["conflicts", *argv])


def _top(argv: list[str]) -> int:
    from ccpm.cli.monitor import dashboard
    from ccpm.cli.output import is_terminal

    args = Parser(PROGRAM, "top", VERBS["top"]).parse_args(argv)
    project = root.find()
    if args.json:
        print_json(dashboard.describe(project))
    elif is_terminal() and sys.stdin.isatty():
        from ccpm.cli.monitor import top

        top.live(project)
    else:
        dashboard.snapshot(project)
    return OK


def _deadlocks(argv: list[str]) -> int:
    from ccpm.cli.monitor import deadlocks
    from ccpm.ops.locking import wait_graph

    parser = Parser(PROGRAM, "deadlocks", VERBS["deadlocks"])
    parser.add_argument("--dot", action="store_true", help="the graph for Graphviz: | dot -Tsvg > waits.svg")
    parser.add_argument(
        "--resolve", action="store_true", help="end each deadlock: who loses least loses its locks"
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 also when something is found")
    args = parser.parse_args(argv)
    store = Store(root.find())
    graph = wait_graph.of_states(wait_graph.states(store))
    found = graph.deadlocks()
    if args.dot:
        sys.stdout.write(deadlocks.dot(graph))
    elif args.json:
        print_json(deadlocks.describe(graph, clock.now()))
    else:
        deadlocks.show(graph, clock.now())
    if not args.resolve:
        if found and not args.dot and not args.json:
            sys.stderr.write(f"hint: {PROGRAM} deadlocks --resolve ends it: who loses least gets exit 11\n")
        return NO if found and not args.exit_zero else OK
    for members in found:
        victim = wait_graph.resolve(store, members)
        if victim:
            lost = ", ".join(sorted(victim.leases))
            sys.stderr.write(
                f"{PROGRAM}: {victim.agent} has lost {lost}; it is told so (exit 11) when it writes\n"
            )
    return OK


def _metrics(argv: list[str]) -> int:
    import gc
    import time

    from ccpm.cli.monitor import metrics
    from ccpm.core import metrics as rules
    from ccpm.files import events

    parser = Parser(PROGRAM, "metrics", VERBS["metrics"])
    parser.add_argument(
        "--since", type=_ago, default=0.0, metavar="AGE", help="only the last 30m, 12h, 1d, 2w"
    )
    parser.add_argument(
        "--openmetrics", action="store_true", help="text for a node exporter's textfile folder"
    )
    args = parser.parse_args(argv)
    gc.disable()  # a long log becomes millions of small objects, and all of them are needed to the end
    now = time.time()
    tally = rules.Tally()
    for piece in events.read_since(root.find(), now - args.since if args.since else 0.0):
        tally.add(piece)
    report = rules.report(tally, now)
    metrics.add_commits(report, root.find())
    if args.openmetrics:
        sys.stdout.write(metrics.openmetrics(report))
    elif args.json:
        print_json(report)
    else:
        since = clock.to_iso(now - args.since) if args.since else "the log's beginning"
        metrics.show(report, f"since {since}")
    return OK


def _timeline(argv: list[str]) -> int:
    import shutil

    from ccpm.cli.monitor import timeline as drawing
    from ccpm.ops import timelines

    parser = Parser(PROGRAM, "timeline", VERBS["timeline"])
    parser.add_argument("epic", metavar="EPIC", help="the epic's folder")
    parser.add_argument(
        "--since", type=_ago, default=0.0, metavar="AGE", help="only the last 30m, 12h, 1d, 2w"
    )
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--svg", action="store_true", help="one SVG: > timeline.svg")
    formats.add_argument("--html", action="store_true", help="one HTML file: > timeline.html")
    formats.add_argument("--trace", action="store_true", help="for ui.perfetto.dev: > trace.json")
    args = parser.parse_args(argv)
    found = timelines.of_epic(root.find(), args.epic, args.since)
    if args.svg or args.html or args.trace:
        from ccpm.cli.monitor import timeline_svg

        picture = timeline_svg.svg if args.svg else timeline_svg.html
        sys.stdout.write(drawing.chrome_trace(found) if args.trace else picture(found))
    elif args.json:
        print_json(drawing.describe(found))
    else:
        drawing.show(found, shutil.get_terminal_size((100, 24)).columns)
    return OK if found.rows else NO


def _ago(text: str) -> float:
    """`30m`, `12h`, `1d`, `2w` or seconds, in seconds."""
    from ccpm.cli.arguments import invalid

    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}.get(text[-1:], 0)
    try:
        seconds = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:
        raise invalid(f"{text[:40]!r} is no age: 30m, 12h, 1d, 2w")
    return seconds
