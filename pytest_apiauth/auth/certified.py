"""Whose certificate a request comes with, by mutual TLS (RFC 8705)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_apiauth.profile.model import DEFAULT


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate of one of a profile's clients, or one that is made for the run in the place of it.

    Of those a ``stranger``'s is nobody's, and a ``namesake``'s has the names and the number of the client's own.

    >>> Certified().placeholder, Certified("second").placeholder, Certified(made="namesake").placeholder
    ('CERTIFICATE', 'SECOND_CERTIFICATE', 'NAMESAKE_CERTIFICATE')
    """

    who: str = DEFAULT
    proves_client: bool = False
    """Whether that is all that the client proves itself by."""
    made: Literal["", "stranger", "namesake"] = ""

    @property
    def placeholder(self) -> str:
        """What a reader knows it by, who has not the key."""
        who = self.made or ("" if self.who == DEFAULT else self.who)
        return "_".join(word for word in (who.upper().replace("-", "_"), "CERTIFICATE") if word)
