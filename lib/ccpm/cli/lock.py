"""ccpm-lock: leases on resources, from the command line (docs/CONCURRENCY.md)."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, dispatch, seconds, whole
from ccpm.cli.output import print_json, speaker
from ccpm.core import leases, names
from ccpm.errors import NO, OK, UsageError, io_failure
from ccpm.files import process, records, root
from ccpm.files.store import Store
from ccpm.ops import identity, wording
from ccpm.ops.locking import lock_state, locks
from ccpm.ops.locking.lock_state import State
from ccpm.ops.locking.locks import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

PROGRAM = "ccpm-lock"
_say = speaker(PROGRAM)
VERBS = {
    "acquire": "take a lease on a resource and print its fencing token",
    "release": "give a lease back",
    "renew": "extend a lease",
    "run": "run a command while holding resources",
    "check": "show who holds a resource: 0 held, 1 free",
    "list": "show all locks",
    "clean": "remove what dead owners left",
}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    handler = {
        "acquire": _acquire,
        "release": _release,
        "renew": _renew,
        "run": _run,
        "check": _check,
        "list": _list,
        "clean": _clean,
    }[verb]
    return handler(rest)


def _acquire(argv: list[str]) -> int:
    args = _parser("acquire", _add_request_options, _add_pid, _add_path).parse_args(argv)
    store = _store()
    request = _request(args, args.resource, args.pid)
    lease = locks.try_acquire(store, request)
    if not isinstance(lease, leases.Lease):
        # Imported and set up only here: an acquire that need not wait starts faster without it.
        from ccpm.cli.stoppable import Stoppable
        from ccpm.ops.locking import waiting

        with Stoppable():
            lease = waiting.acquire(store, request, _say)
    try:
        _print_lease(args, store, lease)
        sys.stdout.flush()
    except OSError as error:
        from ccpm.cli import discard

        discard(1)  # the token must not be written later either
        locks.release(store, args.resource, lease.owner, lease.token)
        if isinstance(error, BrokenPipeError):
            raise
        raise io_failure(f"print the token of {args.resource}, which was given back", error) from error
    return OK


def _release(argv: list[str]) -> int:
    args = _parser("release", _add_identity_options, _add_force).parse_args(argv)
    names.check_resource(args.resource)
    store = _store()
    was_unreadable = args.force and lock_state.look(store, args.resource).unreadable
    ended, _ = locks.release(store, args.resource, _owner(args), _token(args), args.force)
    if was_unreadable:
        _say(f"removed the unreadable record of {args.resource}: {was_unreadable.reason}")
    elif not ended:
        _say(f"{args.resource} was free already")
    elif args.force:
        _say(f"{args.resource} was held by {wording.holders(ended)}; that has ended")
    if args.json:
        print_json([records.describe(lease) for lease in ended])
    return OK


def _renew(argv: list[str]) -> int:
    args = _parser("renew", _add_identity_options, _add_new_ttl, _add_path).parse_args(argv)
    store = _store()
    lease = locks.renew(store, args.resource, _owner(args), _token(args), args.ttl)
    _print_lease(args, store, lease)
    return OK


def _run(argv: list[str]) -> int:
    if "--" not in argv:
        if "-h" not in argv and "--help" not in argv:
            raise UsageError("no command given", f"{PROGRAM} run RESOURCE … -- COMMAND …")
        argv = [*argv, "--"]
    cut = argv.index("--")
    command = argv[cut + 1 :]
    args = _parser("run", _add_request_options).parse_args(argv[:cut])
    if not command:
        raise UsageError("no command given after --", f"{PROGRAM} run RESOURCE … -- COMMAND …")
    import os

    from ccpm.cli.stoppable import Stoppable
    from ccpm.ops.locking import guarded_run

    if args.operation == "unspecified":
        args.operation = os.path.basename(command[0])
    requests = [_request(args, resource, os.getpid()) for resource in dict.fromkeys(args.resource)]
    with Stoppable():
        return guarded_run.run(_store(), requests, command, _say)


def _check(argv: list[str]) -> int:
    args = _parser("check").parse_args(argv)
    names.check_resource(args.resource)
    state = lock_state.look(_store(), args.resource)
    held = bool(state.holders) or state.is_blocked
    if args.json:
        print_json(_describe(args.resource, state))
    elif held:
        sys.stdout.write((state.record or b"").decode("utf-8", "replace"))
    for lease, why in state.stale:
        _say(
            f"{args.resource} has a stale lease of {lease.owner.agent}: {why}; the next acquire takes it over"
        )
    if state.unreadable:
        _say(f"{args.resource} has an unreadable record: {state.unreadable.reason}")
    return OK if held else NO


def _list(argv: list[str]) -> int:
    from ccpm.cli import lock_table

    parser = Parser(PROGRAM, "list", VERBS["list"])
    parser.add_argument("--summary", action="store_true", help="count them below the table")
    args = parser.parse_args(argv)
    store = _store()
    resources = sorted({*store.list_locks(), *store.list_queues()})
    states = {resource: lock_state.look(store, resource) for resource in resources}
    if args.json:
        print_json([_describe(resource, state) for resource, state in states.items()])
    else:
        lock_table.show(states, args.summary)
    return OK


def _clean(argv: list[str]) -> int:
    args = Parser(PROGRAM, "clean", VERBS["clean"]).parse_args(argv)
    gone = locks.clean(_store())
    if args.json:
        print_json([{"resource": r, "agent_id": who, "why": why} for r, who, why in gone])
    else:
        for resource, who, why in gone:
            sys.stdout.write(f"{resource}\n")
            _say(f"removed the lock of {who} on {resource}: {why}")
    return OK


def _describe(resource: str, state: State) -> dict[str, object]:
    status = (
        "held" if state.holders else "unreadable" if state.is_blocked else "stale" if state.record else "free"
    )
    first = state.holders or [lease for lease, _ in state.stale]
    return {
        "resource": resource,
        "status": status,
        **(records.describe(first[0]) if first else {}),
        "holders": [records.describe(lease) for lease in state.holders],
        "stale": [{**records.describe(lease), "why": why} for lease, why in state.stale],
        "waiting": [wait.owner.agent for wait in state.waits],
    }


_parsers: dict[tuple[object, ...], Parser] = {}


def _parser(verb: str, *declare: Callable[[Parser], None]) -> Parser:
    """The parser of `verb`, with the options that `declare` adds; made once, because a session needs it again."""
    key = (verb, *declare)
    parser = _parsers.get(key)
    if parser is None:
        parser = _parsers[key] = Parser(PROGRAM, verb, VERBS[verb])
        several = "+" if verb == "run" else None
        parser.add_argument(
            "resource", nargs=several, metavar="RESOURCE", help="epic-<name>, task-<issue>, …"
        )
        for add in declare:
            add(parser)
    return parser


def _add_request_options(parser: Parser) -> None:
    length = seconds(0.05, leases.MAX_TTL)
    parser.add_argument("--ttl", type=length, default=leases.DEFAULT_TTL, help="length, seconds")
    parser.add_argument(
        "--timeout",
        type=seconds(0, leases.MAX_TTL),
        default=leases.DEFAULT_TIMEOUT,
        help="longest wait, seconds; 0: none",
    )
    parser.add_argument("--operation", default="unspecified", help="what for, shown to others")
    parser.add_argument("--shared", action="store_true", help="together with other shared holders")
    parser.add_argument("--fence", metavar="R:N", help="leases that the caller already holds")
    parser.add_argument("--no-deadlock-check", action="store_true", help="wait even where it would never end")


def _add_pid(parser: Parser) -> None:
    parser.add_argument(
        "--pid", type=whole, default=0, help="bind the lease to this process: it ends with it"
    )
    parser.add_argument(
        "--fences-only",
        action="store_true",
        help="the deadlock check takes as kept during the wait what fences name, not all that --pid holds",
    )


def _add_path(parser: Parser) -> None:
    parser.add_argument(
        "--path", action="store_true", help="print the path of the lock file on a second line"
    )


def _add_force(parser: Parser) -> None:
    parser.add_argument("--force", action="store_true", help="end the leases of others too: they get exit 11")


def _add_new_ttl(parser: Parser) -> None:
    length = seconds(0.05, leases.MAX_TTL)
    parser.add_argument("--ttl", type=length, default=0.0, help="new length in seconds")


def _add_identity_options(parser: Parser) -> None:
    parser.add_argument(
        "--token", type=whole, default=0, metavar="N", help="which lease: the token that acquire printed"
    )
    parser.add_argument("--pid", type=whole, default=0, help="the process that the lease is bound to")
    parser.add_argument("--fence", metavar="R:N", help="the same as --token, with the resource")


def _request(args: Namespace, resource: str, pid: int) -> Request:
    owner = process.owner(identity.agent_id(args.agent), pid)
    if pid and not owner.pid_start:
        raise UsageError(
            f"no process {pid} runs here", "give the pid of the process that is to own the lease"
        )
    return Request(
        resource,
        owner,
        args.operation,
        leases.SHARED if args.shared else leases.EXCLUSIVE,
        args.ttl,
        args.timeout,
        identity.carried_fences(args.fence),
        not args.no_deadlock_check,
        getattr(args, "fences_only", False),
    )


def _owner(args: Namespace) -> leases.Owner:
    return process.owner(identity.agent_id(args.agent), args.pid)


def _token(args: Namespace) -> int:
    """The lease that a release or renewal names: --token, else the fence carried for that resource, else 0."""
    return args.token or identity.carried_fences(args.fence).get(args.resource, 0)


def _store() -> Store:
    return Store(root.find())


def _print_lease(args: Namespace, store: Store, lease: leases.Lease) -> None:
    if args.json:
        print_json(records.describe(lease))
    else:
        path = f"{store.lock_path(args.resource)}\n" if args.path else ""
        sys.stdout.write(f"{lease.token}\n{path}")
