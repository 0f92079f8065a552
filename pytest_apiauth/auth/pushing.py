"""Authorization requests that a client pushes before it opens the browser (RFC 9126): what the server answers to that.

Nothing here does I/O. The ``request_uri`` in the answer is good for one authorization, by whoever shows it: a secret.
"""

from __future__ import annotations

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import TokenError
from pytest_apiauth.messages import Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile


def read_request_uri(profile: Profile, response: Response, redactor: Redactor) -> str:
    """Return the ``request_uri`` of a pushed request. Raises TokenError, one line, if none came (RFC 9126 2.2, 2.3).

    Any status of success will do: whether it is the right one is for a rule to say.

    >>> answer = Response(201, (), b'{"request_uri": "urn:example:a", "expires_in": 60}')
    >>> read_request_uri(Profile(schema=1), answer, Redactor())
    'urn:example:a'
    """
    found = request_uri_in(response)
    if found is not None:
        redactor.learn(found, f"{profile.name}.request_uri")
        return found
    body = response.json()
    members = body if isinstance(body, dict) else {}
    told = [members[name] for name in ("error", "error_description") if isinstance(members.get(name), str)]
    came = one_line(redactor.redact(", ".join([f"status {response.status}", *told])))
    place = profile.pushed_authorization_request_endpoint
    raise TokenError(f"{profile.name}: {place}: expected a request_uri for what was pushed, got {came}")


def request_uri_in(response: Response) -> str | None:
    """Return the ``request_uri`` that came, if one did."""
    body = response.json() if 200 <= response.status < 300 else None
    found = body.get("request_uri") if isinstance(body, dict) else None
    return found if isinstance(found, str) and found else None
