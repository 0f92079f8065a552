"""The line of a profile's file at which a part of a rule begins."""

from __future__ import annotations

import pytest

from pytest_apiauth.profile.lines import line_of

TEXT = """\
schema = 1
clients.second.client_id = { env = "SHOP_ID" }

[token]
scope = "user"

[zones.user]
path = "/user/"
needs = ["bearer"]

[ zones . 'pro' ]
path = "/pro/"

[grants]
password = { user = "second" }
[grants.refresh_token.more]
"""


@pytest.mark.parametrize(
    ("part", "line"),
    [("second", 2), ("user", 7), ("pro", 11), ("password", 15), ("refresh_token", 16), ("path", 0), ("", 0)],
)
def test_a_part_is_found_by_the_header_of_its_table(part: str, line: int) -> None:
    """However TOML writes it; a key of another table that is called the same is none."""
    assert line_of(TEXT, part) == line
