"""What the rules draw: edits and spellings, never a secret.

Alphabets and not regular expressions (three times as fast), legal header values only, so that a server
in this process and one across a network see the same requests. What is finite is a table in the rule.
"""

from __future__ import annotations

import string

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pytest_apiauth.rules import Edit, Operation

UNRESERVED = string.ascii_letters + string.digits
B64TOKEN = UNRESERVED + "-._~+/"
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))

positions = st.integers(0, 999)
letters = st.sampled_from(UNRESERVED)


nothing = st.just("")


def texts(alphabet: str, *, min_size: int = 0, max_size: int) -> SearchStrategy[str]:
    """Draw texts, none of which a test's own key can be.

    Hypothesis tries the literals of a project's source too (6.131 on), and the key of its tests may be one of them.
    Turned round it is another text, while whatever else is drawn is as likely as before.
    """
    return st.text(alphabet, min_size=min_size, max_size=max_size).map(_turned)


def _turned(text: str) -> str:
    return text[::-1]


def _edit(
    operation: Operation, at: SearchStrategy[int] = positions, text: SearchStrategy[str] = nothing
) -> SearchStrategy[Edit]:
    return st.builds(Edit, st.just(operation), at, text)


START = st.just(0)

near_misses: SearchStrategy[Edit] = st.one_of(
    _edit("replace", text=letters),
    _edit("delete"),
    _edit("insert", text=letters),
    _edit("swap"),
    _edit("truncate", at=st.integers(1, 999)),
    _edit("extend", START, st.text(UNRESERVED, min_size=1, max_size=8)),
    _edit("prepend", START, st.text(UNRESERVED, min_size=1, max_size=8)),
    _edit("double", START),
    _edit("reverse", START),
)
"""One small edit anywhere, or the value cut, lengthened, doubled or reversed."""

case_changes: SearchStrategy[Edit] = st.one_of(_edit("upper", START), _edit("lower", START), _edit("toggle"))
"""The case of one letter, or of all."""

WILDCARDS = ("%", "*", "_", ".*", "null", "undefined", "None", "0", "1", "true", "[]", "{}", "NaN", "-", "'", "1=1")
wildcards: SearchStrategy[Edit] = st.one_of(
    _edit("whole", START, st.sampled_from(WILDCARDS)),
    _edit("cut", text=st.sampled_from(("%", "*", ".*", "_%"))),
    _edit("replace", text=st.sampled_from("%_*.?")),
)
"""Patterns and type-juggled values: the whole value, or put in the place of its end or of one letter."""

strangers: SearchStrategy[Edit] = _edit("whole", START, texts(B64TOKEN, min_size=8, max_size=120))
"""A well-formed token that nobody issued."""

header_names: SearchStrategy[str] = st.one_of(
    st.just("Content-Type"),
    st.text(string.ascii_letters + string.digits, min_size=4, max_size=16).map("X-Apiauth-{}".format),
)
header_values: SearchStrategy[str] = texts(VISIBLE, min_size=1, max_size=40)

unknown_names: SearchStrategy[str] = st.text(string.ascii_lowercase + "_", min_size=4, max_size=16).map(
    "apiauth_{}".format
)
"""Names of parameters that nobody has registered."""

unknown_grants: SearchStrategy[str] = st.text(string.ascii_lowercase + "_", min_size=3, max_size=20).map(
    "urn:example:apiauth:{}".format
) | st.sampled_from(("apiauth", "authorization", "client", "none", "implicit_apiauth"))

noise = "".join(chr(code) for code in range(0x21, 0x7F)) + "".join(chr(code) for code in range(0x80, 0x100))
token_shapes = st.lists(st.text(UNRESERVED + "-_", max_size=6).map("eyJ{}".format), min_size=1, max_size=5).map(
    ".".join
)
header_noise: SearchStrategy[str] = st.one_of(
    texts(noise + " \t", min_size=1, max_size=60).map(lambda text: text.strip(" \t")), token_shapes
)
"""Anything that a header value may hold, bytes beyond ASCII included, and what begins like a JWT and is none."""
json_values: SearchStrategy[object] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1, 1), st.just(0.5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(("$ne", "$gt", "$regex", "a")), inner, min_size=0, max_size=2),
    ),
    max_leaves=4,
)
"""Values of every JSON type but string."""

encoded_letters: SearchStrategy[str] = st.text(UNRESERVED + "-._~", max_size=8)
"""Letters that need no percent-encoding, to be encoded all the same."""

name_masks: SearchStrategy[list[bool]] = st.lists(st.booleans(), min_size=16, max_size=16).filter(any)
"""Which letters of a header's name change their case."""
