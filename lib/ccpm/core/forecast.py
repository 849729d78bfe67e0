"""How long a plan of requests to GitHub takes: the rules of core/budget.py, played through on a copy of the ledger."""

from __future__ import annotations

from ccpm.core import budget
from ccpm.core.leases import Owner
from ccpm.core.ledger import ANSWERED, Cost, Facts, Ledger, Rules

_NOBODY = Owner("", 0, "", "", "", "")


def estimate(ledger: Ledger, agent: str, costs: list[Cost], now: float, rules: Rules) -> float:
    """How many seconds the rules make `agent` take for `costs`, one after the other, if every answer came at once and
    nobody else sent anything. Spends `ledger`: give it a copy."""
    at = now
    for index, cost in enumerate(costs):
        for _ in range(4):  # a wait may end in another rule's
            budget.tidy(ledger, at, rules, set())
            wait = budget.delay(ledger, cost, agent, at, rules).seconds
            if not wait:
                break
            at += wait
        key = f"estimate-{index}"
        budget.begin(ledger, key, cost, agent, _NOBODY, at, at + 1.0)
        pool = ledger.pools.get(cost.pool)
        facts = Facts(ANSWERED)
        if pool and budget.until_reset(ledger, pool, at, rules) <= 0:
            reset = at + ledger.skew + rules.hour
            facts = Facts(ANSWERED, cost.pool, pool.limit, pool.limit - cost.calls, reset)
        budget.settle(ledger, key, facts, at, rules)
    return at - now
