"""How a server spells its challenges (RFC 9110 11.6.1, RFC 6750 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.refusal import Challenge
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.variants.headers import is_for_resource
from pytest_apiauth.messages import Headers, Request, Response

FIELD = "WWW-Authenticate"


@variant("no-challenge-params", "challenges have their realm and nothing else")
class NoChallengeParams(Policy):
    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        return Challenge("Bearer", {"realm": self.realm})

    def basic_challenge(self) -> Challenge:
        return Challenge("Basic", {"realm": self.realm})


@variant("challenges-in-one-line", "several challenges share a line, with commas between them")
class ChallengesInOneLine(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        values = [value for _, value in super().challenge_lines(challenges)]
        return ((FIELD, ", ".join(values)),) if values else ()


@variant("another-challenge-first", "a scheme that browsers know is offered first, in a line of its own")
class AnotherChallengeFirst(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        lines = super().challenge_lines(challenges)
        return ((FIELD, "Negotiate"), *lines) if lines else ()


@variant("challenges-in-reverse", "several challenges come in another order")
class ChallengesInReverse(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        return super().challenge_lines(reversed(list(challenges)))


@variant("challenge-token68", "a challenge whose data is no list of parameters stands in front, in the same line")
class ChallengeToken68(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        lines = super().challenge_lines(challenges)
        return tuple((name, f"NTLM TlRMTVNTUAACAAAADgAOADgAAA==, {value}") for name, value in lines)


@variant("challenge-extra-parameters", "a Bearer challenge says where to read about the API and which scope it needs")
class ChallengeExtraParameters(Policy):
    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        given = super().bearer_challenge(error, presented)
        # resource_metadata: RFC 9728 5.1; scope: RFC 6750 3.
        about = self.profile.base_url.rstrip("/") + "/.well-known/oauth-protected-resource"
        return Challenge(given.scheme, {**given.parameters, "scope": "read write", "resource_metadata": about})


@variant("challenge-realm-quoted", "the realm has a comma, an equals sign and escaped quotes in it (RFC 9110 5.6.4)")
class ChallengeRealmQuoted(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        return super().challenge_lines([Challenge(each.scheme, _quoted(each.parameters)) for each in challenges])


@variant("challenge-error-unquoted", "the error code stands without quotes, as any token may (RFC 9110 11.2)")
class ChallengeErrorUnquoted(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        lines = super().challenge_lines(challenges)
        return tuple(
            (name, re.sub(r'\b(error)="(\w+)"', r"\1=\2", value, flags=re.IGNORECASE)) for name, value in lines
        )


@variant("challenge-names-in-capitals", "the names of a challenge's parameters are in capitals, the realm comes last")
class ChallengeNamesInCapitals(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        return super().challenge_lines(
            [
                Challenge(each.scheme, {name.upper(): value for name, value in reversed(list(each.parameters.items()))})
                for each in challenges
            ]
        )


@variant("scheme-in-capitals", "schemes are spelt BEARER and BASIC (RFC 9110 11.1)")
class SchemeInCapitals(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        return super().challenge_lines([Challenge(each.scheme.upper(), each.parameters) for each in challenges])


@variant("key-scheme-named-otherwise", "the challenge for an API key has another made-up scheme; none is registered")
class KeySchemeNamedOtherwise(Policy):
    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        def named(each: Challenge) -> Challenge:
            return Challenge("X-Key", each.parameters) if each.scheme == "ApiKey" else each

        return super().challenge_lines([named(each) for each in challenges])


@variant("challenge-on-403", "a 403 has a challenge too, as RFC 6750 3.1 has it for a token that is too narrow")
class ChallengeOn403(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status != 403 or not is_for_resource(self, request) or answer.header(FIELD) is not None:
            return answer
        line = (FIELD, f'Bearer realm="{self.realm}", error="insufficient_scope"')
        return Response(answer.status, (*answer.headers, line), answer.body)


@variant("challenge-on-200", "an open route says how to log in and see more (RFC 9110 11.6.1)")
class ChallengeOn200(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        zone = self.profile.zone_at(request.path)
        is_open = zone is not None and not zone.is_protected and is_for_resource(self, request)
        if answer.status != 200 or not is_open:
            return answer
        return Response(200, (*answer.headers, (FIELD, f'Bearer realm="{self.realm}"')), answer.body)


def _quoted(parameters: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f'{value}, \\"a=b\\", staging' if name.lower() == "realm" else value for name, value in parameters.items()
    }
