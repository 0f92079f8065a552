"""What a rule is written with."""

from __future__ import annotations

from pytest_apiauth.suite.book import PROFILE, REGISTRY, STATED, Control, Level, Parts, Safety, draws, rule

MUST, DOC, SHOULD, MAY = Level.MUST, Level.DOC, Level.SHOULD, Level.MAY
READ_ONLY, ISSUE, CONSUME = Safety.READ_ONLY, Safety.ISSUE, Safety.CONSUME
REVOKE, LOCKOUT, LOAD = Safety.REVOKE, Safety.LOCKOUT, Safety.LOAD
ITSELF = Control.ITSELF

__all__ = [
    "CONSUME", "DOC", "ISSUE", "ITSELF", "LOAD", "LOCKOUT", "MAY", "MUST", "PROFILE", "READ_ONLY", "REGISTRY", "REVOKE",
    "SHOULD", "STATED", "Parts", "draws", "rule",
]  # fmt: skip
