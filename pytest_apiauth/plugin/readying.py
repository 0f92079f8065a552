"""The fixture of a rule's item: the profile made ready, once for all of its rules.

Standard library and pytest only at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_apiauth.errors import ApiAuthError, UnsetError
from pytest_apiauth.plugin.provision import stop, target_of
from pytest_apiauth.plugin.run import STATE, State

if TYPE_CHECKING:
    from pytest_apiauth.suite.examination import Examination


@pytest.fixture
def _apiauth_examination(request: pytest.FixtureRequest) -> Examination:
    """Make the profile of a rule's item ready: one error if it is not, and 'not run' for every later rule."""
    from pytest_apiauth.errors import UnreachableError
    from pytest_apiauth.plugin.collection import RuleItem
    from pytest_apiauth.printable import printable
    from pytest_apiauth.report import record as records
    from pytest_apiauth.suite.book import Verdict
    from pytest_apiauth.suite.judging import Outcome
    from pytest_apiauth.suite.outcomes import NotReady, Unproven

    item = request.node
    assert isinstance(item, RuleItem)
    state: State = request.config.stash[STATE]
    try:
        path = item.profile_file.path
        examination, is_new = state.examinations.of(path, lambda: target_of(request, state.load(path), "rules"))
    except NotReady as reason:
        item.record(Outcome(Verdict.NOT_RUN, item.rule.level, str(reason)))
        pytest.skip(f"not run: {reason}")
    except ApiAuthError as error:
        is_skipped = isinstance(error, UnsetError) and state.options.skip_missing
        if not is_skipped:
            has_answered = not isinstance(error, Unproven | UnreachableError)
            shown = printable(state.redactor.redact(str(error)))
            item.not_ready = records.NotReady("not ready" if has_answered else "inconclusive", shown)
        item.record(Outcome(Verdict.SKIP if is_skipped else Verdict.NOT_RUN, item.rule.level, str(error)))
        stop(error, state)
    if is_new:
        # What it took to make the profile ready counts for the first rule.
        item.requests, item.tokens_issued = examination.requests, examination.tokens_issued
    if examination.target.kind.is_app:
        # What the app stored for an earlier item may be rolled back by now.
        examination.forget_tokens()
    return examination
