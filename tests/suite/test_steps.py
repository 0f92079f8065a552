"""What a counterexample needs to be seen again: the steps before it, and nothing redacted in its lines."""

from __future__ import annotations

from urllib.parse import quote

from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Response
from pytest_apiauth.profile import loading
from pytest_apiauth.suite.api import Answer, Api
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL


def api(name: str = "jindexe") -> Api:
    """Hold an api with the embedded server of a built-in profile."""
    profile, redactor = loading.load(loading.builtin_profiles()[name]), Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    return Api(Examination(target, redactor), "az-framing")


def test_a_client_id_in_a_redirection_is_a_variable() -> None:
    """A login page's URL repeats the client id, encoded within a parameter: the reader is told where it goes."""
    held = api("dastra")
    client = held.examination.value(Ref(Role.CLIENT_ID))
    inner = quote(f"/authorize?client_id={client}&scope=a", safe="")
    response = Response(302, (("Location", f"/login?ReturnUrl={inner}&client_id={client}"),))
    onward = held.followed(Answer(held, held.request("/v1/workspaces"), response))
    assert onward is not None
    line = held.examination.curl(onward)
    assert "[apiauth" not in line
    assert line.count("${CLIENT_ID}") == 2
    assert client not in line


def test_a_value_that_an_answer_gave_comes_with_the_request_for_it() -> None:
    """What is kept of an answer is no variable that a reader has, so the step that gives it is shown."""
    held = api()
    answer = held.send(held.token_request("password"))
    held.keep("FIRST", str(answer.members["access_token"]))
    held.keep("SECOND", str(answer.members["refresh_token"]))
    assert held.steps == [f"{answer.curl}  # gives FIRST, SECOND"]
    held.keep("FIRST", str(answer.members["access_token"]))
    held.take(answer, "is sent again")
    assert held.steps[-1].endswith("# is sent again")


def test_text_of_a_server_is_one_short_line_of_a_report() -> None:
    """Neither a terminal's control sequences nor a million letters get into what was expected or what came."""
    held = api()
    answer = Answer(held, held.request("/v1/workspaces"), Response(200))
    found = answer.counterexample("an error", "\x1b[2J" + "x" * 1_000_000)
    assert "\x1b" not in found.got
    assert len(found.got) <= 400
