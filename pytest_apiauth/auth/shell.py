"""A request as one curl line for bash, with ``$PLACEHOLDERS`` for its secrets.

Run by whoever has the secrets in the environment, the line sends the same bytes. The values are looked at only
to choose the shortest spelling: an encoding that changes nothing is not written. What a project's own function signs
has a name too, ``$HMAC_SIGNATURE``, but no shell makes that: what else the function adds is not in the line. Nor does
one make ``$DPOP_PROOF``: the key of it is a run's own. Certificates are files to curl: ``$CERTIFICATE_FILE``. What is
pushed first is a curl line before the other one, and its answer a file: ``pushed.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import Final
from urllib.parse import quote_plus

from pytest_apiauth.auth.bash import LONG, Code, Piece, bare, command, edited, joined, quoted
from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.editing import NAME, literal, members_of, within, word, words_of
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.encodings import form_encoded
from pytest_apiauth.auth.templates import FORM
from pytest_apiauth.auth.texts import (
    Assertion,
    Base64,
    FormEncoded,
    JsonStyle,
    Part,
    Ref,
    Role,
    Text,
    as_text,
    json_object,
    parts_of,
    refs_of,
    reveal,
    texts_of,
)

PUSHED: Final = "pushed.json"


def curl(draft: Draft, values: Mapping[Ref, str]) -> str:
    """Write a request as one curl line; what is pushed first is one before it."""
    if draft.push is not None:
        return _pushed(draft, values)
    draft = draft.laid_out
    before = ["curl"] if draft.after is None else [curl(draft.after, values), "--next"]
    words = [*before, "-I" if draft.method == "HEAD" else "-i", *draft.flags]
    if draft.method not in ("HEAD", "POST" if draft.media_type else "GET"):
        words += ["-X", draft.method]
    lines = draft.lines
    for name, value in lines:
        words += _header(name, value, values, is_only=[each.lower() for each, _ in lines].count(name.lower()) == 1)
    for each in draft.signatures:
        words += _signature(each)
    if draft.proof is not None:
        words += ["-H", f'"DPoP: ${{{draft.proof.placeholder}}}"'] * draft.proof.times
    if draft.certificate is not None:
        name = draft.certificate.placeholder
        words += ["--cert", f'"${{{name}_FILE}}"', "--key", f'"${{{name}_KEY_FILE}}"']
    words += _body(draft, values)
    if draft.target_text is not None:
        words += ["--request-target", shown(draft.target_text, values)]
    words.append(_url(draft, values))
    return " ".join(words)


def _header(name: str, value: Text, values: Mapping[Ref, str], *, is_only: bool) -> list[str]:
    """Write a header line; HTTP Basic as curl makes it, where it is nothing else."""
    if value == "":
        # curl drops a header that ends with a colon, and sends it empty when it ends with a semicolon.
        return ["-H", quoted(f"{name};")]
    match parts_of(value):
        case ("Basic ", Base64(inner)) if name == "Authorization" and is_only and _is_pair(inner):
            return ["-u", shown(inner, values, "utf-8")]
    return ["-H", shown((f"{name}: ", *parts_of(value)), values)]


def _is_pair(text: Text) -> bool:
    """Whether curl takes a text as name and password: with a colon of its own, and nothing that ends a word."""
    literals = [part for part in parts_of(text) if isinstance(part, str)]
    put_in = [ref.edit.text for ref in refs_of(text) if isinstance(ref.edit, Edit)]
    return ":" in "".join(literals) and "\0" not in "".join((*literals, *put_in))


def _signature(each: Credential) -> list[str]:
    """Write where a signature goes, by a name: nothing but the project's own function can make it."""
    signature = each.signature
    if signature is None or signature.is_left_out or each.place.where == "query":
        return []
    name = f"{each.name}: " if each.place.where == "header" else f"Cookie: {each.name}="
    return ["-H", joined([name, Code(f"${{{_name_of(each)}}}")])]


def _name_of(each: Credential) -> str:
    assert each.signature is not None
    is_forged = any(ref.edit is not None for ref in refs_of(each.value))
    return each.signature.placeholder + ("_BY_ANOTHER_KEY" if is_forged else "")


def _pushed(draft: Draft, values: Mapping[Ref, str]) -> str:
    """Write the request that pushes an authorization request, and the one that opens what came of it."""
    name = Ref(Role.KEPT, named="REQUEST_URI")
    push = curl(draft.pushed, values).replace("curl -i", f"curl -sS -o {PUSHED}", 1)
    opening = curl(draft.opening(name), {**values, name: ""})
    made = command(f"@{PUSHED}", "member", "of=request_uri", "form")
    return f"{push}; {opening.replace(f'${{{name.name}}}', made)}"


def shown(text: Text, values: Mapping[Ref, str], charset: str = "latin-1") -> str:
    """Write a text as one bash word, secrets by name."""
    return joined(_pieces(text, values, charset), charset)


def _pieces(text: Text, values: Mapping[Ref, str], charset: str) -> list[Piece]:
    return [piece for part in parts_of(text) for piece in _of_part(part, values, charset)]


def _of_part(part: Part, values: Mapping[Ref, str], charset: str) -> list[Piece]:
    if isinstance(part, str):
        return [part]
    if not any(refs_of(part)):
        return [reveal(part, values)]
    if isinstance(part, Ref):
        return edited(part.name, part.edit, charset)
    if isinstance(part, FormEncoded):
        return [piece for each in parts_of(part.inner) for piece in _form_encoded(each, part, values)]
    return [command(*words_for(part))]


def _form_encoded(inner: Part, part: FormEncoded, values: Mapping[Ref, str]) -> list[Piece]:
    """Write a part of what is form-encoded, letter by letter; as it is, if that changes nothing."""
    plain = reveal(inner, values)
    if not any(refs_of(inner)):
        return [form_encoded(plain, part.also, part.keep)]
    if form_encoded(plain, part.also, part.keep) == plain:
        return _of_part(inner, values, "utf-8")
    first, *steps = words_for(inner)
    return [command(first, *steps, *_form_words(part))]


def _form_words(part: FormEncoded) -> list[str]:
    given = (("also", part.also), ("keep", part.keep))
    return ["form", *(f"{name}={word(text)}" for name, text in given if text)]


def words_for(part: Part, *, is_grouped: bool = False) -> list[str]:
    """Return the words of the command that makes a part: a text, and the steps that it takes."""
    if not any(refs_of(part)):
        spelt = literal(reveal(part, {}))
        return [within(spelt) if is_grouped else spelt]
    if isinstance(part, Ref):
        return [part.name, *(words_of(part.edit, "utf-8") if part.edit is not None else [])]
    assert not isinstance(part, str)
    if isinstance(part, Assertion):
        return _assertion(part, is_grouped=is_grouped)
    text, *steps = _source(part.inner, is_grouped=is_grouped)
    return [text, *steps, *(_form_words(part) if isinstance(part, FormEncoded) else ["base64"])]


def _source(text: Text, *, is_grouped: bool = False) -> list[str]:
    """Return a text for the command, and the steps that it takes: of one part alone it needs no braces."""
    parts = parts_of(text)
    if len(parts) == 1:
        return words_for(parts[0], is_grouped=is_grouped)
    # What stands side by side without a name in it is one text: only together may ``$`` and ``{`` mean a name.
    runs = [(named, tuple(run)) for named, run in groupby(parts, lambda part: any(refs_of(part)))]
    texts = [
        "".join(map(_braced, run)) if named else words_for(reveal(run, {}), is_grouped=is_grouped)[0]
        for named, run in runs
    ]
    return ["".join(texts)]


def _braced(text: Text, *more: str) -> str:
    """Return a text with names in it within another one, with steps of its own."""
    source, *steps = _source(text, is_grouped=True)
    if not NAME.fullmatch(source):
        source = f"{{{source}}}"
    return f"${{{' '.join([source, *map(within, (*steps, *more))])}}}"


def _assertion(part: Assertion, *, is_grouped: bool) -> list[str]:
    """Write an assertion as what makes one: each is good for one request, and not for long."""
    who, key, kid = parts_of(part.inner)
    by, name = (_one(each) for each in (key, kid))
    given = [("by", by), ("kid", name), ("alg", part.alg), ("aud", part.audience), ("jti", part.jti)]
    given += [("lifetime", str(part.lifetime))] * (part.lifetime != 60) + [("age", str(part.age))] * (part.age != 0)
    words = [f"{option}={word(value)}" for option, value in given if value]
    words += members_of(header=part.header, claims=part.claims)
    words += words_of(part.edit, "utf-8") if part.edit is not None else []
    return [*words_for(who, is_grouped=is_grouped), "assertion", *words]


def _one(part: Part) -> str:
    """Return a part as a text of the command, without steps behind it."""
    if not any(refs_of(part)):
        return literal(reveal(part, {}))
    return part.name if isinstance(part, Ref) and part.edit is None else _braced(part)


def _body(draft: Draft, values: Mapping[Ref, str]) -> list[str]:
    if not draft.media_type:
        return []
    label = ["-H", joined([f"Content-Type: {draft.media_type}"])]
    if draft.raw_body is not None:
        return [*label, "--data-binary", joined([draft.raw_body])]
    if draft.encoding == "form":
        words = [] if draft.media_type == FORM else label
        for name, value in draft.parameters:
            words += _member(name, as_text(value), values)
        words += ["--data-binary", joined([draft.tail])] if draft.tail else []
        return words or ["-d", "''"]
    return [*label, "-d", _json(draft, values)]


def _member(name: str, value: Text, values: Mapping[Ref, str]) -> list[str]:
    """Write a member of a form; curl need not encode what the same letters stand for once they are encoded."""
    plain = "" if any(refs_of(value)) else f"{name}{reveal(value, {})}"
    if plain and form_encoded(plain) == plain:
        text = f"{name}={plain.removeprefix(name)}"
        return ["-d", bare(text) if len(text) < LONG else joined([text])]
    return ["--data-urlencode", shown((f"{name}=", *parts_of(value)), values, "utf-8")]


def _json(draft: Draft, values: Mapping[Ref, str]) -> str:
    """Write a JSON body; a secret that needs JSON's own quoting has it from the command."""
    named = [text for text in texts_of(draft.parameters) if any(refs_of(text))]
    order = iter(range(len(named)))

    def write(text: Text) -> str:
        return f"\0{next(order)}\0" if any(refs_of(text)) else _literal(text, draft.style)

    # No JSON has a null character in it.
    whole = json_object(draft.parameters, write, draft.style).split("\0")
    is_plain = all(json.dumps(value) == f'"{value}"' for value in (reveal(text, values) for text in named))
    if not is_plain:
        return joined(
            [
                command(
                    "".join(
                        literal(each) if n % 2 == 0 else _braced(named[int(each)], "json")
                        for n, each in enumerate(whole)
                    )
                )
            ]
        )
    pieces: list[Piece] = []
    for place, each in enumerate(whole):
        pieces += ['"', *_pieces(named[int(each)], values, "utf-8"), '"'] if place % 2 else [each]
    return joined(pieces, "utf-8")


def _literal(text: Text, style: JsonStyle) -> str:
    return json.dumps(reveal(text, {}), ensure_ascii=style != "raw")


def _url(draft: Draft, values: Mapping[Ref, str]) -> str:
    asked = [each for each in draft.signatures if each.place.where == "query"]
    pieces: list[Piece] = [draft.url]
    for position, (name, value) in enumerate(draft.pairs):
        encoded = [quote_plus(value)] if isinstance(value, str) else _of_part(FormEncoded(value), values, "utf-8")
        pieces += [f"{'&' if position else '?'}{quote_plus(name)}=", *encoded]
    for position, each in enumerate(asked, len(draft.pairs)):
        if each.signature is not None and not each.signature.is_left_out:
            pieces += [f"{'&' if position else '?'}{each.name}=", Code(f"${{{_name_of(each)}}}")]
    return joined(pieces)


__all__ = ["curl", "shown", "words_for"]
