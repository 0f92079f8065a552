"""The tables of a profile for logins that are not OAuth's: what each request says, and where its answer has the tokens.

A login is the password grant in another dress: the same members of a token request (`members`), laid out in a body, in
headers or in cookies as the API's own document has it, and an answer that calls its tokens by names of its own. So
whoever asks for tokens, or examines who is given one, speaks of ``password`` and ``access_token`` here too.

>>> login = LoginRequest(json={"email": "{username}", "secret": "{password}"}, access_token="data.token")
>>> login.members, login.answer["access_token"].spelt
(('username', 'password'), 'data.token')
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from pytest_apiauth.profile.tables import TOKEN, Model

MEMBER: Final = re.compile(r"\{(\w+)\}")
"""What stands in a template for a member of a token request."""
URLS: Final = {"login_request": "token_url", "refresh_request": "refresh_url", "logout_request": "revocation_url"}
"""The key of the profile that the ``url`` of each table is another name of."""
SECRETS: Final = ("password", "client_secret", "access_token", "refresh_token")
"""Members of token requests that are secret."""
USUAL_TOKEN: Final = "access_token"
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Ends = Literal["access_token", "refresh_token"]
TOKENS: Final[tuple[Ends, Ends]] = ("access_token", "refresh_token")


class Found(Model):
    """Where an answer has a value: in a member of its JSON, in a header or in a cookie that it sets.

    >>> Found(json="data.token").path, Found(cookie="session").spelt
    (('data', 'token'), 'cookie session')
    """

    json_: str | None = Field(None, alias="json", description="Member of the JSON body, with dots for one inside")
    header: str | None = Field(None, description="Name of the header line; a word in front, as Bearer, is passed over")
    cookie: str | None = Field(None, description="Name of the cookie that is set")

    @model_validator(mode="after")
    def _is_one_place(self) -> Found:
        named = [text for text in (self.json_, self.header, self.cookie) if text]
        if len(named) != 1:
            raise ValueError('name one place: "member", { header = "NAME" } or { cookie = "NAME" }')
        if self.json_ is None and TOKEN.fullmatch(named[0]) is None:
            raise ValueError("expected the name of a header or of a cookie")
        if self.json_ is not None and "" in self.json_.split("."):
            raise ValueError("expected a member such as access, or data.token for one inside another")
        return self

    @property
    def path(self) -> tuple[str, ...]:
        """The members that lead to it, the outermost first; empty if it is in no body."""
        return tuple((self.json_ or "").split(".")) if self.json_ else ()

    @property
    def name(self) -> str:
        """The name of the member itself, of the header or of the cookie."""
        return self.path[-1] if self.json_ else str(self.header or self.cookie)

    @property
    def spelt(self) -> str:
        """The place in a word or two, for messages."""
        return self.json_ or (f"header {self.header}" if self.header else f"cookie {self.cookie}")


def _found(given: object) -> object:
    """Read a text alone as a member of the JSON body."""
    return {"json": given} if isinstance(given, str) else given


Place = Annotated[Found, BeforeValidator(_found, json_schema_input_type=str | Found)]


class LaidOut(Model):
    """One request of a login that is not OAuth's; ``{username}`` in a text stands for the user's name.

    >>> LaidOut(form={"user": "{username}", "pass": "{password}", "keep": "1"}).members
    ('username', 'password')
    """

    KNOWN: ClassVar[tuple[str, ...]] = ("username", "password", "client_id", "client_secret")
    """What its texts may stand for."""

    url: str | None = Field(None, description="Where it goes, absolute or relative to api_url")
    method: Method = Field("POST", description="Its method")
    json_: dict[str, Any] | None = Field(
        None, alias="json", description='Its JSON body, such as { email = "{username}", password = "{password}" }'
    )
    form: dict[str, str] | None = Field(None, description="Its form-encoded body, in the same way")
    headers: dict[str, str] = Field({}, description='Its headers, such as { Authorization = "Bearer {refresh_token}" }')
    cookies: dict[str, str] = Field({}, description="Its cookies, in the same way")

    @model_validator(mode="after")
    def _says_something(self) -> LaidOut:
        if self.json_ is not None and self.form is not None:
            raise ValueError("json and form are two bodies; name one")
        for name in (*self.headers, *self.cookies):
            if TOKEN.fullmatch(name) is None:
                raise ValueError("expected names of headers and cookies")
        unknown = [name for text in self._texts() for name in MEMBER.findall(text) if name not in self.KNOWN]
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} stands for nothing here; known: {', '.join(self.KNOWN)}")
        return self

    @property
    def body(self) -> Mapping[str, Any]:
        """The members of its body."""
        return self.json_ or self.form or {}

    @property
    def encoding(self) -> Literal["json", "form", ""]:
        """How its body is written; empty if it has none."""
        return "json" if self.json_ is not None else "form" if self.form is not None else ""

    def _texts(self) -> Iterator[str]:
        yield from (*texts_in(self.body), *self.headers.values(), *self.cookies.values())

    @property
    def members(self) -> tuple[str, ...]:
        """What it says: the names of a token request's members, in the order in which they are first met."""
        return tuple(dict.fromkeys(name for text in self._texts() for name in MEMBER.findall(text)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What its body, headers and cookies call what is secret in them; those that go without saying are left out."""
        known = (name for member in SECRETS for name in self.names_of(member))
        return tuple(name for name in known if name.lower() != "authorization")

    def names_of(self, member: str) -> tuple[str, ...]:
        """Return how its body, headers and cookies call what a member of a token request says.

        >>> LaidOut(json={"user": {"email": "{username}"}}).names_of("username")
        ('email',)
        """
        pairs = (*named_texts(self.body), *self.headers.items(), *self.cookies.items())
        return tuple(name for name, text in pairs if f"{{{member}}}" in text)


def named_texts(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every text in a body with the name of its member, of objects inside it too."""
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from named_texts(value)
        elif isinstance(value, str):
            yield name, value


def texts_in(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text in a body."""
    return (text for _, text in named_texts(body))


class Issuing(LaidOut):
    """A request whose answer has tokens."""

    access_token: Place = Field(
        Found(json=USUAL_TOKEN),
        description='Where the answer has the token: "member", "data.token", { header = … } or { cookie = … }',
    )
    refresh_token: Place | None = Field(None, description="Where the answer has a refresh token")
    expires_in: Place | None = Field(None, description="Where the answer has the lifetime in seconds")

    @property
    def answer(self) -> Mapping[str, Found]:
        """Where the answer has each of the members of a token answer (RFC 6749 5.1)."""
        places = {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": self.expires_in,
        }
        return {name: place for name, place in places.items() if place is not None}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the request and its answer call their secrets."""
        places = [self.access_token, *((self.refresh_token,) if self.refresh_token is not None else ())]
        found = (*super().secrets, *(place.name for place in places))
        return tuple(name for name in found if name.lower() != "authorization")


class LoginRequest(Issuing):
    """How a user logs in."""

    basic: bool = Field(False, description="Whether name and password travel as HTTP Basic (RFC 7617)")

    @model_validator(mode="after")
    def _has_a_password(self) -> LoginRequest:
        if self.basic == ("password" in super().members):
            raise ValueError("a login says {password} in its body, a header or a cookie, or has basic = true; not both")
        return self

    @property
    def members(self) -> tuple[str, ...]:
        """What it says."""
        found = super().members
        return ("username", "password", *found) if self.basic else found


class RefreshRequest(Issuing):
    """How a token is renewed."""

    KNOWN = ("refresh_token", "access_token", "client_id", "client_secret")

    @model_validator(mode="after")
    def _has_a_token(self) -> RefreshRequest:
        if "refresh_token" not in self.members:
            raise ValueError("say where {refresh_token} travels: in json, form, headers or cookies")
        return self


class LogoutRequest(LaidOut):
    """How tokens are ended."""

    KNOWN = ("access_token", "refresh_token", "client_id", "client_secret")
    ends: Annotated[
        tuple[Ends, ...] | None, BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)
    ] = Field(None, description="What it ends, if not just the tokens that it carries: access_token, refresh_token")

    @model_validator(mode="after")
    def _has_a_token(self) -> LogoutRequest:
        if not {"access_token", "refresh_token"} & {*self.members}:
            raise ValueError("say where {access_token} or {refresh_token} travels: in json, form, headers or cookies")
        return self

    @property
    def ended(self) -> tuple[Ends, ...]:
        """The tokens that are dead after it."""
        if self.ends is not None:
            return self.ends
        return tuple(name for name in TOKENS if name in self.members)

    @property
    def carries_both(self) -> bool:
        """Whether it says both tokens, which are one login's then."""
        return {*TOKENS} <= {*self.members}

    def is_about(self, *, access: bool) -> bool:
        """Whether it says the access token, or the refresh token."""
        return TOKENS[not access] in self.members

    def does_end(self, *, access: bool) -> bool:
        """Whether the access token, or the refresh token, is dead after it."""
        return TOKENS[not access] in self.ended


def expanded(given: object) -> object:
    """Return what a profile says with the keys that its login tables stand for: URLs, grants, the client's proof.

    >>> expanded({"login_request": {"url": "/login", "json": {"p": "{password}"}}})["token_url"]  # type: ignore[index]
    '/login'
    """
    if not isinstance(given, Mapping) or given.get("login_request") is None:
        return given
    found = dict(given)
    for table, key in URLS.items():
        own = found.get(table)
        own = own.model_dump(by_alias=True, exclude_unset=True) if isinstance(own, LaidOut) else own
        if isinstance(own, Mapping):
            found[table] = {name: value for name, value in own.items() if name != "url"}
            if found.get(key) not in (None, own.get("url", found.get(key))):
                raise ValueError(f"{table}.url: another one than {key}, and they are the same place; name it once")
            if "url" in own:
                found[key] = own["url"]
    grants = found.get("grants") or {}
    if isinstance(grants, Mapping):
        implied = ["password", *(["refresh_token"] if found.get("refresh_request") is not None else [])]
        found["grants"] = {**{name: {} for name in implied}, **grants}
    token = found.get("token") or {}
    if isinstance(token, Mapping) and "client_auth" not in token:
        is_told = "{client_secret}" in str(found["login_request"])
        found["token"] = {**token, "client_auth": "client_secret_post" if is_told else "none"}
    return found
