"""Encodings of a text in a request, of the text itself: what `texts` says of named secrets, once they are there."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

PLAIN = "-._~"
"""What a form leaves as it is beside letters and digits."""


def form_encoded(text: str, also: str = "", keep: str = "") -> str:
    """Return a text as ``application/x-www-form-urlencoded``.

    ``also`` percent-encodes those letters too, ``keep`` leaves those alone.

    >>> form_encoded("a b/c"), form_encoded("a b", also=" "), form_encoded("a/b", keep="/")
    ('a+b%2Fc', 'a%20b', 'a/b')
    """
    if also and any(letter in also for letter in text):
        return "".join(f"%{ord(each):02X}" if each in also else quote_plus(each, safe=PLAIN + keep) for each in text)
    return quote_plus(text, safe=PLAIN + keep)


def base64_encoded(text: str) -> str:
    """Return a text in UTF-8 as Base64 with padding, as HTTP Basic wants it (RFC 7617 2).

    >>> base64_encoded("id:secret")
    'aWQ6c2VjcmV0'
    """
    return base64.b64encode(text.encode()).decode()
