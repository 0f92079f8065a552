"""The files of a run's own rules, and which of their faults the embedded server shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_apiauth.plugin.keys import OWN_FILES

if TYPE_CHECKING:
    import pytest

    from pytest_apiauth.suite.own_rules import OwnFiles


def own_files(config: pytest.Config) -> OwnFiles:
    """Return the files of rules that a run's profiles name, imported on first use."""
    from pytest_apiauth.embedded import FAULTS
    from pytest_apiauth.suite.own_rules import OwnFiles

    return config.stash.setdefault(OWN_FILES, OwnFiles(FAULTS))
