"""Shared holders are together; an exclusive one is alone."""

from __future__ import annotations

from pathlib import Path

from race.tree import Project, finish, play


def test_shared_and_exclusive_holders_never_meet(tmp_path: Path) -> None:
    report = play("sharing.mixed", Project(tmp_path / "p"), workers=8, turns=60, seed=7)
    assert report["overlaps"] == 0
    assert report["turns"] == 480
    assert report["tokens given twice"] == 0
    assert 150 < report["shared"] < 330


def test_shared_holders_are_inside_together(tmp_path: Path) -> None:
    report = play("sharing.together", Project(tmp_path / "p"), workers=6)
    assert report == {"tokens": [1, 2, 3, 4, 5, 6], "left": []}


def test_the_executable_lets_shared_holders_in_together_and_an_exclusive_one_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    inside = ["sh", "-c", "echo in; read line"]
    readers = [project.start("lock", "run", "epic-auth", "--shared", "--", *inside) for _ in range(3)]
    for reader in readers:
        assert reader.stdout
        assert reader.stdout.readline() == "in\n"
    assert len(project.check("epic-auth")["holders"]) == 3
    alone = project.run("lock", "run", "epic-auth", "--timeout", "0", "--", "true")
    assert alone.status == 75
    writer = project.start("lock", "run", "epic-auth", "--", *inside)
    for reader in readers:
        assert finish(reader, "out\n").status == 0
    assert writer.stdout
    assert writer.stdout.readline() == "in\n"
    assert project.run("lock", "acquire", "epic-auth", "--shared", "--timeout", "0").status == 75
    assert finish(writer, "out\n").status == 0


def test_a_record_that_is_full_takes_no_more_and_stays_readable(tmp_path: Path) -> None:
    report = play("sharing.as_many_as_go", Project(tmp_path / "p"))
    assert "as many as its record can name" in report["refused"]
    assert report["held"] == report["taken"] > 100
