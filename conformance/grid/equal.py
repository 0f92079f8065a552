"""Equal spellings of a token request: what means the same by the standards is taken the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pytest_apiauth.rules import Draft

RAW: Final = "\u20ac\U0001f511"
"""Letters beyond ASCII, of an unknown member: escaped, or in UTF-8 as they are."""


def plain_members(valid: Draft) -> list[tuple[str, str]]:
    """Return the members of a request that are no secrets, and texts."""
    return [(name, value) for name, value in valid.parameters if isinstance(value, str)]


def as_forms(valid: Draft) -> Iterator[tuple[str, Draft]]:
    """Yield other spellings of a form, each with its name."""
    yield "capitals in the media type", valid.labelled(valid.media_type.title())
    yield "an empty parameter", valid.setting("apiauth", "")
    yield "another order of parameters", replace(valid, parameters=valid.parameters[::-1])
    for name, value in plain_members(valid)[:1]:
        lacking, spelt = valid.omitting(name), valid.spelt(name)
        yield "letters percent-encoded that need not be", replace(lacking, tail=f"{spelt}={escaped(value)}")
        yield "a name percent-encoded", replace(lacking, tail=f"{escaped(spelt)}={value}")
    for name, value in plain_members(valid):
        if " " in value:
            tail = f"{valid.spelt(name)}={value.replace(' ', '%20')}"
            yield "a blank as %20", replace(valid.omitting(name), tail=tail)


def as_objects(valid: Draft) -> Iterator[tuple[str, Draft]]:
    """Yield other spellings of a JSON object, each with its name."""
    yield "capitals in the media type", valid.labelled(valid.media_type.title())
    yield "an empty member", valid.setting("apiauth", "")
    yield "another order of members", replace(valid, parameters=valid.parameters[::-1])
    yield "blanks and line breaks", valid.written("spaced")
    yield "names with escapes", valid.written("escaped")
    yield "raw UTF-8", valid.setting("apiauth", RAW).written("raw")


def escaped(text: str) -> str:
    """Percent-encode every letter (RFC 3986 2.1), with small and capital digits in turn.

    >>> escaped("jo_")
    '%6a%6F%5f'
    """
    return "".join(f"%{ord(letter):02{'xX'[place % 2]}}" for place, letter in enumerate(text))
