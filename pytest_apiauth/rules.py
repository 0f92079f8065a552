"""Everything that a rule is written with: the one door to the suite, for the book and for a project's own rules.

A rule is a function of an `Api`, which it asks for valid requests, and of the part of the profile that it is about.
It alters a valid request, sends it, and says what must come back; the rest is done behind the door: the valid request
is sent before the altered one and again after its refusal, secrets are put in on the way out and redacted on the way
to the report, and what did not hold is shown as two lines of curl.

Example::

    from pytest_apiauth.rules import MUST, Api, Edit, Parts, Zone, rule

    def keyed(profile):
        return {name: zone for name, zone in profile.zones.items() if "api_key" in zone.kinds}

    @rule(MUST, "RFC 9110 11.4", applies=Parts("no zone needs a key", keyed), catches="key-prefix-compare")
    def key_spelt_backwards(api: Api, zone: Zone) -> None:
        "A key that is spelt backwards opens nothing."
        for valid in api.requests(zone, "api_key"):
            api.send(valid.editing(valid.credential("api_key").refs[0], Edit("reverse"))).refused()
"""

from __future__ import annotations

from pytest_apiauth.auth.bash import assignment
from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit, Operation, equivalent
from pytest_apiauth.auth.forgeries import Forgery, Members, Place, Signature, is_jwt, jwt_parts
from pytest_apiauth.auth.minting import Minted
from pytest_apiauth.auth.own_keys import OWN as SELF_MADE
from pytest_apiauth.auth.own_keys import certificate as self_made_certificate
from pytest_apiauth.auth.own_keys import jwk as self_made_jwk
from pytest_apiauth.auth.own_keys import key_set_url as self_made_key_set
from pytest_apiauth.auth.public_keys import Published
from pytest_apiauth.auth.public_keys import fitting as fitting_keys
from pytest_apiauth.auth.public_keys import spellings as public_spellings
from pytest_apiauth.auth.requests import NO_PROOF, Proof, about_token, logout_request, proof_role
from pytest_apiauth.auth.texts import Assertion, Base64, FormEncoded, Parameters, Part, Ref, Role, Text, Unchanged
from pytest_apiauth.credentials.secrets import spellings
from pytest_apiauth.credentials.signing import fresh_key, public_half, public_jwk
from pytest_apiauth.errors import CredentialError, DroppedError, UnreachableError
from pytest_apiauth.messages import Origin, Request, Response, parts_of
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.endpoints import ENDPOINTS, Endpoint
from pytest_apiauth.profile.grants import GRANTS, Grant
from pytest_apiauth.profile.kinds import KINDS, CredentialKind
from pytest_apiauth.profile.model import DEFAULT, Ending, GrantType, Kind, Profile, Zone
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.api import Answer, Api, Cause
from pytest_apiauth.suite.book import PROFILE, REGISTRY, STATED, Control, Level, Parts, Safety, draws, rule
from pytest_apiauth.suite.challenges import Challenge, read_challenges
from pytest_apiauth.suite.history import History, Tokens
from pytest_apiauth.suite.outcomes import Breach, FromGateway, Inconclusive, NotApplicable, OutOfReach, Violation
from pytest_apiauth.suite.timing import Timed, timed, unanswered

MUST, DOC, SHOULD, MAY = Level.MUST, Level.DOC, Level.SHOULD, Level.MAY
READ_ONLY, ISSUE, CONSUME = Safety.READ_ONLY, Safety.ISSUE, Safety.CONSUME
REVOKE, LOCKOUT, LOAD = Safety.REVOKE, Safety.LOCKOUT, Safety.LOAD
ITSELF = Control.ITSELF

__all__ = [
    "CONSUME",
    "DEFAULT",
    "DOC",
    "ENDPOINTS",
    "GRANTS",
    "ISSUE",
    "ITSELF",
    "KINDS",
    "LOAD",
    "LOCKOUT",
    "MAY",
    "MUST",
    "NO_PROOF",
    "PROFILE",
    "READ_ONLY",
    "REGISTRY",
    "REVOKE",
    "SELF_MADE",
    "SHOULD",
    "STATED",
    "Answer",
    "Api",
    "Assertion",
    "Base64",
    "Breach",
    "Cause",
    "Challenge",
    "Control",
    "Credential",
    "CredentialError",
    "CredentialKind",
    "Draft",
    "DroppedError",
    "Edit",
    "Ending",
    "Endpoint",
    "Forgery",
    "FormEncoded",
    "FromGateway",
    "Grant",
    "GrantType",
    "History",
    "Inconclusive",
    "Kind",
    "Level",
    "Members",
    "Minted",
    "NotApplicable",
    "Operation",
    "Origin",
    "OutOfReach",
    "Parameters",
    "Part",
    "Parts",
    "Place",
    "Profile",
    "Proof",
    "Published",
    "Ref",
    "Request",
    "Response",
    "Role",
    "Safety",
    "Signature",
    "Text",
    "Timed",
    "Tokens",
    "Unchanged",
    "UnreachableError",
    "Violation",
    "Zone",
    "about_token",
    "assignment",
    "consent",
    "draws",
    "equivalent",
    "fitting_keys",
    "fresh_key",
    "is_jwt",
    "jwt_parts",
    "logout_request",
    "one_line",
    "parts_of",
    "proof_role",
    "public_half",
    "public_jwk",
    "public_spellings",
    "read_challenges",
    "rule",
    "self_made_certificate",
    "self_made_jwk",
    "self_made_key_set",
    "spellings",
    "timed",
    "unanswered",
]  # fmt: skip
