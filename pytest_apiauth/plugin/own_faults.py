"""The files of a run's own rules, and which of their faults the embedded server shows.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Chosen, Fault
    from pytest_apiauth.plugin.wanted import Wanted
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.suite.own_rules import OwnFiles
    from pytest_apiauth.targets.choose import Caller, Difference

OWN_FILES: pytest.StashKey[OwnFiles] = pytest.StashKey()
"""Of the run: the files of a project's own rules."""


def own_files(config: pytest.Config) -> OwnFiles:
    """Return the files of rules that a run's profiles name, imported on first use."""
    from pytest_apiauth.embedded import FAULTS
    from pytest_apiauth.suite.own_rules import OwnFiles

    return config.stash.setdefault(OWN_FILES, OwnFiles(FAULTS))


def faults_of(config: pytest.Config, profile: Profile) -> dict[str, Fault]:
    """Return the faults that a profile's own rules bring along, by name. Raises ProfileError."""
    from pytest_apiauth.embedded import own_fault
    from pytest_apiauth.suite.own_rules import described, guarded

    return {
        name: own_fault(name, described(function), guarded(function, file.path))
        for file in own_files(config).of(profile)
        for rule in file.rules
        for name, function in rule.breaks.items()
    }


def promises_of(config: pytest.Config, profile: Profile) -> list[Fault]:
    """Return how the embedded server keeps what a profile's own rules alone promise. Raises ProfileError."""
    from pytest_apiauth.embedded import own_fault
    from pytest_apiauth.suite.own_rules import described, guarded

    # One that two rules share is kept once.
    found = {
        rule.keeps: own_fault(rule.id, described(rule.keeps), guarded(rule.keeps, file.path))
        for file in own_files(config).of(profile)
        for rule in file.rules
        if rule.keeps is not None
    }
    return list(found.values())


def faults_at_work(config: pytest.Config, asked: Collection[str], profile: Profile, caller: Caller) -> list[Chosen]:
    """Return the faults that the embedded server of a profile shows: those asked for, own ones if it names their file.

    Under them lies what own rules promise, if rules are the ``caller``. Raises ProfileError.
    """
    from pytest_apiauth.embedded import is_own

    own = faults_of(config, profile) if any(map(is_own, asked)) else {}
    faults: list[Chosen] = [own.get(name, name) for name in asked if not is_own(name) or name in own]
    return [*faults, *(promises_of(config, profile) if caller == "rules" else ())]


def difference_of(config: pytest.Config, wanted: Wanted, profile: Profile) -> Difference:
    """Return how a test wants the embedded server of a profile to differ. Raises an ApiAuthError for unknown names."""
    from pytest_apiauth.embedded import check_names, is_own, no_such
    from pytest_apiauth.targets.choose import Difference

    check_names(wanted.faults, wanted.variants)
    own = faults_of(config, profile) if any(map(is_own, wanted.faults)) else {}
    for name in wanted.faults:
        if is_own(name) and name not in own:
            raise no_such("fault", name, own)
    return Difference(tuple(own.get(name, name) for name in wanted.faults), wanted.variants, wanted.lifetime)
