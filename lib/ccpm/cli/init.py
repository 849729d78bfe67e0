"""`ccpm init`, behind commands/pm/init.sh: what there is, and the folders of the plan."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.errors import OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]


def run(argv: list[str]) -> int:
    parser = Parser("ccpm init", "", "Say which tools there are, and make the folders of the plan.")
    args = parser.parse_args(argv)

    from ccpm.ops.plan import initial

    found = initial.set_up()
    if args.json:
        print_json(found)
        return OK
    sys.stdout.write("\n".join(_lines(found)) + "\n")
    return OK


def _lines(found: Data) -> list[str]:
    lines = [
        "Initializing...",
        "",
        "",
        "🚀 Initializing Claude Code PM System",
        "======================================",
    ]
    lines += ["", "🔍 Checking dependencies...", *_tools(found), "", "🔐 Checking GitHub authentication..."]
    lines.append(_login(found))
    lines += ["", "📁 Creating directory structure..."]
    lines += [f"  ✅ Created {path}" for path in found["created"]] or ["  ✅ Everything is there"]
    lines += ["", "🔗 Checking Git configuration...", *_repository(found)]
    lines += ["", "✅ Initialization Complete!", "==========================", "", "🎯 Next Steps:"]
    lines += ["  1. Create your first PRD: /pm:prd-new <feature-name>", "  2. View help: /pm:help"]
    return [*lines, "  3. Check status: /pm:status"]


def _tools(found: Data) -> list[str]:
    lines = [
        f"  ✅ {found['git']}" if found["git"] else "  ⚠️ git not found: commits and branches are not seen"
    ]
    if found["gh"]:
        return [*lines, "  ✅ GitHub CLI (gh) installed"]
    return [
        *lines,
        "  ⚠️ GitHub CLI (gh) not found: everything works locally, without GitHub",
        "     https://cli.github.com/",
    ]


def _login(found: Data) -> str:
    if not found["gh"]:
        return "  ⏭️ Skipped: no gh"
    return (
        "  ✅ GitHub authenticated"
        if found["is_logged_in"]
        else "  ⚠️ GitHub not authenticated: gh auth login"
    )


def _repository(found: Data) -> list[str]:
    if not found["is_repository"]:
        return ["  ⚠️ Not a git repository", "  Initialize with: git init"]
    lines = ["  ✅ Git repository detected"]
    if not found["remote"]:
        return [
            *lines,
            "  ⚠️ No remote configured: issues are kept locally",
            "  Add with: git remote add origin <url>",
        ]
    lines.append(f"  ✅ Remote configured: {found['remote']}")
    if found["is_template"]:
        lines += ["", "  ⚠️ WARNING: Your remote origin points to the CCPM template repository!"]
        lines += ["  Issues are never created there. Point it to your own:"]
        lines += ["  git remote set-url origin https://github.com/YOUR_USERNAME/YOUR_REPO.git"]
    return lines
