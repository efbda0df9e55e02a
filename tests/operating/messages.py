"""The messages that stand in the package's source, with `…` for what is filled in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import reportupdater

PACKAGE = Path(reportupdater.__file__).parent
_FILLED_IN = re.compile(r"%(?:\.\d+)?[sdrf]")


@dataclass(frozen=True)
class Message:
    """A text, who says it (an exception's name, or the level of a log), and in which module."""

    text: str
    by: str
    module: str


def messages() -> list[Message]:
    """What the calls of exceptions, `Problem`, the log and the summary's tallies say in the source."""
    return [
        Message(text, by, str(path.relative_to(PACKAGE)))
        for path in sorted(PACKAGE.rglob("*.py"))
        for by, text in _said(ast.parse(path.read_text(encoding="utf-8")))
    ]


def _said(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names.setdefault(node.targets[0].id, []).append(node.value)
            elif isinstance(node, ast.Assign):
                match node.targets[0], node.value:
                    case ast.Tuple(elts=targets), ast.Tuple(elts=values):
                        for target, value in zip(targets, values, strict=True):
                            if isinstance(target, ast.Name):
                                names.setdefault(target.id, []).append(value)
        if function.name == "failure":  # of a check: what it returns is reported
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from (("failure", text) for text in _texts(node.value, names))
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:  # of a declared check: why a result fails it
                if keyword.arg == "why":
                    yield from (
                        ("why", re.sub("…+", "…", text)) for text in _texts(keyword.value, names)
                    )
            if not node.args:
                continue
            by = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            by = node.func.id if isinstance(node.func, ast.Name) else by
            said = node.args[1] if by == "add" and len(node.args) > 1 else node.args[0]
            for text in _texts(said, names):
                yield by, re.sub("…+", "…", text)


def _texts(said: ast.expr, names: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The texts that an argument may be."""
    match said:
        case ast.Constant(value=str(text)):
            yield _FILLED_IN.sub("…", text)
        case ast.JoinedStr():
            parts = (part.value if isinstance(part, ast.Constant) else "…" for part in said.values)
            yield "".join(map(str, parts))
        case ast.Name() if said.id in names:
            for value in names[said.id]:
                yield from _texts(value, {})
        case ast.IfExp():
            yield from _texts(said.body, names)
            yield from _texts(said.orelse, names)
