"""The faults, a file a chapter; importing this package registers them all.

Each fault breaks one thing and leaves the rest alone: a rule is proven by the fault it exists for, and a
fault that broke more would prove the wrong rule. Hence each is a subclass of `Policy` that overrides one or two
decisions and asks ``super()`` for everything else.
"""

from __future__ import annotations

from pytest_apiauth.embedded.faults import (
    api_keys,
    authorization,
    basic,
    client_authentication,
    device,
    expiry,
    headers,
    jwt,
    leaks,
    lifecycle,
    races,
    refresh,
    resource,
    revocation,
    surroundings,
    token_answer,
    token_errors,
    zones,
)
from pytest_apiauth.embedded.registry import FAULTS, Fault, UnknownNameError, fault

__all__ = [
    "FAULTS",
    "Fault",
    "UnknownNameError",
    "api_keys",
    "authorization",
    "basic",
    "client_authentication",
    "device",
    "expiry",
    "fault",
    "headers",
    "jwt",
    "leaks",
    "lifecycle",
    "races",
    "refresh",
    "resource",
    "revocation",
    "surroundings",
    "token_answer",
    "token_errors",
    "zones",
]
