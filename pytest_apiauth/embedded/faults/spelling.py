"""Faults of servers that take one spelling for the only one."""

from __future__ import annotations

import re

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import query_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request


def refusal(description: str) -> Refusal:
    """Make the refusal of a spelling."""
    return Refusal(400, "invalid_request", description)


@fault("form-escapes-refused", "refuses a form with a letter percent-encoded that need not be")
class FormEscapesRefused(Policy):
    def read_form(self, text: str) -> Parameters:
        if re.search("%[46][1-9A-Fa-f]|%[57][0-9Aa]", text):
            raise refusal("A letter is encoded.")
        return super().read_form(text)


@fault("media-type-case-sensitive", "knows the media type of a token request in small letters only")
class MediaTypeCaseSensitive(Policy):
    def check_content_type(self, lines: list[str], wanted: str) -> None:
        super().check_content_type(lines, wanted)
        if wanted not in lines[0]:
            raise refusal("The media type is not known.")


@fault("empty-parameter-refused", "refuses a token request with an empty parameter that it does not know")
class EmptyParameterRefused(Policy):
    def read_form(self, text: str) -> Parameters:
        empty = {piece[:-1] for piece in text.split("&") if piece.endswith("=")}
        if empty - self.known_parameters:
            raise refusal("A parameter is empty.")
        return super().read_form(text)


@fault("parameter-order-counts", "wants grant_type, or the user's name, before all other parameters")
class ParameterOrderCounts(Policy):
    def read_form(self, text: str) -> Parameters:
        if text.startswith(("scope=", "password=", "client_secret=")):
            raise refusal("The order is another.")
        return super().read_form(text)

    def read_json(self, body: bytes) -> Parameters:
        if body.startswith((b'{"scope"', b'{"password"', b'{"client_secret"')):
            raise refusal("The order is another.")
        return super().read_json(body)


@fault("json-blanks-refused", "refuses JSON with a line break in it")
class JsonBlanksRefused(Policy):
    def read_json(self, body: bytes) -> Parameters:
        if b"\n" in body:
            raise refusal("A line break.")
        return super().read_json(body)


@fault("json-escapes-refused", "refuses JSON with a small letter escaped")
class JsonEscapesRefused(Policy):
    def read_json(self, body: bytes) -> Parameters:
        if re.search(rb"\\u00[67]", body):
            raise refusal("A letter is escaped.")
        return super().read_json(body)


@fault("json-ascii-only", "refuses JSON with letters beyond ASCII that are not escaped")
class JsonAsciiOnly(Policy):
    def read_json(self, body: bytes) -> Parameters:
        if not body.isascii():
            raise refusal("A letter is not escaped.")
        return super().read_json(body)


@fault("token-parameters-anywhere", "reads the parameters of a token request from the URL too")
class TokenParametersAnywhere(Policy):
    def parameters(self, request: Request) -> Parameters:
        asked = {name: value for name, value in query_pairs(request) if name in ("grant_type", "scope")}
        return {**asked, **super().parameters(request)}


@fault("redirect-query-dropped", "puts its answer in the place of a redirect_uri's own query")
class RedirectQueryDropped(Policy):
    def location(self, redirect_uri: str, answer: dict[str, str]) -> str:
        return super().location(redirect_uri.partition("?")[0], answer)
