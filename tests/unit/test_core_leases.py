"""When a lease counts, who it belongs to, and what a request for it gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import leases
from ccpm.core.leases import EXCLUSIVE, SHARED, SKEW, Lease, Now, Owner, Unreadable

HOUR = 3600.0
NOW = Now(wall=1_000_000.0, boot=5_000.0, boot_id="boot-1")
HERE = Owner("", 0, "", "boot-1", "space-1", "here")


def owner(agent: str = "ada", pid: int = 0, **changes: str) -> Owner:
    made = Owner(agent, pid, "77" if pid else "", "boot-1", "space-1", "here")
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def lease(holder: Owner | None = None, token: int = 1, mode: str = EXCLUSIVE, ttl: float = 300.0) -> Lease:
    return leases.new_lease(holder or owner(), "test", token, mode, ttl, NOW)


def later(seconds: float, step: float = 0.0) -> Now:
    """`seconds` after NOW, with the wall clock stepped by `step`."""
    return Now(NOW.wall + seconds + step, NOW.boot + seconds, NOW.boot_id)


def why(held: Lease, now: Now, is_alive: bool | None = None) -> str:
    return leases.why_stale(held, now, is_alive, HERE)


@given(st.floats(0.05, leases.MAX_TTL), st.floats(0, 2), st.sampled_from([-HOUR, 0.0, HOUR]))
def test_on_its_own_boot_a_lease_counts_exactly_until_its_ttl_has_passed_whatever_the_wall_clock_does(
    ttl: float, part: float, step: float
) -> None:
    held = lease(ttl=ttl)
    now = later(part * ttl, step)
    ended = now.boot >= held.expires_boot
    assert why(held, now) == ("expired" if ended else "")


def test_at_the_very_moment_of_its_expiry_a_lease_counts_no_more() -> None:
    assert leases.remaining(lease(ttl=8), later(8)) == 0
    assert why(lease(ttl=8), later(8)) == "expired"
    assert why(lease(ttl=8), later(7.9)) == ""


@pytest.mark.parametrize("boot_id", ["boot-2", ""])
def test_on_another_boot_the_wall_clock_decides_with_the_allowance_for_skew(boot_id: str) -> None:
    held = lease(owner(boot_id=boot_id), ttl=60)
    assert why(held, later(60 + SKEW - 0.1)) == ""
    assert why(held, later(60 + SKEW)) == "expired"


def test_a_lease_whose_boot_expiry_is_unknown_is_judged_by_the_wall_clock() -> None:
    held = lease(ttl=60)
    held.expires_boot = 0.0
    assert why(held, later(60)) == ""
    assert why(held, later(60 + SKEW)) == "expired"


def test_a_dead_process_ends_its_lease_at_once() -> None:
    assert why(lease(owner(pid=7)), NOW, is_alive=False) == "its process is gone"
    assert why(lease(owner(pid=7)), NOW, is_alive=True) == ""


def test_a_process_that_cannot_be_seen_does_not_end_its_lease() -> None:
    assert why(lease(owner(pid=7, host="there", boot_id="boot-9")), NOW, is_alive=None) == ""
    assert why(lease(owner(pid=7, pid_space="space-2")), NOW, is_alive=None) == ""


def test_a_reboot_of_this_host_ends_process_bound_leases_and_no_others() -> None:
    assert why(lease(owner(pid=7, boot_id="boot-0")), NOW) == "its process ended with a reboot"
    assert why(lease(owner(pid=7, boot_id="boot-0", host="there")), NOW) == ""
    assert why(lease(owner(pid=0, boot_id="boot-0")), NOW) == ""


def test_who_cannot_tell_its_boot_calls_none_an_earlier_one() -> None:
    nowhere = Now(NOW.wall, NOW.boot, "")
    assert why(lease(owner(pid=7)), nowhere) == ""
    assert why(lease(owner(pid=7)), later(400.0)) == "expired"


def test_expiry_is_the_reason_that_is_given_first() -> None:
    assert why(lease(owner(pid=7), ttl=1), later(2), is_alive=False) == "expired"


def test_an_unreadable_record_is_stale_when_it_is_older_than_the_default_ttl() -> None:
    assert not leases.is_unreadable_stale(Unreadable(300.0, ""), NOW)
    assert leases.is_unreadable_stale(Unreadable(300.1, ""), NOW)
    assert not leases.is_unreadable_stale(Unreadable(-HOUR, ""), NOW), "written in the future"


def test_an_unreadable_record_is_stale_when_it_was_written_before_this_boot() -> None:
    just_booted = Now(NOW.wall, boot=40.0, boot_id="boot-2")
    assert not leases.is_unreadable_stale(Unreadable(40.0, ""), just_booted)
    assert leases.is_unreadable_stale(Unreadable(40.1, ""), just_booted)


def test_only_processes_of_this_boot_are_sure_to_end_with_it() -> None:
    bound, free = lease(owner(pid=7)), lease(owner(pid=0))
    assert not leases.outlives_boot([bound], NOW)
    assert not leases.outlives_boot([bound, bound], NOW)
    assert leases.outlives_boot([free], NOW)
    assert leases.outlives_boot([bound, free], NOW), "one that stays makes the record stay"
    assert leases.outlives_boot([lease(owner(pid=7, boot_id="boot-0"))], NOW), (
        "of another host, or an earlier boot"
    )
    nowhere = Now(NOW.wall, NOW.boot, "")
    assert leases.outlives_boot([lease(owner(pid=7, boot_id=""))], nowhere), "no boot can be told"


@pytest.mark.parametrize(
    ("mode", "held", "expected"),
    [
        (EXCLUSIVE, [], True),
        (SHARED, [], True),
        (SHARED, [SHARED], True),
        (SHARED, [SHARED, SHARED], True),
        (SHARED, [EXCLUSIVE], False),
        (SHARED, [SHARED, EXCLUSIVE], False),
        (EXCLUSIVE, [SHARED], False),
        (EXCLUSIVE, [EXCLUSIVE], False),
    ],
)
def test_only_shared_ones_go_together(mode: str, held: list[str], expected: bool) -> None:
    assert leases.is_compatible(mode, [lease(mode=each) for each in held]) is expected


def test_a_renewal_changes_the_end_of_a_lease_and_nothing_else() -> None:
    held = lease(owner(pid=7), token=5, mode=SHARED, ttl=60)
    held.extra = {"note": "kept"}
    fresh = leases.renewed(held, 30, later(10, step=HOUR))
    assert fresh.expires_boot == NOW.boot + 40
    assert fresh.expires == NOW.wall + HOUR + 40
    assert fresh.ttl == 30
    same = ("owner", "operation", "token", "mode", "acquired", "acquired_boot", "extra")
    assert all(getattr(fresh, name) is getattr(held, name) for name in same)


def test_a_renewal_from_another_host_is_not_judged_on_the_owners_boot_clock() -> None:
    """The boot clock of the renewer says 20 s, that of the owner 5,000 s."""
    held = lease(ttl=60)
    there = Now(NOW.wall + 30, 20.0, "boot-of-another-host")
    fresh = leases.renewed(held, 60, there)
    assert leases.remaining(fresh, later(30)) == 60 + SKEW
    assert leases.remaining(fresh, there) == 60 + SKEW
    again = leases.renewed(fresh, 60, later(40))
    assert leases.remaining(again, later(40)) == 60


def test_how_long_a_lease_has_been_held_is_told_by_the_boot_clock_where_it_can() -> None:
    assert leases.held_for(lease(), later(7, step=-HOUR)) == 7
    elsewhere = lease(owner(boot_id="boot-9"))
    assert leases.held_for(elsewhere, later(7)) == 7
    assert leases.held_for(elsewhere, later(7, step=-HOUR)) == 0


def test_a_waiter_looks_again_when_the_first_of_the_holders_ends() -> None:
    held = [lease(ttl=60), lease(ttl=20), lease(ttl=40)]
    assert leases.expiry_of(held, later(5)) == 15
    assert leases.expiry_of(held, later(50)) == 0
    assert leases.expiry_of([], NOW) == 0


class TestWhoseLeaseItIs:
    """leases.find_own: what a caller may release without naming its token."""

    def test_a_lease_without_a_process_belongs_to_every_command_of_its_agent(self) -> None:
        held = lease(owner("ada"))
        assert leases.find_own([held], owner("ada", pid=9), frozenset()) is held
        assert leases.find_own([held], owner("bob"), frozenset()) is None

    def test_a_process_bound_lease_belongs_to_that_process_and_what_runs_below_it(self) -> None:
        held = lease(owner("ada", pid=7))
        assert leases.find_own([held], owner("ada", pid=7), frozenset()) is held
        assert leases.find_own([held], owner("ada", pid=9), frozenset((7, 3))) is held
        assert leases.find_own([held], owner("ada", pid=9), frozenset((3,))) is None
        assert leases.find_own([held], owner("bob", pid=7), frozenset((7,))) is None

    def test_a_pid_means_nothing_in_another_namespace_boot_or_life(self) -> None:
        held = lease(owner("ada", pid=7))
        assert leases.find_own([held], owner("ada", 7, pid_start="78"), frozenset()) is None
        for changed in ({"pid_space": "space-2"}, {"boot_id": "boot-2"}):
            assert leases.find_own([held], owner("ada", 7, **changed), frozenset((7,))) is None

    def test_of_several_shared_leases_the_callers_own_is_found(self) -> None:
        held = [lease(owner("bob"), 1, SHARED), lease(owner("ada"), 2, SHARED)]
        assert leases.find_own(held, owner("ada"), frozenset()) is held[1]
        assert leases.find_token(held, 1) is held[0]
        assert leases.find_token(held, 3) is None
