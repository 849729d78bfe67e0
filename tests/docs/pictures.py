"""Writes the pictures of the README: `make pictures`. The dashboard of a staged scene, and the timeline of a demo.

They are looked at before they are committed; no test compares them.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from ccpm.cli.monitor import top
from ccpm.cli.monitor.dashboard import Settings
from ccpm.ops import dashboard
from docs.markdown import REPOSITORY
from race.test_watch import Scene

IMAGES = REPOSITORY / "docs" / "images"


def main() -> int:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder) / "shop")
        try:
            console = Console(record=True, width=120, height=36, file=io.StringIO(), force_terminal=True)
            seen = dashboard.look(str(scene.project.path))
            console.print(top._draw(seen, Settings(), 36))
            drawing = console.export_svg(title="ccpm-watch top", theme=DIMMED_MONOKAI)
        finally:
            scene.end()
    (IMAGES / "dashboard.svg").write_text(drawing)
    subprocess.run([sys.executable, "-m", "demo", "--act", "2"], check=True, stdout=subprocess.DEVNULL)
    shutil.copy(REPOSITORY / "build" / "demo" / "timeline.svg", IMAGES / "timeline.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
