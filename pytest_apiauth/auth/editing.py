"""What ``python -m pytest_apiauth edit`` makes of the values of variables, and the words in which it is asked for.

Theory of operation. Secrets stand in a curl line as variables of the shell. What bash cannot say shortly about one,
this command says: ``edit ACCESS_TOKEN reverse``. It reads values from the environment by their names, so that none is
an argument that others could see, and makes of them what the suite itself makes: an `Edit`, a `Forgery` and the rest
are applied by the very code that a run applies. Whatever is written here can be read here; a test holds both together.

- The first word is a name, or a text with names in it: ``'${CLIENT_ID}:${CLIENT_SECRET reverse}'``. In braces a name is
  followed by steps of its own; ``${{...} STEP}`` is a text in braces. ``@FILE`` is the text of a file.
- The others are steps, each made of what the one before has made: the operations of an `Edit`, with their place in
  percent of the length and their text (``replace 86.4% x``), and those of `STEPS`. A step's options are ``name=value``.
- Letters that are no visible ASCII are written as the percent-encoding of their bytes, and so are ``%`` itself, ``${``
  and, within braces, blanks and braces. A ``%`` alone is the empty text.

It is started once for each value, so that it imports what it needs and no more.
"""

from __future__ import annotations

import difflib
import json
import re
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast, get_args
from urllib.parse import unquote_to_bytes

from pytest_apiauth.auth import own_keys
from pytest_apiauth.auth.edits import PLACED, Edit, Operation
from pytest_apiauth.auth.encodings import base64_encoded, form_encoded
from pytest_apiauth.auth.forgeries import Forgery, Form, Members, Place, Signature
from pytest_apiauth.auth.minting import Minted, Terms, asserted
from pytest_apiauth.errors import ApiAuthError

COMMAND: Final = "python -m pytest_apiauth edit"
NAME: Final = re.compile(r"[A-Z][A-Z0-9_]+")
TEXTED: Final = frozenset({"insert", "replace", "extend", "prepend", "whole", "cut", "around", "without", "digest"})
"""Operations of an edit that take a text."""
OWN: Final = "own:"
"""What begins the word for a key that everybody has (`own_keys`), in the place of the key, which is long."""
_OPTION: Final = re.compile(r"([a-z0-9]+)=(.*)", re.DOTALL)


class EditError(ApiAuthError):
    """What is asked for cannot be made: no such variable, no such step, or a value that it is not for."""


# Words


def word(text: str, charset: str = "utf-8") -> str:
    """Write a text as one word, whatever is in it.

    >>> word("50 %"), word("\\xe9"), word("")
    ('50 %25', '%C3%A9', '%')
    """
    content = text.encode(charset, "surrogateescape") if charset == "utf-8" else text.encode(charset, "replace")
    spelt = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x25 else f"%{byte:02X}" for byte in content)
    if spelt.startswith(("-", "@")):
        spelt = f"%{ord(spelt[0]):02X}{spelt[1:]}"
    return spelt.replace("${", "%24{") or "%"


def literal(text: str, charset: str = "utf-8") -> str:
    """Write a text so that it stands for itself where names are looked for."""
    spelt = word(text, charset) if text else ""
    return f"%{ord(spelt[0]):02X}{spelt[1:]}" if NAME.fullmatch(spelt) else spelt


def within(words: str) -> str:
    """Write a word so that it may stand within braces."""
    return re.sub(r"[ {}]", lambda found: f"%{ord(found[0]):02X}", words)


def packed(text: str) -> str:
    """Return a long text as ``unpack`` takes it; as it is where Python was built without the library."""
    try:
        import lzma
    except ImportError:
        return text
    return b64encode(lzma.compress(text.encode("utf-8", "surrogateescape"), lzma.FORMAT_ALONE)).decode()


def words_of(step: Edit | Forgery | Minted, charset: str = "utf-8") -> list[str]:
    """Return an edit or a forgery as words.

    >>> words_of(Edit("replace", 864, "v")), words_of(Forgery((("alg", "none"),), signature="empty"))
    (['replace', '86.4%', 'v'], ['jwt', 'header={"alg": "none"}', 'signature=empty'])
    """
    if isinstance(step, Edit):
        place = [f"{step.at / 10:g}%"] if step.operation in PLACED else [str(step.at)] * (step.operation == "first")
        return [step.operation, *place, *([word(step.text, charset)] if step.operation in TEXTED else [])]
    words = members_of(header=step.header, claims=step.claims)
    if isinstance(step, Minted):
        return ["signed", *words]
    if step.signature != "kept":
        words.append(f"signature={step.signature.replace(' ', '-')}")
    if step.key:
        words.append(f"key={_key(step.key)}")
    words += [f"place={step.place}"] * (step.place != "changed")
    words += [f"form={step.form.replace(' ', '-')}"] * (step.form != "compact")
    return ["jwt", *words]


def _key(key: str | bytes) -> str:
    return (
        word(key)
        if isinstance(key, str)
        else "".join(chr(byte) if 0x21 <= byte < 0x7F and byte != 0x25 else f"%{byte:02X}" for byte in key)
    )


def members_of(header: Members, claims: Members) -> list[str]:
    """Write members that are set as options in JSON, a key of our own by a word for it."""
    alg = str(dict(header).get("alg"))
    if alg in own_keys.OWN:
        header = tuple((name, _shortened(value, alg)) for name, value in header)
    given = (("header", header), ("claims", claims))
    return [f"{name}={word(json.dumps(dict(members)))}" for name, members in given if members]


def _shortened(value: object, alg: str) -> object:
    if value == own_keys.jwk(alg):
        return f"{OWN}jwk"
    if value == [own_keys.certificate(alg)]:
        return f"{OWN}x5c"
    if isinstance(value, str) and value.startswith(own_keys.DATA):
        kid = own_keys.kid_in(value)
        return f"{OWN}{kid}" if value == own_keys.key_set_url(alg, kid) else value
    return value


def _restored(value: object, alg: str) -> object:
    if not (isinstance(value, str) and value.startswith(OWN)):
        return value
    if value == f"{OWN}jwk":
        return own_keys.jwk(alg)
    return [own_keys.certificate(alg)] if value == f"{OWN}x5c" else own_keys.key_set_url(alg, value.removeprefix(OWN))


# What they make


def made(words: Sequence[str], variables: Mapping[str, str]) -> str:
    """Return what the words of a command make of the variables. Raises EditError, in one line.

    >>> made(["${ID}:${SECRET reverse}", "base64"], {"ID": "lab", "SECRET": "s3cret"})
    'bGFiOnRlcmMzcw=='
    """
    return _Maker(variables).of(words[0], words[1:])


class _Maker:
    """Follows words, with the variables that they name."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._words: deque[str] = deque()

    def of(self, text: str, steps: Sequence[str]) -> str:
        """Return a text after some steps."""
        value = self.text(text)
        kept, self._words = self._words, deque(steps)
        while self._words:
            value = self._step(self._words.popleft(), value)
        self._words = kept
        return value

    def text(self, source: str) -> str:
        """Return a text with the values of the names in it."""
        if source.startswith("@"):
            return _read(source[1:])
        if NAME.fullmatch(source):
            return self._value(source)
        pieces, place = [], 0
        while (found := source.find("${", place)) >= 0:
            end = _closing(source, found + 1)
            pieces += [_decoded(source[place:found]), self._braced(source[found + 2 : end])]
            place = end + 1
        return "".join([*pieces, _decoded(source[place:])])

    def _braced(self, inner: str) -> str:
        if inner.startswith("{"):
            end = _closing(inner, 0)
            return self.of(inner[1:end], inner[end + 1 :].split())
        name, *steps = inner.split() or [""]
        if not NAME.fullmatch(name):
            raise EditError(f"edit: expected the name of a variable in ${{...}}, got {name!r}")
        return self.of(name, steps)

    def _value(self, name: str) -> str:
        if name not in self._variables:
            raise EditError(f"edit: {name} is not set in the environment; is it exported?")
        return self._variables[name]

    def _step(self, name: str, value: str) -> str:
        if name in STEPS:
            return STEPS[name](self, value, self._options())
        if name not in get_args(Operation):
            near = difflib.get_close_matches(name, [*get_args(Operation), *STEPS], n=1)
            raise EditError(f"edit: no step is called {name!r}{f'; did you mean {near[0]!r}?' if near else ''}")
        at = self.number(name) if name == "first" else self._place(name) if name in PLACED else 0
        text = _decoded(self.next(name, "a text", r".*")) if name in TEXTED else ""
        try:
            return _changed(Edit(cast("Operation", name), at, text).apply(value), name)
        except ValueError as error:  # a digest of no such name, a value that is no text
            raise EditError(f"edit: {name}: {type(error).__name__}") from None

    def number(self, name: str) -> int:
        """Return the number that follows a step."""
        return int(self.next(name, "a number", r"\d{1,9}"))

    def _place(self, name: str) -> int:
        return round(float(self.next(name, "a place, such as 50%,", r"\d{1,2}(\.\d)?%")[:-1]) * 10)

    def next(self, name: str, expected: str, pattern: str) -> str:
        """Return the word that follows a step."""
        if not self._words or not re.fullmatch(pattern, self._words[0], re.DOTALL):
            raise EditError(f"edit: {name} takes {expected} behind it")
        return self._words.popleft()

    def _options(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while self._words and (option := _OPTION.fullmatch(self._words[0])):
            self._words.popleft()
            found[option[1]] = option[2]
        return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        raise EditError(f"edit: {path} cannot be read") from None


def _closing(source: str, start: int) -> int:
    """Return where the brace is that closes the one at a place."""
    depth = 0
    for place in range(start, len(source)):
        depth += {"{": 1, "}": -1}.get(source[place], 0)
        if not depth:
            return place
    raise EditError("edit: a brace is not closed")


def _decoded(text: str) -> str:
    return "" if text == "%" else unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _changed(value: str | None, name: str) -> str:
    if value is None:
        raise EditError(f"edit: {name} leaves this value what it is, or cannot be made of it")
    return value


def _json(text: str, name: str) -> dict[str, object]:
    try:
        found = json.loads(_decoded(text))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EditError(f"edit: expected {name}= with an object in JSON")
    return found


def _members(options: Mapping[str, str]) -> dict[str, Members]:
    """Return the members of header and claims that options set."""
    header, claims = (_json(options.get(name, "{}"), name) for name in ("header", "claims"))
    alg = str(header.get("alg"))
    if alg in own_keys.OWN:
        header = {name: _restored(value, alg) for name, value in header.items()}
    return {"header": tuple(header.items()), "claims": tuple(claims.items())}


def _form(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    return form_encoded(value, *(_decoded(options.get(name, "%")) for name in ("also", "keep")))


def _json_text(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    return json.dumps(value, ensure_ascii="utf8" not in options)


def _member(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    try:
        found = json.loads(value)[_decoded(options["of"])]
    except (ValueError, LookupError, TypeError):
        found = None
    if not isinstance(found, str):
        raise EditError("edit: what came is no object in JSON with that member")
    return found


def _forged(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    words: dict[str, Any] = {}
    for name, kind in (("signature", Signature), ("place", Place), ("form", Form)):
        words |= {name: _one_of(options[name].replace("-", " "), get_args(kind), name)} if name in options else {}
    key = unquote_to_bytes(options.get("key", ""))
    return _changed(Forgery(**cast("Any", _members(options) | words), key=key).apply(value), "jwt")


def _one_of(word: str, known: Sequence[str], name: str) -> str:
    if word not in known:
        raise EditError(f"edit: jwt: no {name}={word!r}; there are {', '.join(known)}")
    return word


def _signed(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    try:
        return Minted(**_members(options)).made(value, maker.text(options.get("by", "JWT_KEY")))
    except ValueError as error:
        raise EditError(f"edit: signed: {error}") from None


def _assertion(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    lacking = [name for name in ("by", "alg", "aud") if name not in options]
    if lacking:
        raise EditError(f"edit: assertion takes {lacking[0]}=")
    key, kid = (maker.text(_decoded(options.get(name, "%"))) for name in ("by", "kid"))
    terms = Terms(
        audience=_decoded(options["aud"]),
        alg=options["alg"],
        lifetime=_whole(options, "lifetime", 60),
        age=_whole(options, "age", 0),
        jti=_decoded(options.get("jti", "%")),
        **_members(options),
    )
    return asserted((value, key, kid), terms, time.time(), options["by"])


def _whole(options: Mapping[str, str], name: str, usual: int) -> int:
    try:
        return int(options.get(name, usual))
    except ValueError:
        raise EditError(f"edit: expected {name}= with a number of seconds") from None


def _times(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    return value * maker.number("times")


def _unpacked(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    try:
        import lzma

        return lzma.decompress(b64decode(value)).decode("utf-8", "surrogateescape")
    except (ValueError, EOFError, ImportError, lzma.LZMAError):
        raise EditError("edit: unpack takes what was packed, in Base64") from None


def _base64(maker: _Maker, value: str, options: Mapping[str, str]) -> str:
    return base64_encoded(value)


STEPS: Final[Mapping[str, Callable[[_Maker, str, Mapping[str, str]], str]]] = {
    "form": _form,
    "base64": _base64,
    "json": _json_text,
    "member": _member,
    "jwt": _forged,
    "signed": _signed,
    "assertion": _assertion,
    "times": _times,
    "unpack": _unpacked,
}
"""Steps beside the operations of an `Edit`."""
