"""Graphs: the components of circular dependencies, the longest chain of work behind a node. Pure."""

from __future__ import annotations


def strongly_connected(edges: dict[str, list[str]]) -> list[list[str]]:
    """Tarjan's algorithm (SIAM J. Comput. 1, 1972), without recursion: components, each after all it leads to."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups: list[list[str]] = []
    for root in edges:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(edges[root]))]
        while work:
            node, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group: list[str] = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        on_stack.discard(group[-1])
                    groups.append(group)
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(edges[target])))
            elif target in on_stack:
                low[node] = min(low[node], index[target])
    return groups


def longest_chains(weights: dict[str, float], edges: dict[str, list[str]]) -> dict[str, float]:
    """The weight of the heaviest path that starts at each node of `edges`, itself included. The members of a circle
    count together, once."""
    chains: dict[str, float] = {}
    for group in strongly_connected(edges):  # each after all it leads to: what is behind is known
        behind = [chains[target] for node in group for target in edges[node] if target not in group]
        weight = sum(weights[node] for node in group) + max(behind, default=0.0)
        chains.update(dict.fromkeys(group, weight))
    return chains
