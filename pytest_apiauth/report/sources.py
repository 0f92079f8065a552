"""What a reader is shown of a rule's sources: where a standard's section is to be read, what a document says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_apiauth.standards import link


def told(sources: Iterable[str], statements: Mapping[str, str]) -> list[str]:
    """Return what a reader is shown of each source: a section with its address, a statement with its sentence.

    >>> told(["RFC 9111", "A-1", "profile"], {"A-1": "The key travels in a header."})
    ['RFC 9111 https://www.rfc-editor.org/rfc/rfc9111', 'A-1 “The key travels in a header.”', 'profile']
    """
    return [_told(source, statements) for source in sources]


def _told(source: str, statements: Mapping[str, str]) -> str:
    if source in statements:
        return f"{source} “{statements[source]}”"
    return f"{source} {link(source)}".strip()
