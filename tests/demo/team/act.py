"""The second act as a whole: a project, the play, the verification. Its pictures stay in build/demo."""

from __future__ import annotations

import json

from demo import project, screen
from demo.checks import Check
from demo.project import REPOSITORY, Project
from demo.team import play, verify

OUTPUTS = REPOSITORY / "build" / "demo"
FACTS = "team.json"


def run(pace: float = 0.05, keep: bool = False) -> int:
    """Play it and verify it: 0 if every promise held, else 1, and then the project is kept."""
    print("setting up a project for a team …", flush=True)
    demo = project.create()
    shown = screen.choose()
    shown.say(f"the project is in {demo.top}")
    try:
        facts = play.play(demo, shown.say, pace, OUTPUTS)
        (demo.notes / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
        checks = judge(demo)
        shown.table(checks)
        broken = sum(bool(check.problems) for check in checks)
        print(
            f"{broken} of {len(checks)} promises broken"
            if broken
            else f"all {len(checks)} promises of the team held"
        )
        print(f"timeline and metrics: {OUTPUTS / 'timeline.html'}")
        keep = keep or broken > 0
        return 1 if broken else 0
    except Exception:
        keep = True
        raise
    finally:
        shown.close()
        if keep:
            print(f"kept: {demo.base}")
        else:
            project.remove(demo)


def judge(demo: Project) -> list[Check]:
    """Verify what a run left in its project."""
    return verify.verify(demo, json.loads((demo.notes / FACTS).read_text()))
