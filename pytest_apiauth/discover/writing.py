"""From findings to the text of a profile, with comments that say what a person has to look at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_apiauth.discover.findings import Findings, ZoneFound
from pytest_apiauth.discover.zones import needs_in_words, sorted_kinds
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import KINDS

MARK: Final = "# To check: "
APP: Final = (
    '# app = "main:app"  # your app in this process; without it the embedded double is examined, which says nothing of'
    " your API"
)
"""The line of the draft that only a person can make true: no document says where the code is."""
_WIDTH: Final = 110
_FIELDS: Final = (
    "api_key", "personal_access_token", "client_id", "client_secret", "private_key", "certificate",
    "redirect_uri", "username", "password",
)  # fmt: skip
"""Keys of ``[credentials]``, as people read them."""


def written(findings: Findings, name: str) -> str:
    """Write a profile. ``name`` begins the names of the environment variables."""
    sections = (
        _head(findings, name),
        _credentials(findings, name),
        _authorization(findings),
        _token(findings),
        _grants(findings),
        _jwt(findings, name),
        _zones(findings),
    )
    return "\n\n".join("\n".join(lines) for lines in map(list, sections) if lines) + "\n"


def marks_in(text: str) -> int:
    """Count the places that ask to be checked."""
    return sum(line.startswith(MARK) for line in text.splitlines())


def _head(findings: Findings, name: str) -> Iterator[str]:
    yield from _comment(f"Written by `python -m pytest_apiauth init` from {findings.source}.")
    yield from _comment(f'After "{MARK.strip()}" stands what the document leaves open, or a profile cannot hold.')
    yield "schema = 1"
    if findings.title:
        yield f"title = {quoted(findings.title)}"
    yield f"source = {quoted(findings.source)}"
    yield APP
    yield '# A function that makes it is named likewise: "shop:create_app".'
    yield from _remarks(findings, "api_url")
    if findings.api_url:
        yield f"api_url = {quoted(findings.api_url)}"
    else:
        yield from _marked("the document names no host; say where a live run finds the API")
        yield f"api_url = {_reference(name, 'url')}"
    for key in (row.key for row in ENDPOINTS):
        yield from _remarks(findings, key)
        if findings.urls.get(key):
            yield f"{key} = {quoted(findings.urls[key])}"
    if findings.standards:
        yield from _comment(
            "What the document rests on. Without a standard in this list, its rules warn and do not fail."
        )
        yield f"standards = {_array(sorted(findings.standards))}"
    if any(GRANTS[grant].refreshes for grant in findings.grants):
        yield from _marked("what a refresh does to the refresh token, if your documentation says so")
        yield '# rotation = "old-dies"    # or "new-token", or "none"'


def _credentials(findings: Findings, name: str) -> Iterator[str]:
    for kind, place in findings.placed.items():
        if kind not in KINDS:
            yield f"[schemes.{kind}]"
            yield f"in = {quoted(place.where)}"
            yield f"name = {quoted(place.name)}"
            yield from [f"scheme = {quoted(place.word)}"] if place.word else []
            yield f"value = {_reference(name, kind)}"
            yield ""
            continue
        yield f"[{kind}]"
        if place.where != "header":
            yield f"in = {quoted(place.where)}"
            yield f"name = {quoted(place.name)}"
        elif place.name != KINDS[kind].place.name or KINDS[kind].is_declared:
            yield f"header = {quoted(place.name)}"
        if place.word:
            yield f"scheme = {quoted(place.word)}"
        yield ""
    fields = _fields(findings)
    if not fields:
        return
    yield "[credentials]"
    yield from _comment("Where each value is, never a secret itself: a variable of the environment or of a file .env,")
    yield from _comment('or { keyring = "SERVICE", username = "NAME" }. The embedded server needs none of them.')
    yield from _comment("What is in .env is read for this profile's values only: it is not set for the app.")
    yield from _remarks(findings, "credentials")
    for field in fields:
        if field == "username" and any(len(KINDS[kind].roles[0]) == 2 for kind in findings.kinds & KINDS.keys()):
            yield from _comment(
                "If one half of HTTP Basic is an API key, and the other counts for nothing, let zones need"
            )
            yield from _comment('"api_key", and write a table [api_key] with pair = "{key}:" or pair = "x:{key}".')
        if field == "certificate":
            yield from _comment('With its private key behind it, in PEM; { file = "client.pem" } is a place too.')
        if field == "redirect_uri":
            yield from _comment(
                "As registered. With http://127.0.0.1:PORT/PATH, `python -m pytest_apiauth token` listens there"
            )
            yield from _comment("and keeps the refresh token for live runs.")
        yield f"{field} = {_reference(name, field)}"


def _fields(findings: Findings) -> list[str]:
    """Return the keys of ``[credentials]`` that the grants and the kinds of credentials need."""
    grants = [GRANTS[grant] for grant in findings.grants]
    wanted = {role.lower() for kind in findings.kinds & KINDS.keys() for role in KINDS[kind].roles[0]}
    wanted.update(role.lower() for kind in findings.placed.keys() & KINDS.keys() for role in KINDS[kind].roles[0])
    wanted.update(member for grant in grants for member in grant.members)
    if _client_auth(findings) != "none" and grants:
        proof = {
            "private_key_jwt": "private_key", "tls_client_auth": "certificate",
            "self_signed_tls_client_auth": "certificate",
        }  # fmt: skip
        wanted.update(("client_id", proof.get(_client_auth(findings), "client_secret")))
    if findings.is_certified:
        wanted.add("certificate")
    if any(grant.needs_person for grant in grants):
        wanted.add("client_id")
    return [field for field in _FIELDS if field in wanted]


def _authorization(findings: Findings) -> Iterator[str]:
    lines = [] if findings.iss is None else [f"iss = {quoted(findings.iss)}"]
    lines += ["require_pushed_authorization_requests = true"] if findings.requires_pushed else []
    if lines and any(GRANTS[grant].spends == "code" for grant in findings.grants):
        yield "[authorization]"
        yield from lines


def _token(findings: Findings) -> Iterator[str]:
    if not findings.grants:
        return
    yield "[token]"
    yield f"body = {quoted(findings.body)}"
    yield from _remarks(findings, "token.client_auth")
    yield f"client_auth = {quoted(_client_auth(findings))}"
    if findings.alg:
        yield f"assertion = {{ alg = {quoted(findings.alg)} }}"
    if findings.is_bound:
        yield 'bound = "mtls"'
    yield from _remarks(findings, "token.scope")
    if findings.scope:
        yield f"scope = {quoted(findings.scope)}"
    yield from _marked("what every token answer has, if your documentation says so")
    yield '# answer = { token_type = "Bearer", expires_in = 3600 }'


def _client_auth(findings: Findings) -> str:
    if findings.client_auth is not None:
        return findings.client_auth
    # A login form usually knows no client; every other server has to take Basic (RFC 6749 2.3.1).
    needs_client = any(GRANTS[grant].needs_client for grant in findings.grants)
    return "client_secret_basic" if needs_client else "none"


def _grants(findings: Findings) -> Iterator[str]:
    yield from _remarks(findings, "grants")
    for number, (grant, found) in enumerate(findings.grants.items()):
        if number:
            yield ""
        yield f"[grants.{grant}]"
        if found.scope and found.scope != findings.scope:
            yield f"scope = {quoted(found.scope)}"
        if found.gives_refresh_token:
            yield "answer = { refresh_token = true }"
        if GRANTS[grant].refreshes:
            # The scope of the first grant holds (RFC 6749 6).
            yield 'scope = ""'


def _jwt(findings: Findings, name: str) -> Iterator[str]:
    if not findings.may_have_jwts:
        return
    yield from _marked(
        "if access tokens are JWTs: [jwt] and the key that signs them, if that is one for tests; without it the rules"
        " on claims (audience, issuer, times, type) are skipped"
    )
    yield "# [jwt]"
    yield '# alg = "HS256"    # or RS256, ES256, …'
    yield f"# signing_key = {_reference(name, 'signing_key')}"


def _zones(findings: Findings) -> Iterator[str]:
    yield from _comment(
        "Routes by what they need. A zone is a path prefix; of several that fit, the longest one counts."
    )
    yield from _remarks(findings, "zones")
    for kind in KINDS.values():
        if kind.note and kind.name in findings.kinds:
            yield from _comment(f"{kind.name}: {kind.note}.")
    if not findings.zones:
        yield "# [zones.api]"
        yield '# path = "/"'
        yield '# needs = ["bearer"]'
        yield '# probe = ["/me"]    # GET routes that a test may call'
    for number, zone in enumerate(findings.zones):
        if number or findings.remarks.get("zones"):
            yield ""
        yield f"[zones.{zone.name}]"
        yield from _remarks(findings, f"zones.{zone.name}")
        yield from _zone(zone)


def _zone(zone: ZoneFound) -> Iterator[str]:
    for remark in zone.remarks:
        yield from _marked(remark)
    yield f"path = {quoted(zone.path)}"
    yield f"needs = {_needs(zone)}" + (f"    # {needs_in_words(zone.needs)}" if len(zone.needs) > 1 else "")
    if zone.probes:
        yield f"probe = {_array(zone.probes)}"
    elif zone.needs:
        yield from _marked(
            "a GET route that a test may call as it is; the document has none here, and without one nothing is examined"
        )
        yield f"# probe = {_array(zone.others[:2] or (zone.path,))}"


def _needs(zone: ZoneFound) -> str:
    if len(zone.needs) == 1:
        return _array(sorted_kinds(zone.needs[0]))
    return "[" + ", ".join(_array(sorted_kinds(kinds)) for kinds in zone.needs) + "]"


# The grammar of TOML


def quoted(text: str) -> str:
    """Write a basic string of TOML: JSON's, save for halves of surrogate pairs, and for what nobody sees.

    >>> print(quoted("a \x9b b"))
    "a \\u009b b"
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(
        letter if letter.isprintable() else f"\\U{ord(letter):08x}" if ord(letter) > 0xFFFF else f"\\u{ord(letter):04x}"
        for letter in json.dumps(whole, ensure_ascii=False)
    )


def _array(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(quoted, texts)) + "]"


def _reference(name: str, field: str) -> str:
    words = re.sub(r"[^A-Z0-9]+", "_", f"{name}_{field}".upper()).strip("_")
    return f"{{ env = {quoted(words if not words[:1].isdigit() else f'API_{words}')} }}"


def _remarks(findings: Findings, place: str) -> Iterator[str]:
    for remark in findings.remarks.get(place, ()):
        yield from _marked(remark)


def _marked(text: str) -> Iterator[str]:
    return _comment(text, first=MARK)


def _comment(text: str, first: str = "# ") -> Iterator[str]:
    """Break a text into lines of comment; what does not print, or would end the line, becomes a blank."""
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    line = first.rstrip()
    for word in words:
        if len(line) + len(word) > _WIDTH and line not in ("#", first.rstrip()):
            yield line
            line = "#"
        line += f" {word}"
    yield line
