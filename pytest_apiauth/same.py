"""Keys of caches by identity: to compare two profiles by what is in them takes longer than what a cache saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class Same(Generic[Value]):
    """A value that is like no other but itself; whoever holds this holds the value, so that its id stays its own.

    >>> one, other = [], []
    >>> Same(one) == Same(one), Same(one) == Same(other)
    (True, False)
    """

    value: Value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)
