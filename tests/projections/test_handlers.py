"""Handlers: a projection's functions by the event they take in."""

import pytest

from domain import events as e
from projections.engine.handlers import Handlers

BANNED = e.HandleBanned(handle="billie", reason=None)
UNBANNED = e.HandleUnbanned(handle="billie")


def test_an_event_goes_to_its_handler_and_no_other():
    on = Handlers[[str], str]()

    @on(e.HandleBanned)
    def banned(event: e.HandleBanned, who: str) -> str:
        return f"{event.handle} banned by {who}"

    @on(e.HandleUnbanned)
    def unbanned(event: e.HandleUnbanned, who: str) -> str:
        return f"{event.handle} let in by {who}"

    assert on.handle(BANNED, "admin") == "billie banned by admin"
    assert on.handle(UNBANNED, "admin") == "billie let in by admin"
    assert on.events == {"handle_banned", "handle_unbanned"}


def test_one_handler_may_take_several_events():
    on = Handlers[[], str]()

    @on(e.HandleBanned, e.HandleUnbanned)
    def either(event: e.BanEvent) -> str:
        return event.handle

    assert (on.handle(BANNED), on.handle(UNBANNED)) == ("billie", "billie")


def test_an_event_without_a_handler_is_refused():
    on = Handlers[[], None]()

    assert BANNED not in on
    with pytest.raises(TypeError, match="HandleBanned"):
        on.handle(BANNED)


def test_an_event_has_one_handler():
    on = Handlers[[], None]()
    on(e.HandleBanned)(lambda _: None)

    with pytest.raises(TypeError, match="HandleBanned"):
        on(e.HandleBanned)(lambda _: None)


def test_a_handler_that_comes_after_the_events_were_told_is_refused():
    on = Handlers[[], None]()
    on(e.HandleBanned)(lambda _: None)
    assert on.events == {"handle_banned"}

    with pytest.raises(TypeError, match="HandleUnbanned"):
        on(e.HandleUnbanned)(lambda _: None)
