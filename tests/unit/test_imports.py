"""The house: which room may import which, and what a helper may not load while it starts (DESIGN: the house, speed)."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

LIB = Path(__file__).parents[2] / "lib"
SOURCES = sorted((LIB / "ccpm").rglob("*.py"))

MAY_IMPORT = {
    "core": {"core", "errors"},
    "files": {"core", "files", "errors"},
    "external": {"core", "files", "external", "errors"},
    "ops": {"core", "files", "external", "ops", "errors"},
    "cli": {"core", "files", "ops", "cli", "errors"},
    "errors": set(),
    "__init__": set(),
}
"""Room: the rooms whose modules it may import. `core` is pure, and nothing but `cli` is above `ops`."""

IMPURE = {
    "asyncio", "ctypes", "fcntl", "glob", "io", "multiprocessing", "os", "pathlib", "random",
    "select", "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time",
    "uuid",
}  # fmt: skip
"""What a module of core/ may import nowhere: the same arguments must give the same answer."""

STARTS_PROCESSES = {"sh", "subprocess", "pty", "multiprocessing"}
"""Only external/ may start programs; `os.fork` and its kin are caught by their names."""

LATE = {
    "dataclasses", "datetime", "enum", "hashlib", "inspect", "logging", "pathlib", "pathspec",
    "portalocker", "random", "rich", "ruamel", "sh", "shutil", "subprocess", "tempfile", "typing",
    "uuid",
}  # fmt: skip
"""What no module may import at its top: a function that needs one imports it itself."""

DRAWING = {"ccpm.cli.views.terminal"}
"""Modules that exist to draw on a terminal: they may import rich at their top, and nobody may import them there."""

NEVER_IN_HOT_PATHS = {
    "_strptime", "argparse", "bz2", "calendar", "dataclasses", "datetime", "decimal", "email", "gettext", "hashlib",
    "importlib.metadata", "inspect", "json", "locale", "logging", "pathlib", "pathspec", "portalocker", "random",
    "rich", "ruamel", "sh", "shutil", "signal", "socket", "ssl", "subprocess", "tempfile", "typing",
    "urllib",
}  # fmt: skip
"""Modules (with their submodules) that cost milliseconds. `enum` comes with portalocker."""


class Import:
    """One import: the dotted module, the line, and whether it runs when the module is loaded."""

    def __init__(self, module: str, line: int, at_top: bool) -> None:
        self.module = module
        self.line = line
        self.at_top = at_top

    @property
    def package(self) -> str:
        return self.module.split(".")[0]


def imports_of(source: str) -> Iterator[Import]:
    """Every import but those under `if TYPE_CHECKING:`, which never run."""
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(source), True)]
    while waiting:
        node, at_top = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides which room it reaches"
            yield Import(node.module or "", node.lineno, at_top)
            yield from (Import(f"{node.module}.{alias.name}", node.lineno, at_top) for alias in node.names)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += [(child, at_top) for child in node.orelse]
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            waiting += [(child, at_top and not inside) for child in ast.iter_child_nodes(node)]


def room_of(path: Path) -> str:
    return path.relative_to(LIB / "ccpm").parts[0].removesuffix(".py")


def relative(path: Path) -> str:
    return str(path.relative_to(LIB.parent))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_rooms_import_only_in_the_direction_of_the_arrows(path: Path) -> None:
    allowed = MAY_IMPORT[room_of(path)]
    for found in imports_of(path.read_text()):
        rooms = found.module.split(".")[1:2]
        if found.package == "ccpm" and rooms and (LIB / "ccpm" / rooms[0]).is_dir() | (rooms[0] == "errors"):
            assert rooms[0] in allowed, f"{relative(path)}:{found.line} imports {found.module}"


@pytest.mark.parametrize("path", [p for p in SOURCES if room_of(p) == "core"], ids=relative)
def test_core_is_pure(path: Path) -> None:
    source = path.read_text()
    for found in imports_of(source):
        assert found.package not in IMPURE, f"{relative(path)}:{found.line} imports {found.module}"
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "__import__", "eval", "exec"}


@pytest.mark.parametrize("path", [p for p in SOURCES if room_of(p) != "external"], ids=relative)
def test_only_external_starts_programs(path: Path) -> None:
    source = path.read_text()
    for found in imports_of(source):
        assert found.package not in STARTS_PROCESSES, f"{relative(path)}:{found.line} imports {found.module}"
    assert not re.search(r"\bos\.(fork|system|popen|exec[lv]\w*|spawn\w+|posix_spawnp?)\(", source), relative(
        path
    )


@pytest.mark.parametrize("path", [p for p in SOURCES if room_of(p) != "cli"], ids=relative)
def test_only_cli_prints(path: Path) -> None:
    source = path.read_text()
    prints = [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not prints, f"{relative(path)}:{prints[0]} prints"
    assert "sys.stdout" not in source, relative(path)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_heavy_modules_are_imported_where_they_are_needed(path: Path) -> None:
    allowed = {"rich"} if ".".join(path.relative_to(LIB).with_suffix("").parts) in DRAWING else set()
    for found in imports_of(path.read_text()):
        if found.at_top:
            late = found.package in LATE - allowed or found.module in DRAWING
            assert not late, f"{relative(path)}:{found.line} imports {found.module} at its top"


HOT = {
    "acquire": ["lock", "acquire", "task-1", "--agent", "a"],
    "check": ["lock", "check", "held", "--agent", "a"],
    "renew": ["lock", "renew", "held", "--agent", "a"],
    "release": ["lock", "release", "held", "--agent", "a"],
    "atomic-write": ["atomic-write", "notes.txt"],
    "fm-cas get": ["fm-cas", "get", "task.md", "status"],
    "hook: edit": ["hook", "PreToolUse"],
    "hook: command": ["hook", "PreToolUse"],
    "hook: after": ["hook", "PostToolUse"],
}
SAID = {
    "hook: edit": '{"tool_name": "Edit", "tool_input": {"file_path": "src/app.ts"}}',
    "hook: command": '{"tool_name": "Bash", "tool_input": {"command": "git push 2>&1 | tee log"}}',
    "hook: after": '{"tool_name": "Read", "tool_input": {"file_path": "task.md"}}',
}
"""What a hot path reads on standard input, where it matters."""


@pytest.mark.parametrize("name", HOT)
def test_a_hot_path_loads_nothing_heavy(name: str, tmp_path: Path) -> None:
    (tmp_path / "task.md").write_text("---\nstatus: open\n---\n")
    (tmp_path / ".claude/epics/auth").mkdir(parents=True)
    helper(tmp_path, "lock", "acquire", "held", "--agent", "a")
    helper(tmp_path, "agent", "claim", "auth", "db", "src/db/**", "--agent", "a")
    loaded = modules_loaded_by(helper(tmp_path, *HOT[name], importtime=True, said=SAID.get(name, "hello\n")))
    assert "ccpm.cli" in loaded
    heavy = {
        module
        for module in loaded
        if any(module == m or module.startswith(m + ".") for m in NEVER_IN_HOT_PATHS)
    }
    # our lock module lives in a package whose own __init__ is never run (files/guard.py)
    heavy -= {"portalocker.constants", "portalocker.exceptions", "portalocker.portalocker"}
    assert not heavy, f"{name} loads {sorted(heavy)}"


def helper(project: Path, *arguments: str, importtime: bool = False, said: str = "") -> str:
    """Run a helper as bin/ccpm does; its stderr. Its interpreter is the pinned one."""
    python = (LIB / ".python").read_text().strip()
    trace = ["-X", "importtime"] if importtime else []
    done = subprocess.run(
        [python, "-S", "-E", *trace, str(LIB / "main.py"), *arguments],
        cwd=project,
        env={"HOME": os.devnull, "PATH": os.defpath},
        input=said,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


def modules_loaded_by(trace: str) -> set[str]:
    """The names in `-X importtime` lines: `import time: self [us] | cumulative | package`."""
    return {line.rpartition("|")[2].strip() for line in trace.splitlines() if line.startswith("import time:")}


def test_the_import_reader_sees_functions_branches_and_type_checking() -> None:
    source = (
        "import a\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\ndef f():\n    from d.e import g\n"
    )
    found = {(i.module, i.at_top) for i in imports_of(source)}
    assert found == {("a", True), ("c", True), ("d.e", False), ("d.e.g", False)}
