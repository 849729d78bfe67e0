"""ccpm-watch: see what happens. Each view has --json; a check that found something exits 1."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, split_verb, usage
from ccpm.errors import NO, OK
from ccpm.files import clock, root
from ccpm.files.store import Store

PROGRAM = "ccpm-watch"
VERBS = {
    "locks": "all locks: holder, mode, age, time left, who waits, whether stale and why",
    "deadlocks": "who waits for whom; 1 if some of it can never end",
}


def run(argv: list[str]) -> int:
    verb, rest = split_verb(PROGRAM, argv, VERBS)
    if verb == "help":
        sys.stdout.write(usage(PROGRAM, VERBS))
        return OK
    return {"locks": _locks, "deadlocks": _deadlocks}[verb](rest)


def _locks(argv: list[str]) -> int:
    from ccpm.cli.monitor import locks
    from ccpm.ops import wait_graph

    args = Parser(PROGRAM, "locks", VERBS["locks"]).parse_args(argv)
    states = wait_graph.states(Store(root.find()))
    if args.json:
        _print_json({"locks": locks.describe(states)})
    else:
        locks.show(states)
    return OK


def _deadlocks(argv: list[str]) -> int:
    from ccpm.cli.monitor import deadlocks
    from ccpm.ops import wait_graph

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
        _print_json(deadlocks.describe(graph, clock.now()))
    else:
        deadlocks.show(graph, clock.now())
    if not args.resolve:
        return NO if found and not args.exit_zero else OK
    for members in found:
        victim = wait_graph.resolve(store, members)
        if victim:
            lost = ", ".join(sorted(victim.leases))
            sys.stderr.write(
                f"{PROGRAM}: {victim.agent} has lost {lost}; it is told so (exit 11) when it writes\n"
            )
    return OK


def _print_json(data: object) -> None:
    import json

    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
