"""Faults of servers that take long for what is small: each hangs at one kind of text, wherever it reads it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.messages import Request, Response

HOURS: Final = 7200.0
"""Seconds: more than anybody waits for."""


class Slow(Policy):
    """Takes hours for what has a pattern in one part of a request."""

    part = "body"
    """The part: the body, the query, or a header field by its name."""
    pattern = "(?!)"

    def revise(self, request: Request, response: Response) -> Response:
        found = super().revise(request, response)
        parts = {"body": [request.body.decode("latin-1")], "query": [request.query]}
        texts = parts.get(self.part) or request.header_lines(self.part)
        return replace(found, delay=HOURS) if any(re.search(self.pattern, text) for text in texts) else found


@fault("authorization-backtracks", "reads Authorization by a pattern that many blanks are hard for")
class AuthorizationBacktracks(Slow):
    part, pattern = "authorization", " {1000}"


@fault("token-parts-unbounded", "takes a token apart at every dot it has")
class TokenPartsUnbounded(Slow):
    part, pattern = "authorization", r"\.{1000}"


@fault("basic-hashed-long", "hashes the password of HTTP Basic, however long, for a user that it does not know too")
class BasicHashedLong(Slow):
    part, pattern = "authorization", "^Basic .{6000}"


@fault("language-backtracks", "reads Accept-Language by a pattern that many hyphens are hard for")
class LanguageBacktracks(Slow):
    part, pattern = "accept-language", "-{1000}"


@fault("redirect-uri-backtracks", "reads the redirect_uri that it is to send a browser to by a pattern for addresses")
class RedirectUriBacktracks(Slow):
    part, pattern = "query", "(%3A|:){20}"


@fault("redirect-uri-backtracks-at-token", "reads the redirect_uri of a token request by a pattern for addresses")
class RedirectUriBacktracksAtToken(Slow):
    pattern = "(%3A|:){20}"


@fault("content-type-backtracks", "reads the type of a body by a pattern that many backslashes are hard for")
class ContentTypeBacktracks(Slow):
    part, pattern = "content-type", r"\\{20}"


@fault("parameters-collide", "looks each of thousands of parameters up among the others")
class ParametersCollide(Slow):
    pattern = "(&[^&]*){2000}"


@fault("form-depth-unbounded", "makes an object within an object of each bracket in a parameter's name")
class FormDepthUnbounded(Slow):
    pattern = r"(\[a\]){1000}"


@fault("digits-quadratic", "makes an integer of any number of digits")
class DigitsQuadratic(Slow):
    pattern = "[0-9]{5000}"


@fault("json-depth-unbounded", "reads JSON however deep it is")
class JsonDepthUnbounded(Slow):
    pattern = r"\[{5000}"


@fault("exponent-expanded", "writes a number with an exponent out")
class ExponentExpanded(Slow):
    pattern = "[0-9]e[0-9]{4}"


@fault("long-password-hashed", "hashes a password over and over, however long it is")
class LongPasswordHashed(Slow):
    pattern = "(password|secret)[^x]{1,6}x{50000}"
