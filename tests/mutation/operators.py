"""What a mutant changes: Cosmic Ray's operators that touch a decision, and a few that it does not have.

Left out are those that change what is computed rather than what is decided: arithmetic, decorators, names of
exceptions. Of the comparisons each one becomes its opposite, and an order also moves its boundary; to make
``==`` an ``is`` or a ``<`` yields servers that nobody writes. A number decides where something is compared with it;
elsewhere it is a status that an answer gets, the place of what is read, or a lifetime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import parso
from cosmic_ray.plugins import get_operator

Node = Any
Position = tuple[tuple[int, int], tuple[int, int]]

COMPARISONS = (
    "Eq_NotEq",
    "NotEq_Eq",
    "Is_IsNot",
    "IsNot_Is",
    "Lt_LtE",
    "Lt_GtE",
    "LtE_Lt",
    "LtE_Gt",
    "Gt_GtE",
    "Gt_LtE",
    "GtE_Gt",
    "GtE_Lt",
)
OTHERS = (
    "AddNot",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
)


class Operator(Protocol):
    """What Cosmic Ray asks of an operator."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        """Give where a node can be changed, once for each change."""

    def mutate(self, node: Node, index: int) -> Node:
        """Make one of the changes of a node."""


class Rewriting:
    """An operator that puts other source text in the place of children of a node."""

    def __init__(self, find: Callable[[Node], Iterator[tuple[int, str]]]) -> None:
        self._find = find

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        """Give where a node can be changed, once for each change."""
        for index, _ in self._find(node):
            yield node.children[index].start_pos, node.children[index].end_pos

    def mutate(self, node: Node, index: int) -> Node:
        """Make one of the changes of a node."""
        child, text = list(self._find(node))[index]
        node.children[child] = parso.parse(f"{_prefix(node.children[child])}{text}")
        return node


class Numbers:
    """Cosmic Ray's operator for numbers, where something is compared with one."""

    def __init__(self) -> None:
        self._every: Operator = get_operator("core/NumberReplacer")()

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        """Give where a node can be changed, once for each change."""
        if node.type == "number" and node.parent.type == "comparison":
            yield from self._every.mutation_positions(node)

    def mutate(self, node: Node, index: int) -> Node:
        """Make one of the changes of a node."""
        return self._every.mutate(node, index)


def membership(node: Node) -> Iterator[tuple[int, str]]:
    """``in`` becomes ``not in``, and the other way round."""
    if node.type == "comparison":
        opposite = {"in": "not in", "not in": "in"}
        for index, child in enumerate(node.children):
            words = " ".join(child.get_code().split())
            if index % 2 and words in opposite:
                yield index, opposite[words]


def guard(node: Node) -> Iterator[tuple[int, str]]:
    """A branch is never taken: an early return, a refusal or a special case is forgotten."""
    if node.type == "if_stmt":
        for index, child in enumerate(node.children):
            if child.type == "keyword" and child.value in ("if", "elif"):
                yield index + 1, "False"


def filtering(node: Node) -> Iterator[tuple[int, str]]:
    """A comprehension takes everything."""
    if node.type == "comp_if":
        yield 1, "True"


def quantifier(node: Node) -> Iterator[tuple[int, str]]:
    """``any`` becomes ``all``, and the other way round."""
    opposite = {"any": "all", "all": "any"}
    if node.type in ("atom_expr", "power") and node.children[0].get_code().strip() in opposite:
        yield 0, opposite[node.children[0].get_code().strip()]


def answered_truth(node: Node) -> Iterator[tuple[int, str]]:
    """A function that answers yes or no answers the opposite."""
    if node.type == "return_stmt":
        function = node.search_ancestor("funcdef")
        annotation = function.annotation if function is not None else None
        if annotation is not None and annotation.get_code().strip() == "bool":
            yield 1, f"not ({node.children[1].get_code().strip()})"


def operators() -> dict[str, Operator]:
    """Give every operator by name."""
    names = [f"ReplaceComparisonOperator_{name}" for name in COMPARISONS] + list(OTHERS)
    own = (membership, guard, filtering, quantifier, answered_truth)
    return {
        **{name: get_operator(f"core/{name}")() for name in names},
        "NumberReplacer": Numbers(),
        **{find.__name__: Rewriting(find) for find in own},
    }


def _prefix(node: Node) -> str:
    return str(node.get_first_leaf().prefix)
