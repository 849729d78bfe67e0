"""Promise P2 for repair: what others write while a plan is mended, or the repair taken back, is all there."""

from __future__ import annotations

from pathlib import Path

from race.tree import Project, play

ROUNDS = 36


def test_a_repair_and_its_undo_lose_no_line_that_others_write_at_the_same_moment(tmp_path: Path) -> None:
    report = play("mending.mend_while_others_write", Project(tmp_path / "p"), rounds=ROUNDS, writers=3)
    assert (report["lost"], report["torn"]) == ([], [])
    mended, undone = report["done"]
    assert report["left"][0] + mended == ROUNDS
    assert report["left"][0] > 0, "the repair never met a writer"
    assert mended >= ROUNDS // 3
    assert undone + report["left"][1] == mended
    assert undone >= ROUNDS // 6
    assert report["left"][1] > 0, "the undo never met a writer"
