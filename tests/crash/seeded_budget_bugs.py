"""Bugs of the GitHub budget that its tests have to catch; see seeded_bugs.py."""

from __future__ import annotations

from crash.seeded_bugs import Bug

MODEL = "tests/model/test_budget_model.py"


def _bug(name: str, old: str, new: str, test: str, shows: str, file: str = "core/budget.py") -> Bug:
    return {"name": name, "file": f"ccpm/{file}", "old": old, "new": new, "test": test, "shows": shows}


SEEDED: list[Bug] = [
    _bug(
        "the windows of creations are not looked at",
        "        waits += [_window(ledger.creations, *window, now) for window in (minute, hour)]\n",
        "        waits += []\n",
        f"{MODEL}::test_five_hundred_creations_an_hour_are_the_most_and_the_estimate_knows",
        "len(self.creations) <= 500",
    ),
    _bug(
        "the pause that GitHub asked for is ignored",
        '    return Wait(penalty.until - now, "GitHub asked for a pause") if penalty else Wait(0.0, "")\n',
        '    return Wait(0.0, "")\n',
        f"{MODEL}::test_the_pause_doubles_where_github_names_none_and_ends_with_a_success",
        "[0, 0, 0, 0, 0]",
    ),
    _bug(
        "after a pause all go at once",
        "    return cost.kind != READ or (ledger.penalty is not None and ledger.penalty.is_open)\n",
        "    return cost.kind != READ\n",
        f"{MODEL}::test_the_pause_doubles_where_github_names_none_and_ends_with_a_success",
        "one tries, the rest wait",
    ),
    _bug(
        "an answer to a request that was given up counts as the newest",
        "    started = done.started if done else 0.0\n",
        "    started = done.started if done else now\n",
        f"{MODEL}::test_an_answer_that_comes_after_its_request_was_given_up_is_not_the_newest",
        "remaining == 16",
    ),
    _bug(
        "of answers that crossed the last one counts",
        "        known.remaining = min(known.remaining, facts.remaining)\n",
        "        known.remaining = facts.remaining\n",
        f"{MODEL}::test_of_answers_that_crossed_the_least_favourable_counts",
        "remaining == 17",
    ),
    _bug(
        "what is in flight is not counted",
        "(one.is_sent or one.agent != agent)]\n",
        "(not one.is_sent and one.agent != agent)]\n",
        f"{MODEL}::test_what_is_in_flight_is_counted_before_github_tells",
        "assert 0.0 > 0",
    ),
    _bug(
        "a creation leaves the window a minute after it was sent",
        "    if started in ledger.creations:\n        ledger.creations.remove(started)\n    ledger.creations.append(now)\n",
        "    return\n",
        f"{MODEL}::test_a_creation_counts_until_a_minute_after_its_answer",
        "len(self.creations) <= 80",
    ),
    _bug(
        "each refusal of requests in flight doubles the pause",
        "    is_same = old is not None and started < old.given ",
        "    is_same = False ",
        f"{MODEL}::test_refusals_of_requests_that_were_in_flight_together_are_one_refusal",
        "strikes == 1",
    ),
    _bug(
        "writes do not wait for their turn",
        "    return cost.kind != READ or (ledger.penalty is not None and ledger.penalty.is_open)\n",
        "    return ledger.penalty is not None and ledger.penalty.is_open\n",
        "tests/race/test_github_budget.py::test_a_write_that_takes_long_keeps_others_from_writing",
        "AssertionError",
    ),
]
