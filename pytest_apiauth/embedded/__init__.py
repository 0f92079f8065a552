"""The embedded server: an offline double of any API whose authentication a profile describes.

It keeps the profile's promise and the standards that the profile cites, to the letter, unless a fault is
switched on. It knows nothing of the rules of the conformance suite, so that neither leans on the other's mistakes.
"""

from __future__ import annotations

from pytest_apiauth.embedded.answering import OwnAnswer
from pytest_apiauth.embedded.registry import (
    FAULTS,
    VARIANTS,
    Chosen,
    Fault,
    check_names,
    is_own,
    listed,
    no_such,
    own_fault,
)
from pytest_apiauth.embedded.replies import Reply
from pytest_apiauth.embedded.server import Server
from pytest_apiauth.embedded.state import ManualClock

__all__ = [
    "FAULTS",
    "VARIANTS",
    "Chosen",
    "Fault",
    "ManualClock",
    "OwnAnswer",
    "Reply",
    "Server",
    "check_names",
    "is_own",
    "listed",
    "no_such",
    "own_fault",
]
