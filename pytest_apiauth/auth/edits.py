"""Edits of a secret: what a strategy draws in the secret's place, so that no secret is ever drawn.

An `Edit` is applied to the secret at the moment of sending. A curl line has it in bash's words or in those of a
command (`editing`), so that a counterexample is reproducible without the secret in it. Positions are given in
thousandths of the length, since an edit is drawn before any secret is known.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

Operation = Literal[
    "insert", "delete", "replace", "swap", "truncate", "extend", "prepend", "toggle", "upper", "lower",
    "reverse", "double", "whole", "cut", "change", "first", "swapcase", "around", "percent", "base64",
    "without", "digest",
]  # fmt: skip
PLACED: Final = frozenset({"insert", "delete", "replace", "swap", "truncate", "toggle", "cut", "change"})
"""The operations that are about a place in the value."""
ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


def _others() -> str:
    """Return a letter for each of base64's, of those that need no encoding, which differs in its highest bit."""
    others = [ALPHABET[place ^ 32] for place in range(64)]
    # What would be + or / is a letter that differs in its second bit.
    return "".join(ALPHABET[place ^ 16] if other in "+/" else other for place, other in enumerate(others))


OTHERS: Final = _others()
SHORTEST_PIECE: Final = 9
"""So many letters of a value tell of it; fewer may be a word like others, such as what many tokens begin with."""
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
JWS_PARTS: Final = 3
CHANGES: Final = str.maketrans(ALPHABET + "-_", OTHERS + OTHERS[-2:])


@dataclass(frozen=True, slots=True)
class Edit:
    """One small change of a value.

    ``at`` is a position in thousandths of the value's length; ``text`` is what is put in. ``whole``
    replaces everything by ``text``; ``cut`` keeps what is before ``at`` and appends ``text``; ``toggle``
    swaps the case of the first letter at or after ``at``. ``change`` puts another letter there, whatever the letter is:
    one that base64 decodes to other bits, or the next one that it knows. ``first`` keeps ``at`` letters, counted one by
    one. The others write all of the value in another way: ``around`` between two texts, ``without`` the letters of a
    text, ``digest`` as the hash of that name, in hexadecimal.

    >>> Edit("reverse").apply("s3cret"), Edit("truncate", at=900).apply("0123456789")
    ('terc3s', '012345678')
    >>> print(Edit("insert", at=500, text="x"))
    insert at 50 % 'x'
    """

    operation: Operation
    at: int = 0
    text: str = ""

    def apply(self, value: str) -> str | None:
        """Return the edited value, or None if the edit leaves it the same or merely spelt differently."""
        edited = self._made_of(value)
        return None if edited is None or equivalent(edited, value) else edited

    def _made_of(self, value: str) -> str | None:
        return _APPLY[self.operation](value, self._index(value), self.text)

    def telling(self, value: str) -> str | None:
        """Return what the edit makes of a value if that tells the value, in another way than by having it in it.

        >>> Edit("reverse").telling("s3cret-value"), Edit("first", 8).telling("s3cret-value")
        ('eulav-terc3s', None)
        """
        edited = None if self.operation == "whole" else self._made_of(value)
        if edited is None or value in edited:
            return None
        left = len(edited) - (len(self.text) if self.operation == "cut" else 0)
        is_whole = left >= len(value) or (left >= SHORTEST_PIECE and 4 * left >= 3 * len(value))
        return edited if is_whole else None

    def _index(self, value: str) -> int:
        if self.operation == "first":
            return self.at
        index = min(self.at * len(value) // 1000, max(len(value) - 1, 0))
        if self.operation == "truncate":
            return max(index, 1)  # an empty value is no near miss: tables have it
        if self.operation == "change":
            places = [place for place, letter in enumerate(value) if ord(letter) in CHANGES]
            return next((place for place in places if place >= index), places[-1] if places else index)
        if self.operation == "toggle":
            return next((i for i in range(index, len(value)) if _toggled(value[i])), index)
        return index

    def __str__(self) -> str:
        words: list[str] = [self.operation]
        if self.operation == "first":
            words.append(str(self.at))
        elif self.operation in PLACED:
            words.append(f"at {self.at / 10:g} %")
        if self.text:
            words.append(ascii(self.text))
        return " ".join(words)


def equivalent(one: str, other: str) -> bool:
    """Whether two values mean the same to a careful server: equal, or base64 spellings of the same bytes.

    The last letter of unpadded base64 holds unused bits, so several spellings decode alike (RFC 4648 3.5);
    that also holds for the parts of a JWS between its dots (RFC 7515 2), of which some decoders drop a letter that is
    one too many. A UUID is the same in any case (RFC 9562 4), and to most libraries and databases without its hyphens.

    >>> equivalent("eA", "eB"), equivalent("eA", "eQ")
    (True, False)
    >>> equivalent("00000000-0000-4000-8000-00000000000a", "0000000000004000800000000000000A")
    True
    """
    if one == other:
        return True
    if UUID.match(one) or UUID.match(other):
        return one.lower().replace("-", "") == other.lower().replace("-", "")
    ones, others = one.split("."), other.split(".")
    if len(ones) != len(others):
        return False
    is_jws = len(ones) == JWS_PARTS
    decoded = [(_decoded(a, is_jws=is_jws), _decoded(b, is_jws=is_jws)) for a, b in zip(ones, others, strict=True)]
    same = (a == b for a, b in zip(ones, others, strict=True))
    return all(is_same or (a is not None and a == b) for is_same, (a, b) in zip(same, decoded, strict=True))


def _decoded(text: str, *, is_jws: bool) -> bytes | None:
    core = text.rstrip("=").replace("-", "+").replace("_", "/")
    if is_jws and len(core) % 4 == 1:
        core = core[:-1]
    try:
        return base64.b64decode(core + "=" * (-len(core) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _toggled(letter: str) -> str:
    return letter.swapcase() if letter.isascii() and letter.isalpha() else ""


def _change(value: str, at: int) -> str | None:
    letter = value[at : at + 1].translate(CHANGES)
    return value[:at] + letter + value[at + 1 :] if letter != value[at : at + 1] else None


def _toggle(value: str, index: int, text: str) -> str | None:
    letter = _toggled(value[index]) if value else ""
    return value[:index] + letter + value[index + 1 :] if letter else None


def _swap(value: str, index: int, text: str) -> str | None:
    if index + 1 >= len(value):
        return None
    return value[:index] + value[index + 1] + value[index] + value[index + 2 :]


_APPLY: dict[Operation, Callable[[str, int, str], str | None]] = {
    "insert": lambda value, at, text: value[:at] + text + value[at:],
    "delete": lambda value, at, text: value[:at] + value[at + 1 :],
    "replace": lambda value, at, text: value[:at] + text + value[at + 1 :],
    "swap": _swap,
    "truncate": lambda value, at, text: value[:at],
    "extend": lambda value, at, text: value + text,
    "prepend": lambda value, at, text: text + value,
    "toggle": _toggle,
    "upper": lambda value, at, text: value.upper(),
    "lower": lambda value, at, text: value.lower(),
    "reverse": lambda value, at, text: value[::-1],
    "double": lambda value, at, text: value + value,
    "whole": lambda value, at, text: text,
    "cut": lambda value, at, text: value[:at] + text,
    "change": lambda value, at, text: _change(value, at),
    "first": lambda value, at, text: value[:at],
    "swapcase": lambda value, at, text: "".join(_toggled(letter) or letter for letter in value),
    "around": lambda value, at, text: text + value + text,
    "percent": lambda value, at, text: "".join(f"%{byte:02x}" for byte in value.encode()),
    "base64": lambda value, at, text: base64.b64encode(value.encode()).decode(),
    "without": lambda value, at, text: "".join(letter for letter in value if letter not in text),
    "digest": lambda value, at, text: hashlib.new(text, value.encode()).hexdigest(),
}
