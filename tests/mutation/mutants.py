"""The mutants of the embedded server's decisions. They are made in memory: no file is ever changed."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor

from .operators import operators
from .trial import FOLDER

MODULES = (
    "policy",
    "places",
    "token_policy",
    "token_endpoint",
    "granting",
    "refresh_policy",
    "exchange_policy",
    "login_policy",
    "asserting",
    "assertion_policy",
    "signature_policy",
    "possession_policy",
    "certificate_policy",
    "target_policy",
    "pushed_endpoint",
    "pushed_policy",
    "resource",
    "authorization_endpoint",
    "authorization_policy",
    "revocation_endpoint",
    "revocation_policy",
    "metadata_endpoint",
    "metadata_policy",
    "cors",
    "reading",
    "state",
)
NO_DECISIONS = frozenset(
    {
        # What the API shows once a request is let in, and which other spellings of a path lead anywhere.
        "resource.normalised",
        "resource.ResourceEndpoint._make_payload",
        "resource._documented",
        "resource._workspace",
        # How a test drives the server, what it is told, and sizes of its caches: no request reaches these.
        "resource.ResourceEndpoint.__init__",
        "resource.ResourceEndpoint.refusal",
        "resource.ResourceEndpoint.kinds",
        "resource.ResourceEndpoint.lacking",
        "places.Spot.shown",
        "token_endpoint.TokenEndpoint.__init__",
        "state.ManualClock.advance",
        "state.State.note",
        # What only faulty servers use.
        "state.State.knows",
        "state.State.anyones_token",
        # How invented values look.
        "state.opaque",
    }
)
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    module: str
    function: str
    before: str
    after: str
    nth: int
    """Which one it is of the function's mutants that read the same, from 1."""
    operator: str
    line: int
    reach: frozenset[int]
    """The lines of the statement that it is in: where none of them is run, it makes no difference. Empty for what
    a module or a class is made of."""
    source: str

    @property
    def key(self) -> Key:
        """What names it in the list of survivors; line numbers move, so they are no part of it."""
        return self.module, self.function, self.before, self.after, self.nth

    def __str__(self) -> str:
        return (
            f"{self.module}.py:{self.line} {self.function} ({self.operator})\n    - {self.before}\n    + {self.after}"
        )


def mutants(modules: Iterable[str] = MODULES) -> list[Mutant]:
    """Give every mutant, in the order of the files; two operators that come to the same make one."""
    return [mutant for module in modules for mutant in mutants_of(module)]


def mutants_of(module: str) -> list[Mutant]:
    """Give the mutants of one module, in the order of its lines."""
    original = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
    found: dict[str, Mutant] = {}
    for mutant in _made(module, original):
        if f"{module}.{mutant.function}" not in NO_DECISIONS and not mutant.before.startswith("@"):
            found.setdefault(_meaning(mutant), mutant)
    seen: Counter[Key] = Counter()
    numbered = []
    for mutant in sorted(found.values(), key=lambda mutant: mutant.line):
        seen[mutant.key] += 1
        numbered.append(replace(mutant, nth=seen[mutant.key]))
    return numbered


def _made(module: str, original: str) -> Iterator[Mutant]:
    tree = get_ast(original)
    nodes = list(ast_nodes(tree))
    # To parse a file anew for each mutant takes most of the time, so what a mutant has changed is put back.
    inner = [(node, tuple(node.children)) for node in nodes if hasattr(node, "children")]
    leaves = [(node, node.value) for node in nodes if hasattr(node, "value")]
    functions, reach = _functions(original), _reach(original)
    for name, operator in operators().items():
        for occurrence in range(sum(1 for node in nodes for _ in operator.mutation_positions(node))):
            source = MutationVisitor(occurrence, operator).walk(tree).get_code()
            for node, children in inner:
                node.children = list(children)
            for leaf, value in leaves:
                leaf.value = value
            line, before, after = _change(original, source)
            yield Mutant(
                module, functions.get(line, ""), before, after, 1, name, line, reach.get(line, frozenset()), source
            )


def _change(original: str, source: str) -> tuple[int, str, str]:
    """Give the line where two texts differ first, and all that differ."""
    old, new = original.splitlines(), source.splitlines()
    start = _shared(old, new)
    end = _shared(old[:start:-1], new[:start:-1])
    return start + 1, _joined(old[start : len(old) - end]), _joined(new[start : len(new) - end])


def _shared(one: list[str], other: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split()).replace("( ", "(").replace("[ ", "[")


def _functions(source: str) -> dict[int, str]:
    """Give the qualified name of the innermost function or class of each line."""
    found: dict[int, str] = {}

    def visit(node: ast.AST, names: tuple[str, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            inner = names
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                inner = (*names, child.name)
                found.update(dict.fromkeys(range(child.lineno, (child.end_lineno or 0) + 1), ".".join(inner)))
            visit(child, inner)

    visit(ast.parse(source), ())
    return found


def _reach(source: str) -> dict[int, frozenset[int]]:
    """Give, for each line within a function's body, the lines of the innermost statement without those inside it."""
    found: dict[int, frozenset[int]] = {}

    def visit(node: ast.AST, is_run: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt) and is_run:
                body = getattr(child, "body", None)
                end = body[0].lineno - 1 if body else child.end_lineno or child.lineno
                lines = frozenset(range(child.lineno, max(end, child.lineno) + 1))
                found.update(dict.fromkeys(lines, lines))
            visit(child, is_run or isinstance(child, ast.FunctionDef))

    visit(ast.parse(source), is_run=False)
    return found


def _meaning(mutant: Mutant) -> str:
    node: Any = ast.parse(mutant.source)
    for name in mutant.function.split(".") if mutant.function else ():
        node = next(each for each in node.body if getattr(each, "name", "") == name)
    return f"{mutant.function} {ast.dump(_Plain().visit(node))}"


class _Plain(ast.NodeTransformer):
    """Writes a negation in one way, so that two mutants that say the same are seen to be one."""

    # Of sets the opposite of "<=" is not ">", so orders stay as they are.
    OPPOSITES = ((ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        operand = node.operand
        if not isinstance(node.op, ast.Not):
            return node
        if isinstance(operand, ast.UnaryOp) and isinstance(operand.op, ast.Not):
            return operand.operand
        if isinstance(operand, ast.Constant) and isinstance(operand.value, bool):
            return ast.Constant(not operand.value)
        if isinstance(operand, ast.Compare) and len(operand.ops) == 1:
            for pair in self.OPPOSITES:
                if isinstance(operand.ops[0], pair):
                    opposite = pair[isinstance(operand.ops[0], pair[0])]()
                    return ast.Compare(operand.left, [opposite], operand.comparators)
        return node
