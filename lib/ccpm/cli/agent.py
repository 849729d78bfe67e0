"""ccpm-agent: who works on what, whose a file is, and how agents ask each other. See docs/CONCURRENCY.md."""

from __future__ import annotations

from ccpm.cli.agents import PROGRAM
from ccpm.cli.arguments import Parser, dispatch

VERBS = {
    "register": "make an agent known to an epic and print its id",
    "heartbeat": "give a sign of life: every 60 seconds, while work goes on",
    "unregister": "leave: streams and leases are free",
    "list": "who works on what, in one epic or in all",
    "clean": "remove dead agents and what they had",
    "claim": "make a stream of work your own, with the files that it changes",
    "start": "begin to work on a stream that you claimed",
    "release": "give a stream back",
    "complete": "a stream is done: its files are free",
    "owner": "who owns a stream: 0 somebody, 1 nobody",
    "check": "whose files these are: 0 nobody's or your own, 1 another agent's",
    "conflicts": "whether patterns could mean files of other agents: 0 no, 1 yes, and which",
    "streams": "all streams of an epic, or those of an issue as its analysis has them: 1 if that is not sound",
    "ready": "what can begin now in an epic: tasks, and the streams of those that are analysed; 1 if nothing can",
    "where": "the epic and the task that a number names",
    "take": "claim a stream of an issue as its analysis describes it, and begin it",
    "analyze": "write the analysis of an issue from standard input; 1 if it is not sound",
    "begin": "take an issue, register with it, and show its streams; or take one of its streams",
    "begin-epic": "register, make the worktree of an epic, and show what can begin",
    "request": "ask for a file; one that is nobody's is yours at once",
    "return": "give a file back that was granted to you, or that you took",
    "grant": "hand a file of yours over to the agent that asks for it",
    "share": "work on a file together with the agent that asks for it",
    "deny": "keep a file that an agent asks for",
    "tell": "send a note to one agent or to all",
    "inbox": "read what others told you: notes, requests, answers; 1 if there is nothing",
    "git-hook": "what the git hooks of the project call",
    "hooks": "the git hooks of the project: install, remove or status",
}
_ROOMS = {
    "registry": ("register", "heartbeat", "unregister", "list", "clean"),
    "streams": ("claim", "start", "release", "complete", "owner", "check", "conflicts", "streams", "take"),
    "briefing": ("ready", "where"),
    "beginning": ("analyze", "begin", "begin-epic"),
    "talk": ("request", "return", "grant", "share", "deny", "tell", "inbox"),
    "git": ("git-hook", "hooks"),
}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    room = next(name for name, verbs in _ROOMS.items() if verb in verbs)
    module = __import__(f"ccpm.cli.agents.{room}", fromlist=["run"])
    status: int = module.run(verb, Parser(PROGRAM, verb, VERBS[verb]), rest)
    return status
