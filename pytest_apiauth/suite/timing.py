"""How long an answer takes: the one thing that a rule learns of a request besides its answer.

A request is timed by itself: no control goes before it, and a server error, which is made sure of by sending the
request again after a while, has no time. The clock is the examination's, so that tests need not wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.errors import BudgetError, UnreachableError
from pytest_apiauth.messages import described
from pytest_apiauth.printable import one_line
from pytest_apiauth.suite.answer import LONGEST_WORDS, Answer
from pytest_apiauth.suite.api import Api
from pytest_apiauth.suite.outcomes import Breach, Counterexample, Violation


@dataclass(frozen=True, slots=True)
class Timed:
    """What came of a request: the answer, if there was one, and the seconds until then.

    Example::

        once = timed(api, draft)
        if once.answer is None:
            unanswered(api, draft)
    """

    seconds: float
    answer: Answer | None = None
    error: Counterexample | None = None
    """The server error, if that is what came."""


def timed(api: Api, draft: Draft) -> Timed:
    """Send a request and take the time.

    Example::

        took = timed(api, valid.editing(valid.token, Edit("whole", text="x" * 8000))).seconds
    """
    clock = api.examination.clock
    began = clock()
    try:
        answer = api.send(draft, alone=True)
    except Breach as breach:
        return Timed(0.0, error=breach.counterexample)
    except BudgetError:
        raise
    except UnreachableError:
        return Timed(clock() - began)
    return Timed(clock() - began, answer)


def unanswered(api: Api, draft: Draft) -> NoReturn:
    """End the rule with a breach of it: no answer came, and one to the valid request does.

    Example::

        if all(each.answer is None and each.error is None for each in (once, again)):
            unanswered(api, draft)
    """
    assert draft.control is not None
    seen = api.see_again(draft.control)
    curl = api.examination.curl
    control_got = one_line(api.examination.redactor.redact(described(seen.response)), LONGEST_WORDS)
    found = Counterexample("an answer", "none, twice", curl(draft), curl(seen.draft), tuple(api.steps), (), control_got)
    raise Violation(found)
