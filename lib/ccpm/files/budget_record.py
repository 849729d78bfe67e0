"""The text form of the shared GitHub budget: .claude/locks/github-rate-limit.json (docs/FORMATS.md).

Contract: `store(load(data), data)` keeps every key of `data` that this version does not know. The four keys of the
specification (`remaining`, `limit`, `reset`, `last_updated`) tell of the REST limit, and a file that has only those is
read. What is not of the right form counts as not told: a budget is learned anew from the next answer, and must not stop
the work.
"""

from __future__ import annotations

from ccpm.core.leases import Owner
from ccpm.core.ledger import CORE, Cost, Ledger, Penalty, Pool, Reservation, Usage
from ccpm.files import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Kind = TypeVar("Kind")

_OWNER = ("pid", "pid_start", "boot_id", "pid_space", "host")


def load(data: dict[str, Any]) -> Ledger:
    ledger = Ledger()
    ledger.pools = _each(data.get("pools"), _to_pool)
    written = _attempt(_from_specification, data)
    core = ledger.pools.get(CORE)
    # whole seconds: only a clear difference tells that somebody else wrote those four keys
    if written and (core is None or written.updated > core.updated + 1.0):
        ledger.pools[CORE] = written
    ledger.skew = _number(data.get("clock_skew"))
    ledger.penalty = _attempt(_to_penalty, data.get("penalty"))
    ledger.last_write = _number(data.get("last_write"))
    creations = data.get("creations")
    ledger.creations = [at for at in creations if _is_number(at)] if isinstance(creations, list) else []
    points = data.get("points")
    ledger.points = _pairs(points) if isinstance(points, list) else []
    ledger.reservations = _each(data.get("reservations"), _to_reservation)
    ledger.agents = _each(data.get("agents"), _to_usage)
    return ledger


def store(ledger: Ledger, data: dict[str, Any]) -> None:
    """Put `ledger` into `data`, the keys of the specification first."""
    core = ledger.pools.get(CORE)
    penalty = ledger.penalty
    written: dict[str, Any] = {}
    if core:
        written = {"remaining": core.remaining, "limit": core.limit, "reset": clock.to_iso(core.reset)}
        written["last_updated"] = clock.to_iso(core.updated)
    written["retry_at"] = _retry_at(penalty, core, ledger.skew)
    written["penalty"] = _from_penalty(penalty) if penalty else None
    written["pools"] = {name: _from_pool(pool) for name, pool in ledger.pools.items()}
    written["agents"] = {agent: _from_usage(usage) for agent, usage in ledger.agents.items()}
    written["reservations"] = {key: _from_reservation(one) for key, one in ledger.reservations.items()}
    written["last_write"] = round(ledger.last_write, 3)
    written["creations"] = [round(at, 3) for at in ledger.creations]
    written["points"] = [[round(at, 3), points] for at, points in ledger.points]
    written["clock_skew"] = round(ledger.skew, 1)
    others = {key: value for key, value in data.items() if key not in written}
    data.clear()
    data.update(written)
    data.update(others)


def _retry_at(penalty: Penalty | None, core: Pool | None, skew: float) -> str | None:
    """Until when nobody may ask, for whoever reads only this: by our clock, and rounded up, so that he does
    not come too early."""
    until = penalty.until + 0.999 if penalty else 0.0
    if core and core.remaining <= 0:
        until = max(until, core.reset - skew)
    return clock.to_iso(until) if until else None


def _from_specification(data: dict[str, Any]) -> Pool:
    updated = clock.from_iso(data["last_updated"])
    return Pool(int(data["limit"]), int(data["remaining"]), clock.from_iso(data["reset"]), updated)


def _to_pool(data: dict[str, Any]) -> Pool:
    return Pool(
        int(data["limit"]), int(data["remaining"]), clock.from_iso(data["reset"]), float(data["updated"])
    )


def _from_pool(pool: Pool) -> dict[str, Any]:
    reset = clock.to_iso(pool.reset)
    return {
        "remaining": pool.remaining,
        "limit": pool.limit,
        "reset": reset,
        "updated": round(pool.updated, 3),
    }


def _to_penalty(data: dict[str, Any]) -> Penalty:
    until, given = float(data["until"]), float(data["given"])
    return Penalty(until, given, int(data["strikes"]), str(data["kind"]), bool(data["open"]))


def _from_penalty(penalty: Penalty) -> dict[str, Any]:
    return {
        "until": round(penalty.until, 3),
        "given": round(penalty.given, 3),
        "strikes": penalty.strikes,
        "kind": penalty.kind,
        "open": penalty.is_open,
    }


def _to_reservation(data: dict[str, Any]) -> Reservation:
    agent = str(data["agent"])
    owner = Owner(agent, int(data["pid"]), *(str(data[key]) for key in _OWNER[1:]))
    cost = Cost(str(data["kind"]), str(data["pool"]), int(data["calls"]))
    return Reservation(agent, cost, bool(data["sent"]), owner, float(data["started"]), float(data["until"]))


def _from_reservation(one: Reservation) -> dict[str, Any]:
    return {
        "agent": one.agent,
        "kind": one.cost.kind,
        "pool": one.cost.pool,
        "calls": one.cost.calls,
        "sent": one.is_sent,
        "started": round(one.started, 3),
        "until": round(one.until, 3),
        **{key: getattr(one.owner, key) for key in _OWNER},
    }


def _to_usage(data: dict[str, Any]) -> Usage:
    usage = Usage()
    for key in ("reads", "writes", "creations", "refused", "cached"):
        setattr(usage, key, int(data.get(key, 0)))
    usage.waited = float(data.get("waited", 0.0))
    usage.last = float(data.get("last", 0.0))
    return usage


def _from_usage(usage: Usage) -> dict[str, Any]:
    counted = {key: getattr(usage, key) for key in ("reads", "writes", "creations", "refused", "cached")}
    return {**counted, "waited": round(usage.waited, 1), "last": round(usage.last, 3)}


def _each(data: object, read: Callable[[dict[str, Any]], Kind]) -> dict[str, Kind]:
    if not isinstance(data, dict):
        return {}
    found = {str(key): _attempt(read, value) for key, value in data.items()}
    return {key: value for key, value in found.items() if value is not None}


def _attempt(read: Callable[[dict[str, Any]], Kind], data: object) -> Kind | None:
    try:
        return read(data) if isinstance(data, dict) else None
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _pairs(data: list[Any]) -> list[tuple[float, int]]:
    return [
        (one[0], one[1])
        for one in data
        if isinstance(one, list) and len(one) == 2 and all(map(_is_number, one))
    ]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and _is_number(value) else 0.0


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value == value
        and abs(value) < 1e12
    )
