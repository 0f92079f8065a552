"""The browser's part of a grant: authorization requests, where their answers lead, and the codes in them.

Nothing here sends anything. A run has no browser: the embedded server consents by itself, and of a live one
only that can be seen which it decides before it asks a person to log in.

Example::

    valid = api.authorization_request()
    answer = api.send(consent.asking(valid, response_type="token"))
    answer.require(consent.sort_of(answer.draft, answer.response) != "client", "an error page")
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.requests import Proof, row_of
from pytest_apiauth.auth.texts import Text
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.messages import Origin, Response, joined, parts_of
from pytest_apiauth.profile.model import DEFAULT, Profile

Sort = Literal["client", "onward", "page", "refused", "nowhere"]
"""Where an answer leads: to the redirect_uri asked for, elsewhere, to no place since it is a page or a refusal."""
_USUAL_PORTS = {"https": 443, "http": 80}


def login_of(profile: Profile, user: str) -> tuple[str, str]:
    """Return the client and the user of a login by the interactive grant, if ``default`` means the grant's own."""
    table = row_of(profile, profile.interactive_grant)
    return table.client, table.user if user == DEFAULT else user


def refresh_token_of(profile: Profile, identities: Identities, user: str) -> Secret:
    """Return the refresh token that a person has got by logging in. Raises CredentialError if there is none."""
    found = identities.refresh_token(*login_of(profile, user))
    if found is None:
        raise CredentialError(f"{_lacking(profile)}; log in once with `{login_command(profile)}`")
    return found


def needs_browser(profile: Profile) -> str:
    """Say why a live run gets no code: what a login has kept is good for a token, and not for a code."""
    kept = f"a code is good for one use, so what `{login_command(profile)}` keeps does not help"
    return f"{_lacking(profile)}: {kept}; [login] has a script log in"


def _lacking(profile: Profile) -> str:
    return f"the grant {profile.interactive_grant} needs a browser, which this run does not have"


def login_command(profile: Profile) -> str:
    """Return the command by which a person logs in; it takes the grant that clients use, unless told another one."""
    grant = profile.interactive_grant
    other = "" if profile.usual_grant == grant else f" --grant {grant}"
    return f"python -m pytest_apiauth token {profile.name}{other}"


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """What the browser brings back to the client, and what the client adds to redeem it (RFC 6749 4.1.3)."""

    code: str
    redirect_uri: str
    verifier: str | None


def asking(draft: Draft, **parameters: Text | None) -> Draft:
    """Set parameters of an authorization request, each in its place or at the end; None takes one away."""
    query = [(name, parameters.pop(name)) if name in parameters else (name, value) for name, value in draft.query]
    query += parameters.items()
    return replace(draft, query=tuple((name, value) for name, value in query if value is not None))


def asked(draft: Draft, name: str) -> str:
    """Return a parameter of an authorization request, if it is a plain text; empty if it is not there."""
    return next((value for key, value in draft.query if key == name and isinstance(value, str)), "")


def landing(draft: Draft, response: Response) -> str:
    """Return the absolute URL that an answer sends the browser to; empty if it sends it nowhere."""
    lines = response.header_lines("location")
    if not 300 <= response.status < 400 or not lines:
        return ""
    return joined(draft.url, lines[0])


def sort_of(draft: Draft, response: Response) -> Sort:
    """Tell where an answer leads."""
    if 200 <= response.status < 300:
        return "page"
    if response.status >= 400:
        return "refused"
    target = landing(draft, response)
    if not target:
        return "nowhere"
    return "client" if place(target) == place(asked(draft, "redirect_uri")) else "onward"


def returned(draft: Draft, response: Response) -> dict[str, list[str]] | None:
    """Return the parameters that an answer takes back to the client; None if it does not lead there."""
    if sort_of(draft, response) != "client":
        return None
    return parameters_of(landing(draft, response))


def parameters_of(url: str) -> dict[str, list[str]]:
    """Return the parameters in a URL's query, and those in its fragment that the query does not have.

    Servers with the habits of the implicit grant answer in the fragment; what they answer is the same.
    """
    parts = parts_of(url)
    query, fragment = (parse_qs(text, keep_blank_values=True) for text in (parts.query, parts.fragment))
    return {**fragment, **query}


def in_fragment(draft: Draft, response: Response) -> bool:
    """Whether the code or the error of an answer stands in the fragment alone, which a browser keeps to itself."""
    query = parse_qs(parts_of(landing(draft, response)).query, keep_blank_values=True)
    found = returned(draft, response) or {}
    return bool({"code", "error"} & (found.keys() - query.keys()))


def callback(draft: Draft, response: Response, proof: Proof) -> Callback | None:
    """Return what there is to redeem; None if no code came."""
    codes = (returned(draft, response) or {}).get("code", [])
    return Callback(codes[0], asked(draft, "redirect_uri"), proof.verifier) if len(codes) == 1 else None


def succeeds(draft: Draft, response: Response) -> bool:
    """Whether a valid request, an authorization request or any other, has come to what it is for."""
    return proceeds(draft, response) if asked(draft, "redirect_uri") else 200 <= response.status < 300


def proceeds(draft: Draft, response: Response) -> bool:
    """Whether an authorization request was taken: answered with a code, a login, or a way to one."""
    sort = sort_of(draft, response)
    return sort in ("page", "onward") or (sort == "client" and "error" not in (returned(draft, response) or {}))


def place(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of a URL as a browser reads it; a final slash or dot makes no other place.

    A browser drops tabs and line breaks, takes a backslash for a slash, ignores a user name, and resolves
    dot segments, percent-encoded ones too (WHATWG URL 4.4).
    """
    text = "".join(letter for letter in url.strip() if letter not in "\t\r\n")
    scheme = text.partition(":")[0].lower()
    if scheme in _USUAL_PORTS:
        end = min((text.find(mark) for mark in "?#" if mark in text), default=len(text))
        text = text[:end].replace("\\", "/") + text[end:]
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return scheme, text, 0, ""
    host = (parts.hostname or "").rstrip(".")
    return scheme, host, port or _USUAL_PORTS.get(scheme, 0), _resolved(parts.path)


def _resolved(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        plain = unquote(segment) if "%2e" in segment.lower() else segment
        if plain == "..":
            kept = kept[:-1] if len(kept) > 1 else kept
        elif plain != ".":
            kept.append(segment)
    return "/".join(kept).rstrip("/")


def leads_to(target: str, uri: str, *known: str) -> bool:
    """Whether a browser sent to a target arrives at a URI, or at least at its origin if no known URL has it."""
    if not target:
        return False
    there, wanted = place(target), place(uri)
    if there == wanted:
        return True
    return there[:3] == wanted[:3] and bool(there[1]) and all(place(url)[:3] != wanted[:3] for url in known)


def differ_by_port(near: str, registered: str) -> bool:
    """Whether a URI is a loopback one at another port: an application chooses that anew each time (RFC 8252 7.3)."""
    (scheme, host, port, path), (*own, own_port, own_path) = place(near), place(registered)
    same = (scheme, host, path) == (*own, own_path) and near.partition("?")[2] == registered.partition("?")[2]
    return same and port != own_port and Origin(scheme, host, port).is_loopback
