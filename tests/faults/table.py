"""A row of the table of faults: which rules see one, when the whole book is examined."""

from __future__ import annotations

from pytest_apiauth.suite.book import REGISTRY

from .examining import CAUGHT, EXAMINED, QUICK, examine, owners


def row(name: str) -> tuple[str, bool, str]:
    """Examine a server with one fault by every rule, on the first profile on which the owner catches it."""
    owner = owners()[name]
    for profile in EXAMINED:
        if not any(outcome.verdict in CAUGHT for outcome in examine(profile, [owner], faults=[name]).values()):
            continue
        outcomes = examine(profile, [owner] if owner.wire else REGISTRY, faults=[name], conditions=QUICK)
        seen = {rule_id for (rule_id, _), outcome in outcomes.items() if outcome.verdict in CAUGHT}
        others = ", ".join(sorted(seen - {owner.id})) or "-"
        return name, owner.id in seen, f"{name:36} {owner.id:26} {profile:10} also: {others}"
    return name, False, f"{name:36} {owner.id:26} MISSED"
