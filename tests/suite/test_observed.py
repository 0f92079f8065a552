"""The life of a rule's tokens: what is entered of it, and what is none of it."""

from __future__ import annotations

from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.suite.observed import MOST_EVENTS, Event, Life

ACCESS, REFRESH = Ref(Role.ACCESS_TOKEN, named="ACCESS_TOKEN_1"), Ref(Role.REFRESH_TOKEN, named="REFRESH_TOKEN_1")
OTHERS = Ref(Role.ACCESS_TOKEN)


def test_a_life_from_its_first_token_to_a_refusal() -> None:
    """Tokens are issued, used and refused; time passes; seconds count from the first of them."""
    life = Life(now=100.0)
    life.give(100.0, [ACCESS, REFRESH], "POST /token: 200 OK", is_renewal=False)
    life.meet(101.5, [ACCESS], "GET /me: 200 OK", is_taken=True)
    life.wait(161.5, 60)
    life.meet(161.5, [ACCESS], "GET /me: 401 Unauthorized", is_taken=False)

    assert life.events == [
        Event(0, "issued", ("ACCESS_TOKEN_1", "REFRESH_TOKEN_1"), "POST /token: 200 OK"),
        Event(1, "used", ("ACCESS_TOKEN_1",), "GET /me: 200 OK"),
        Event(61, "passed", (), "60 seconds pass"),
        Event(61, "refused", ("ACCESS_TOKEN_1",), "GET /me: 401 Unauthorized"),
    ]


def test_what_comes_of_a_refresh_token_of_this_life_is_a_renewal() -> None:
    """It is known by the token that the request carries."""
    life = Life(now=0.0)
    life.give(0.0, [ACCESS, REFRESH], "words", is_renewal=False)

    assert life.knows_refresh([REFRESH])
    assert not life.knows_refresh([ACCESS, Ref(Role.REFRESH_TOKEN)])


def test_the_token_at_hand_is_none_of_it() -> None:
    """A control with the token that all rules share says nothing of this one's."""
    life = Life(now=0.0)
    life.give(0.0, [ACCESS], "words", is_renewal=False)
    life.meet(0.0, [OTHERS], "GET /me: 200 OK", is_taken=True)

    assert [event.what for event in life.events] == ["issued"]


def test_the_same_again_is_counted_and_there_is_an_end_to_it() -> None:
    """A loop of one request is one event, and a long table does not fill the report."""
    life = Life(now=0.0)
    life.give(0.0, [ACCESS], "words", is_renewal=False)
    for _ in range(5):
        life.meet(0.0, [ACCESS], "GET /me: 200 OK", is_taken=True)
    assert [event.times for event in life.events] == [1, 5]

    for number in range(2 * MOST_EVENTS):
        life.meet(0.0, [ACCESS], f"GET /{number}: 200 OK", is_taken=True)
    assert len(life.events) == MOST_EVENTS
