"""What explains a finding: that anybody is let in is one finding, from which follows what else lets somebody in."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from pytest_apiauth.auth.drafts import Control, Draft
from pytest_apiauth.suite.outcomes import Cause

OPEN_RULE: Final = "res-no-cred-401"
"""The rule that a request without any credential is refused."""
TIMES: Final = 3
"""How often such a request has to be let in: a server that lets in every fifth one has another fault."""
Found = TypeVar("Found")


class Admission(Protocol):
    """An answer, as far as it lets somebody in."""

    @property
    def is_admitted(self) -> bool:
        """Whether the request got in."""


class Asking(Protocol):
    """What is needed of a rule's conversation to find out."""

    @property
    def rule_id(self) -> str:
        """The rule that asks."""

    def once(self, what: Hashable, find: Callable[[], Found]) -> Found:
        """Return what was found out before, or find it out."""

    def send(self, draft: Draft, *, server_errors: bool = False, alone: bool = False) -> Admission:
        """Send a request."""


def known_as(bare: Draft) -> Hashable:
    """Return what it is known by in one examination whether a request that carries nothing gets in."""
    return "open to all", bare.method, bare.url


def open_to_all(api: Asking, control: Control, draft: Draft) -> Cause:
    """Name what explains that an altered request is let in: so is one that carries nothing at all.

    The request that carries nothing is no consequence of itself, whatever rule sends it.
    """
    bare = control.draft.anonymous().beside(control)
    adds_something = replace(draft, after=None, flags=(), control=None) != replace(bare, control=None)
    is_at_resource = not control.draft.parameters and bare != control.draft

    def lets_in() -> bool:
        return all(api.send(bare).is_admitted for _ in range(TIMES))

    def holds() -> bool:
        return is_at_resource and adds_something and api.rule_id != OPEN_RULE and api.once(known_as(bare), lets_in)

    return Cause(OPEN_RULE, holds, bare.place, is_shown=is_at_resource and not adds_something)
