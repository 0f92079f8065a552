"""Texts as words of bash: as a person types them, whatever is in them, and whatever a variable is turned into.

A word is made of pieces: literal text, and `Code`, which stands within double quotes. What bash says shortly of a
variable it says itself, ``${TOKEN^^}``; for anything else there is the command of `editing`. So there is no program in
a word, no substitution within another one, and no pipe. Text that repeats itself a thousand times is not written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from pytest_apiauth.auth.editing import COMMAND, literal, packed, words_of
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.minting import Minted

LAST: Final = 999
"""The place of the last letter, in thousandths, of what has fewer letters than that."""
LONG: Final = 200
"""Letters of a literal text after which repetitions are looked for in it."""
LONGEST: Final = 2_000
"""Letters of one without repetitions that are written out."""
_REPEATED: Final = re.compile(r"([!-~ ]{1,8}?)\1{30,}")
_WITHIN_QUOTES: Final = re.compile(r"[ #%&'()*+,./0-9:;<=>?@A-Z\[\]^_a-z{|}~-]*")
"""What needs no escape within double quotes; ``!`` calls the history of an interactive shell there."""
_BARE: Final = re.compile(r"[A-Za-z0-9@%_+=:,./-]+")


class Code(str):
    """What stands within double quotes as it is."""

    __slots__ = ()


Piece = str | Code


def quoted(text: str, charset: str = "latin-1") -> str:
    r"""Quote a literal text as one bash word; what is not in the character set is in UTF-8.

    >>> print(quoted("it's"), quoted("\xe9"), quoted("\xe9", "utf-8"))
    'it'\''s' $'\xe9' $'\xc3\xa9'
    """
    if not text:
        return "''"
    if all(" " <= letter <= "~" for letter in text):
        return "'" + text.replace("'", "'\\''") + "'"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + "".join(c if " " <= c <= "~" else _byte_escape(c, charset) for c in escaped) + "'"


def _byte_escape(letter: str, charset: str) -> str:
    raw = letter.encode(charset if charset == "utf-8" or ord(letter) < 256 else "utf-8")
    return "".join(f"\\x{byte:02x}" for byte in raw)


def joined(pieces: Iterable[Piece], charset: str = "latin-1") -> str:
    """Return pieces as one word: within double quotes if nothing in them needs an escape there.

    >>> print(joined(["Cookie: sid=", Code("${SID}")]), joined(['{"a": "', Code("${A}"), '"}']))
    "Cookie: sid=${SID}" '{"a": "'"${A}"'"}'
    """
    merged = [*_merged(short for piece in pieces for short in _shortened(piece))]
    if not any(isinstance(piece, Code) for piece in merged):
        return quoted("".join(merged), charset)
    if all(isinstance(piece, Code) or _WITHIN_QUOTES.fullmatch(piece) for piece in merged):
        return f'"{"".join(merged)}"'
    return "".join(f'"{piece}"' if isinstance(piece, Code) else quoted(piece, charset) for piece in merged)


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for is_code, group in groupby((piece for piece in pieces if piece), key=lambda piece: isinstance(piece, Code)):
        text = "".join(group)
        yield Code(text) if is_code else text


def _shortened(piece: Piece) -> Iterator[Piece]:
    """Yield a piece with what repeats itself in it as a command, if it is long."""
    if isinstance(piece, Code) or len(piece) < LONG:
        yield piece
        return
    place = 0
    for found in _REPEATED.finditer(piece):
        unit, count = found[1], len(found[0]) // len(found[1])
        yield from _in_short(piece[place : found.start()])
        yield command(literal(unit), "times", str(count))
        place = found.end()
    yield from _in_short(piece[place:])


def _in_short(piece: str) -> Iterator[Piece]:
    is_shorter = len(piece) > LONGEST and piece.isascii() and 2 * len(packed(piece)) < len(piece)
    yield command(packed(piece), "unpack") if is_shorter else piece


def command(text: str, *steps: str) -> Code:
    """Return the command that makes something of a text, which may have names in it.

    >>> print(command("ACCESS_TOKEN", "replace", "86.4%", "x"))
    $(python -m pytest_apiauth edit ACCESS_TOKEN replace 86.4% x)
    """
    return Code(f"$({COMMAND} {' '.join(map(bare, (text, *steps)))})")


def bare(text: str) -> str:
    """Return a text as one word, without quotes if it needs none.

    >>> bare("grant_type=password"), bare("a b")
    ('grant_type=password', "'a b'")
    """
    return text if _BARE.fullmatch(text) else quoted(text, "utf-8")


def edited(name: str, edit: Edit | Forgery | None, charset: str = "latin-1") -> list[Piece]:
    """Return the value of a variable with an edit, as bash says it if that is short.

    >>> edited("TOKEN", Edit("extend", text="x")), edited("TOKEN", Edit("reverse"))
    (['${TOKEN}', 'x'], ['$(python -m pytest_apiauth edit TOKEN reverse)'])
    """
    if edit is None:
        return [Code(f"${{{name}}}")]
    spelt = _in_bash(name, edit) if isinstance(edit, Edit) else None
    return [command(name, *words_of(edit, charset))] if spelt is None else spelt


def _in_bash(name: str, edit: Edit) -> list[Piece] | None:
    """Return an edit in bash's own words; None if there are none that are short."""
    whole, rest, start = (Code(f"${{{name}{more}}}") for more in ("", ":1", "%?"))
    match edit.operation, edit.at:
        case ("extend", _):
            return [whole, edit.text]
        case ("prepend", _) | ("insert", 0):
            return [edit.text, whole]
        case ("around", _):
            return [edit.text, whole, edit.text]
        case ("double", _):
            return [whole, whole]
        case ("whole", _) | ("cut", 0):
            return [edit.text]
        case ("replace", 0):
            return [edit.text, rest]
        case ("delete", 0):
            return [rest]
        case ("replace" | "cut", 999):
            return [start, edit.text]
        case ("truncate" | "delete", 999):
            return [start]
        case ("upper", _):
            return [Code(f"${{{name}^^}}")]
        case ("lower", _):
            return [Code(f"${{{name},,}}")]
        case ("first", _):
            return [Code(f"${{{name}:0:{edit.at}}}")]
    return None


def assignment(name: str, minted: Minted, token: str, key: str) -> str:
    """Return the line that gives a variable a token which is signed anew; token and key are variables too.

    >>> print(assignment("MINTED", Minted(claims=(("exp", None),)), "ACCESS_TOKEN", "JWT_KEY"))
    export MINTED="$(python -m pytest_apiauth edit ACCESS_TOKEN signed by=JWT_KEY 'claims={"exp": null}')"
    """
    first, *options = words_of(minted)
    return f'export {name}="{command(token, first, f"by={key}", *options)}"'
