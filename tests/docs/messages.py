"""Every message that a refusal or a failure prints, read from the code: where an error is raised, it says its words.

An error is made by calling a class of ccpm.errors with a message and a hint. Both are literals or f-strings at almost
every place; what is put into them shows as `…`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ccpm import errors
from docs.markdown import REPOSITORY

CODES = {error.__name__: error.code for error in errors.CATALOGUE}


def found() -> list[tuple[int, str, str]]:
    """(exit code, message, hint) of every place, each once, by code and message."""
    rows = set()
    for path in sorted((REPOSITORY / "lib" / "ccpm").rglob("*.py")):
        rows |= set(_in_module(path))
    return sorted(rows, key=lambda row: (row[0], row[1].casefold(), row[2]))


def _in_module(path: Path) -> list[tuple[int, str, str]]:
    rows = []
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in CODES
            and node.args
        ):
            message, hint = (" ".join(_text(one).split()) for one in (*node.args, ast.Constant(""))[:2])
            if message.strip("… "):
                rows.append((CODES[node.func.id], message, hint))
    return rows


def _text(node: ast.expr) -> str:
    """What an expression says, `…` for what is only known when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body)} / {_text(node.orelse)}"
    return "…"
