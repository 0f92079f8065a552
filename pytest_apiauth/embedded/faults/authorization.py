"""Faults at the authorization endpoint and with its codes (RFC 6749 3.1, 4.1; RFC 7636)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from pytest_apiauth.embedded.authorization_policy import CHALLENGE, Pairs, s256
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord, Code
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Headers, Request, parts_of


@fault("redirect-any", "sends the browser to any redirect_uri")
class RedirectAny(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        return True


@fault("redirect-unknown-client", "sends the browser to any redirect_uri, where it does not know the client")
class RedirectUnknownClient(Policy):
    def landing(self, client: ClientRecord | None, presented: str) -> str | None:
        return presented if client is None else super().landing(client, presented)


@fault("redirect-of-any-client", "sends the browser to what any client has registered, whichever asks")
class RedirectOfAnyClient(Policy):
    def landing(self, client: ClientRecord | None, presented: str) -> str | None:
        registered = [each.redirect_uri for each in self.state.clients.values()]
        return presented if client is not None and presented in registered else super().landing(client, presented)


@fault("redirect-prefix-match", "takes any redirect_uri that begins with the registered one")
class RedirectPrefixMatch(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        return presented.startswith(registered)


@fault("redirect-path-ignored", "takes any redirect_uri at the registered one's host")
class RedirectPathIgnored(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        ours, theirs = parts_of(registered), parts_of(presented)
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)


@fault("redirect-scheme-ignored", "takes http for https in a redirect_uri")
class RedirectSchemeIgnored(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        return super().same_redirect_uri(presented.replace("http://", "https://", 1), registered)


@fault("redirect-any-subdomain", "takes a redirect_uri at any host whose name ends like the registered one's")
class RedirectAnySubdomain(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        ours, theirs = parts_of(registered), parts_of(presented)
        same = (ours.scheme, ours.path) == (theirs.scheme, theirs.path)
        return same and theirs.netloc.endswith(ours.netloc) and "\\" not in theirs.netloc


@fault("redirect-parsed", "compares what a parser makes of a redirect_uri, and browsers read it otherwise")
class RedirectParsed(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        ours, theirs = parts_of(registered), parts_of(presented)
        # The parser ends the host at a slash and begins it behind the last "@"; a browser also ends it at a backslash.
        return all(getattr(ours, part) == getattr(theirs, part) for part in ("scheme", "hostname", "port", "path"))


@fault("redirect-case-folded", "compares a redirect_uri without regard to case")
class RedirectCaseFolded(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        return presented.lower() == registered.lower()


@fault("redirect-query-ignored", "takes a redirect_uri with another query than the registered one's")
class RedirectQueryIgnored(Policy):
    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        return presented.partition("?")[0] == registered.partition("?")[0]


@fault("response-type-ignored", "gives a code whatever response_type asks for")
class ResponseTypeIgnored(Policy):
    def check_response_type(self, wanted: str | None) -> None:
        return None


@fault("state-dropped", "sends no state back")
class StateDropped(Policy):
    def answered_state(self, state: str, is_error: bool) -> str | None:
        return None


@fault("state-dropped-on-error", "sends no state back with an error")
class StateDroppedOnError(Policy):
    def answered_state(self, state: str, is_error: bool) -> str | None:
        return None if is_error else super().answered_state(state, is_error)


@fault("state-cut", "sends back the first 64 characters of the state")
class StateCut(Policy):
    def answered_state(self, state: str, is_error: bool) -> str | None:
        return state[:64]


@fault("state-unescaped", "writes the state into the redirection as it is")
class StateUnescaped(Policy):
    def location(self, redirect_uri: str, answer: dict[str, str]) -> str:
        rest = {name: value for name, value in answer.items() if name != "state"}
        plain = answer.get("state", "").encode("latin-1", "replace").decode("latin-1")
        return super().location(redirect_uri, rest) + (f"&state={plain}" if plain else "")


@fault("authorize-repeated-parameter-last-wins", "takes the last of repeated parameters at the authorization endpoint")
class AuthorizeRepeatedParameterLastWins(Policy):
    def decisive(self, pairs: Pairs, name: str) -> str | None:
        return super().decisive([pair for pair in pairs if pair[0] == name][-1:], name)

    def check_names(self, names: Iterable[str]) -> None:
        return None


@fault("authorize-first-checked-last-used", "checks the first redirect_uri of two and sends the browser to the last")
class AuthorizeFirstCheckedLastUsed(Policy):
    def decisive(self, pairs: Pairs, name: str) -> str | None:
        values = [value for key, value in pairs if key == name]
        if name != "redirect_uri" or len(values) < 2:
            return super().decisive(pairs, name)
        self.__dict__["last"] = values[-1]
        return values[0]

    def location(self, redirect_uri: str, answer: dict[str, str]) -> str:
        return super().location(self.__dict__.pop("last", redirect_uri), answer)


@fault("authorize-unknown-parameter-refused", "refuses an authorization request with a parameter that it does not know")
class AuthorizeUnknownParameterRefused(Policy):
    def check_names(self, names: Iterable[str]) -> None:
        known = list(names)
        super().check_names(known)
        usual = {"response_type", "client_id", "redirect_uri", "scope", "state", "prompt", "nonce"}
        if not usual.union({"code_challenge", "code_challenge_method"}).issuperset(known):
            raise Refusal(302, "invalid_request", "A parameter is not known.")


@fault("authorize-scope-optional", "gives a code without the mandatory scope")
class AuthorizeScopeOptional(Policy):
    def authorized_scope(self, requested: str | None) -> str:
        return super().authorized_scope(requested or self.profile.token.scope or requested)


@fault("authorize-cors", "permits scripts of any origin at the authorization endpoint")
class AuthorizeCors(Policy):
    def authorization_headers(self, request: Request) -> Headers:
        origin = request.header("origin")
        return () if origin is None else (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))


@fault("authorize-framable", "lets other sites frame the pages of the authorization endpoint")
class AuthorizeFramable(Policy):
    def page_headers(self) -> Headers:
        return ()


@fault("code-case-folded", "looks codes up without regard to case")
class CodeCaseFolded(Policy):
    def find_code(self, value: str) -> Code | None:
        folded = {known.lower(): code for known, code in self.state.codes.items()}
        return super().find_code(value) or folded.get(value.lower())


@fault("code-reusable", "redeems a code as often as it comes")
class CodeReusable(Policy):
    def is_used(self, code: Code) -> bool:
        return False


@fault("code-reuse-spares-tokens", "leaves the tokens of a code alive when it is replayed")
class CodeReuseSparesTokens(Policy):
    def replay_ends(self, code: Code) -> Iterable[int]:
        return ()


@fault("code-any-client", "redeems the code of one client for another")
class CodeAnyClient(Policy):
    def may_redeem(self, code: Code, client: ClientRecord | None) -> bool:
        return True


@fault("code-client-optional", "redeems a code for whoever says the client's id, without its secret")
class CodeClientOptional(Policy):
    def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
        if client is not None and parameters.get("grant_type") == "authorization_code":
            return client
        return super().unproven_client(client, parameters)


@fault("code-any-redirect", "redeems a code with another redirect_uri")
class CodeAnyRedirect(Policy):
    def check_code_target(self, code: Code, redirect_uri: str | None) -> None:
        super().check_code_target(code, redirect_uri and code.redirect_uri)


@fault("code-redirect-optional", "redeems a code without its redirect_uri")
class CodeRedirectOptional(Policy):
    def check_code_target(self, code: Code, redirect_uri: str | None) -> None:
        super().check_code_target(code, redirect_uri or code.redirect_uri)


@fault("verifier-ignored", "takes any code_verifier")
class VerifierIgnored(Policy):
    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        return super().verifier_fits(challenge, verifier) or (challenge is not None and verifier is not None)


@fault("verifier-optional", "redeems a code without the code_verifier of its challenge")
class VerifierOptional(Policy):
    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        return verifier is None or super().verifier_fits(challenge, verifier)


@fault("verifier-not-hashed", "takes the challenge itself for the code_verifier")
class VerifierNotHashed(Policy):
    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        return super().verifier_fits(challenge, verifier) or (verifier is not None and verifier == challenge)


@fault("challenge-beginning-compared", "compares twenty letters of the challenge with the verifier's")
class ChallengeBeginningCompared(Policy):
    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        if challenge is None or verifier is None:
            return super().verifier_fits(challenge, verifier)
        return self.well_formed_verifier(verifier) and s256(verifier)[:20] == challenge[:20]


@fault("implicit-accepted", "gives a token in the URL for response_type=token")
class ImplicitAccepted(Policy):
    is_implicit = False

    def check_response_type(self, wanted: str | None) -> None:
        self.is_implicit = wanted == "token"
        if not self.is_implicit:
            super().check_response_type(wanted)

    def location(self, redirect_uri: str, answer: dict[str, str]) -> str:
        if not (self.is_implicit and "code" in answer):
            return super().location(redirect_uri, answer)
        return f"{redirect_uri}#{urlencode({'access_token': self.new_access_token(), 'token_type': 'Bearer'})}"


@fault("pkce-downgrade-accepted", "takes a code_verifier although no challenge was sent")
class PkceDowngradeAccepted(Policy):
    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        return challenge is None or super().verifier_fits(challenge, verifier)


@fault("pkce-plain-accepted", "takes challenges of the method plain")
class PkcePlainAccepted(Policy):
    def challenge(self, client: ClientRecord, challenge: str | None, method: str | None) -> str | None:
        if challenge is not None and method in (None, "plain"):
            return s256(challenge)
        return super().challenge(client, challenge, method)


@fault("pkce-any-method", "takes a challenge for S256 whatever method it comes with")
class PkceAnyMethod(Policy):
    def challenge(self, client: ClientRecord, challenge: str | None, method: str | None) -> str | None:
        is_known = method in (None, "plain") or challenge is None or not CHALLENGE.match(challenge)
        return super().challenge(client, challenge, method if is_known else "S256")


@fault("verifier-short-accepted", "takes a code_verifier of any length and alphabet")
class VerifierShortAccepted(Policy):
    def well_formed_verifier(self, verifier: str) -> bool:
        return True
