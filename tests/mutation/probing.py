"""Probes in the embedded server: which statements of its functions a job runs.

To trace a job takes it twice as long, since the tracer is called for each call of anything. A probe stands before each
statement of the server, and in each lambda, whose statement may have been run before; nothing else is slower.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import Any, Final

PROBE: Final = "__ran__"
"""What is called with a module and a line where a statement begins, or a lambda is written."""


def probed(path: Path) -> CodeType:
    """Compile a module of the server with a probe at each statement that is in a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _put_into(tree, path.stem, is_run=False)
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def _put_into(node: ast.AST, module: str, *, is_run: bool) -> None:
    is_run = is_run or isinstance(node, ast.FunctionDef)
    for child in ast.iter_child_nodes(node):
        _put_into(child, module, is_run=is_run)
    if not is_run:
        return
    if isinstance(node, ast.Lambda):
        pair = ast.Tuple([_probe(module, node), node.body], ast.Load())
        node.body = ast.copy_location(ast.Subscript(pair, ast.Constant(1), ast.Load()), node.body)
        return
    for name in ("body", "orelse", "finalbody"):
        block: Any = getattr(node, name, None)
        if isinstance(block, list):
            setattr(node, name, _with_probes(block, module))


def _with_probes(block: Sequence[ast.stmt], module: str) -> list[ast.stmt]:
    made: list[ast.stmt] = []
    for statement in block:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_text:  # a docstring has to stay the first
            made.append(ast.copy_location(ast.Expr(_probe(module, statement)), statement))
        made.append(statement)
    return made


def _probe(module: str, at: ast.stmt | ast.expr) -> ast.Call:
    place = ast.Tuple([ast.Constant(module), ast.Constant(at.lineno)], ast.Load())
    return ast.copy_location(ast.Call(ast.Name(PROBE, ast.Load()), [place], []), at)
