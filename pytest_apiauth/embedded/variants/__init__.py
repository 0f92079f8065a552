"""Variants: ways in which good servers differ, a file a theme; importing this package registers them all.

A variant keeps whatever the profile itself documents, so if the documentation settles the matter it changes
nothing. The suite must find no fault with any of them, nor with any set of them.
"""

from __future__ import annotations

from pytest_apiauth.embedded.registry import VARIANTS, Variant, variant
from pytest_apiauth.embedded.variants import (
    answers,
    challenges,
    connections,
    errors,
    habits,
    headers,
    people,
    possession,
    refresh,
    refusals,
    tokens,
)
from pytest_apiauth.embedded.variants.tokens import SameToken

__all__ = [
    "VARIANTS",
    "SameToken",
    "Variant",
    "answers",
    "challenges",
    "connections",
    "errors",
    "habits",
    "headers",
    "people",
    "possession",
    "refresh",
    "refusals",
    "tokens",
    "variant",
]
