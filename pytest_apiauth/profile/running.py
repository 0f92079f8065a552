"""The tables of a profile that say how runs go: how a script logs in, what may be sent, what recordings hold."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from pytest_apiauth.messages import why_not_a_url
from pytest_apiauth.profile.tables import OBJECT_SPELLING, TOKEN, Model, SafetyClass, Texts, as_tuple

SafetyClasses = Annotated[tuple[SafetyClass, ...], BeforeValidator(as_tuple)]


class Harmless(Model):
    """What `scan` may pass over, and why."""

    value: str | None = Field(None, description="Regular expression that the whole value matches")
    place: str | None = Field(
        None,
        description='Where it stands, as scan says it, or the end of that: "member payment.id", "header X-Trace"',
    )
    reason: str = Field(description="Why it opens nothing", min_length=1)

    @model_validator(mode="after")
    def _tells_something(self) -> Harmless:
        if self.value is None and self.place is None:
            raise ValueError("name a value, a place, or both")
        try:
            re.compile(self.value or "")
        except re.error as error:
            raise ValueError(f"value: no regular expression: {error}") from None
        return self


HarmlessOnes = Annotated[tuple[Harmless, ...], BeforeValidator(as_tuple)]


class Recording(Model):
    """What is secret in recordings of this API and what is not, beside what is known of all."""

    secrets: Texts = Field(
        (), description='Further names of secrets: of headers, parameters and members; "*-Pass" for all that end so'
    )
    claims: Texts = Field((), description="Further claims of JWTs whose values stay as they are in a recorded token")
    harmless: HarmlessOnes = Field((), description="What looks like a secret to scan and is none")


class ServerClock(Model):
    """A clock of the server under test that a run may move, so that lifetimes can be examined."""

    url: str | None = Field(
        None, description='Route that a POST with the JSON body {"seconds": N} moves the clock forward by'
    )
    callable: str | None = Field(
        None, description='Function that moves the clock of an app in this process: "shop.testing:advance"'
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> ServerClock:
        if self.url is None and self.callable is None:
            raise ValueError("name a url, or a callable for an app in this process")
        if self.callable is not None and OBJECT_SPELLING.fullmatch(self.callable) is None:
            raise ValueError(f'callable: expected "module:function", got {self.callable!r}')
        return self


class Login(Model):
    """How a script plays the person who logs in and consents: without a key, by the forms that it meets.

    >>> Login(buttons=["Authorize"], fields={"tenant": "acme"}).way
    'form'
    >>> Login(cookie="sessionid").way
    'session'
    """

    username: str | None = Field(
        None, description="Name of the input that takes the user's name; default: the one that looks like it"
    )
    password: str | None = Field(
        None, description='Name of the input that takes the password; default: the one of type="password"'
    )
    user_code: str | None = Field(
        None, description="Name of the input that takes the code of a device; default: the one that looks like it"
    )
    fields: dict[str, str] = Field({}, description="Values of further inputs by name; a box that is named is ticked")
    buttons: Texts = Field(
        (), description="Buttons to press, by text, name or value, where a page has several that could be meant"
    )
    cookie: str | None = Field(
        None, description="Name of the cookie that carries a session, whose value is in session of the user"
    )
    header: str | None = Field(
        None, description="Name of the request header that carries a session, whose value is in session of the user"
    )
    callable: str | None = Field(
        None,
        description='Function that logs in by itself: "tests.login:log_in" is called with the URL to open and the user,'
        " and returns the URL that the browser ended at; with the code of a device too if it takes user_code",
    )
    origins: Texts = Field((), description="Further origins of the login's pages, such as https://login.example.org")

    @model_validator(mode="after")
    def _is_one_way(self) -> Login:
        ways = [key for key in ("cookie", "header", "callable") if getattr(self, key) is not None]
        if len(ways) > 1:
            raise ValueError(f"{ways[0]} and {ways[1]} are two ways; name one")
        if self.callable is not None:
            if OBJECT_SPELLING.fullmatch(self.callable) is None:
                raise ValueError(f'callable: expected "module:function", got {self.callable!r}')
            of_forms = {"username", "password", "user_code", "fields", "buttons"}
            if surplus := sorted(of_forms & self.model_fields_set):
                raise ValueError(f"{surplus[0]} does not go with callable, which fills in the pages by itself")
        for key in ("cookie", "header"):
            if getattr(self, key) is not None and TOKEN.fullmatch(getattr(self, key)) is None:
                raise ValueError(f"{key}: expected the name of a {key}")
        for origin in self.origins:
            if why_not_a_url(origin) is not None or urlsplit(origin)[2:] != ("", "", ""):
                raise ValueError("origins: expected origins such as https://login.example.org")
        return self

    @property
    def way(self) -> Literal["form", "session", "callable"]:
        """How the person's part is played."""
        if self.callable is not None:
            return "callable"
        return "form" if self.cookie is None and self.header is None else "session"


class Live(Model):
    """What a live run may do to the server."""

    allow: SafetyClasses = Field((), description="Safety classes to examine beyond read-only and issue")
    rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Requests per second; default: 10, and no pace where every URL is on loopback"
    )
    max_requests: Annotated[int, Field(gt=0)] = Field(10_000, description="Requests that one run may send")
    wrong_passwords: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Wrong passwords for one user in one run; default: 3, or 500 where lockout is allowed"
    )
    wait: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Seconds that one rule may wait for lifetimes to be over, if [clock] names no clock to be moved;"
        " a token of 60 seconds takes 90, with a leeway of 30. 0 waits for none",
    )
    plain_url: str | None = Field(
        None,
        description="Where the API would be over plain HTTP, such as http://api.example.org:8080, to see that nothing"
        " is served there; it is asked without any credential. Default: port 80, if the API itself has the usual port",
    )

    @model_validator(mode="after")
    def _is_plain(self) -> Live:
        url = self.plain_url
        if url is None:
            return self
        reason = why_not_a_url(url) or (None if urlsplit(url).scheme == "http" else "another scheme")
        if reason is not None or "@" in urlsplit(url).netloc or urlsplit(url)[2:] not in (("", "", ""), ("/", "", "")):
            got = f", got {reason}" if reason is not None else ""
            raise ValueError(f"plain_url: expected an origin over plain HTTP such as http://api.example.org:8080{got}")
        return self
