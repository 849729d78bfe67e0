"""The wait-for graph: deadlocks, who waits for whom and how long, the longest chain, warnings."""

from __future__ import annotations

import sys

from ccpm.cli.monitor import duration
from ccpm.cli.output import is_terminal, printable
from ccpm.core import wait_graph
from ccpm.core.deadlock import Wait
from ccpm.core.leases import Now
from ccpm.core.wait_graph import WaitGraph
from ccpm.files import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rich.tree import Tree


def describe(graph: WaitGraph, now: Now) -> dict[str, Any]:
    """Everything, as data for --json."""
    return {
        "deadlocks": [_describe_deadlock(graph, members, now) for members in graph.deadlocks()],
        "waits": [_describe_wait(graph, wait, now) for wait in graph.waits],
        "longest_chain": [_describe_wait(graph, wait, now) for wait in graph.longest_chain()],
        "warnings": [
            {"kind": w.kind, "agent": w.agent, "resources": w.resources, "seconds": round(w.seconds, 1)}
            for w in wait_graph.find_warnings(graph.holders, now)
        ],
    }


def _describe_deadlock(graph: WaitGraph, members: list[Wait], now: Now) -> dict[str, Any]:
    victim = wait_graph.choose_victim(graph, members, now)
    cycle = graph.cycle_through(members[0])
    return {
        "agents": list(dict.fromkeys(wait.owner.agent for wait in members)),
        "cycle": [
            {
                "agent": edge.wait.owner.agent,
                "resource": edge.wait.resource,
                "blocker": edge.blocker,
                "held": edge.is_held,
                "seconds": _seconds(edge.wait, now),
            }
            for edge in cycle
        ],
        "victim": {
            "agent": victim.agent,
            "resources": sorted(victim.leases),
            "seconds": round(victim.seconds, 1),
        },
    }


def _describe_wait(graph: WaitGraph, wait: Wait, now: Now) -> dict[str, Any]:
    return {
        "agent": wait.owner.agent,
        "resource": wait.resource,
        "mode": wait.mode,
        "since": clock.to_iso(wait.since),
        "seconds": _seconds(wait, now),
        "blockers": [{"agent": b.agent, "held": b.lease is not None} for b in graph.blockers(wait)],
    }


def _seconds(wait: Wait, now: Now) -> float:
    return round(wait.waited(now.wall), 1)


def show(graph: WaitGraph, now: Now) -> None:
    """The report for a person."""
    data = describe(graph, now)
    write = sys.stdout.write
    write("🔗 Deadlock Check\n=================\n\n")
    if not data["deadlocks"]:
        write(f"✅ No deadlock. {len(data['waits'])} waiting.\n")
    for found in data["deadlocks"]:
        write(f"❌ Deadlock of {len(found['agents'])}: {', '.join(found['agents'])}\n")
        for edge in found["cycle"]:
            how = "held by" if edge["held"] else "in line behind"
            waited = duration(edge["seconds"])
            write(
                f"   {edge['agent']} waits for {edge['resource']} {how} {edge['blocker']}, for {waited} now\n"
            )
        victim = found["victim"]
        held = duration(victim["seconds"])
        write(f"   Loses least: {victim['agent']} ({', '.join(victim['resources'])}, held for {held})\n")
    if data["waits"]:
        write("\nWho waits for whom:\n")
        _draw(graph, now)
        write(f"\nLongest chain: {_chain(data['longest_chain'])}\n")
    for warning in data["warnings"]:
        write(f"\n⚠️ {warning['agent']} {_warn(warning)}\n")


def _chain(waits: list[dict[str, Any]]) -> str:
    """`a → b → c`: c holds what b waits for."""
    last = [blocker["agent"] for blocker in waits[-1]["blockers"]][:1]
    return " → ".join([wait["agent"] for wait in waits] + last)


def _warn(warning: dict[str, Any]) -> str:
    age = duration(warning["seconds"])
    if warning["kind"] == wait_graph.LONG_HELD:
        return f"holds {warning['resources'][0]} for {age}"
    return f"holds {len(warning['resources'])} locks, the oldest for {age}: {', '.join(warning['resources'])}"


class _Node:
    """A line of the tree: `text`, and the lines of those that wait for it."""

    __slots__ = ("below", "style", "text")

    def __init__(self, text: str, style: str = "") -> None:
        self.text = text
        self.style = style
        self.below: list[_Node] = []


def forest(graph: WaitGraph, now: Now) -> list[_Node]:
    """For each resource that somebody waits for: its holders, below them the queue in order, below each waiter what
    others wait for because of it is found at that resource again."""
    stuck = {wait.key for members in graph.deadlocks() for wait in members}
    roots = []
    for resource in dict.fromkeys(wait.resource for wait in graph.waits):
        holders = graph.holders.get(resource, [])
        by = ", ".join(f"{lease.owner.agent} ({lease.operation})" for lease in holders) or "nobody"
        root = _Node(f"{resource}, held by {by}", "bold")
        for wait in sorted((w for w in graph.waits if w.resource == resource), key=lambda w: w.ticket):
            mark = "  ← deadlock" if wait.key in stuck else ""
            waited = duration(wait.waited(now.wall))
            shared = ", shared" if wait.mode != "exclusive" else ""
            root.below.append(
                _Node(f"{wait.owner.agent} waits {waited}{shared}{mark}", "red" if mark else "")
            )
        roots.append(root)
    return roots


def _draw(graph: WaitGraph, now: Now) -> None:
    roots = forest(graph, now)
    if is_terminal():
        from rich.console import Console

        console = Console()
        for root in roots:
            console.print(_to_rich(root))
        return
    for root in roots:
        sys.stdout.write(f"  {root.text}\n")
        for number, node in enumerate(root.below, 1):
            sys.stdout.write(f"  {'└─' if number == len(root.below) else '├─'} {node.text}\n")


def _to_rich(root: _Node) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(printable(root.text), style=root.style))
    for node in root.below:
        tree.add(Text(printable(node.text), style=node.style))
    return tree


def dot(graph: WaitGraph) -> str:
    """The graph in the language of Graphviz: an edge from who waits to whom it waits for, deadlocks in red."""
    stuck = {wait.owner.agent for members in graph.deadlocks() for wait in members}
    lines = ["digraph waits {", "  rankdir=LR;", "  node [shape=box];"]
    agents = dict.fromkeys(wait.owner.agent for wait in graph.waits)
    for wait in graph.waits:
        agents.update(dict.fromkeys(blocker.agent for blocker in graph.blockers(wait)))
    for agent in agents:
        colour = ", color=red" if agent in stuck else ""
        lines.append(f"  {_quoted(agent)} [label={_quoted(agent)}{colour}];")
    for wait in graph.waits:
        for blocker in graph.blockers(wait):
            style = "" if blocker.lease else ", style=dashed"
            red = ", color=red" if {wait.owner.agent, blocker.agent} <= stuck else ""
            ends = f"{_quoted(wait.owner.agent)} -> {_quoted(blocker.agent)}"
            lines.append(f"  {ends} [label={_quoted(wait.resource)}{style}{red}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
