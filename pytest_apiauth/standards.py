"""Where the section of a standard that a rule names is to be read."""

from __future__ import annotations

import re
from typing import Final

_SECTION: Final = re.compile(r"RFC (\d+)(?: ((\d+|[A-Z])(?:\.\d+)*))?")


def link(source: str) -> str:
    """Return the address of a section that is named as rules name it; empty for any other source.

    >>> link("RFC 6749 5.2"), link("RFC 6749 A.12")
    ('https://www.rfc-editor.org/rfc/rfc6749#section-5.2', 'https://www.rfc-editor.org/rfc/rfc6749#appendix-A.12')
    >>> link("RFC 9110"), link("profile")
    ('https://www.rfc-editor.org/rfc/rfc9110', '')
    """
    found = _SECTION.fullmatch(source)
    if found is None:
        return ""
    number, section, first = found.groups()
    page = f"https://www.rfc-editor.org/rfc/rfc{number}"
    if section is None:
        return page
    return f"{page}#{'section' if first.isdigit() else 'appendix'}-{section}"
