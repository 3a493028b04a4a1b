"""Folds: the functions of a projection, by the type of the event."""

import pytest

from domain import events as e
from projections.engine.folds import Folds

BANNED = e.HandleBanned(handle="billie", reason=None)
UNBANNED = e.HandleUnbanned(handle="billie")


def test_an_event_goes_to_its_fold_and_no_other():
    on = Folds[[str], str]()

    @on(e.HandleBanned)
    def banned(event: e.HandleBanned, who: str) -> str:
        return f"{event.handle} banned by {who}"

    @on(e.HandleUnbanned)
    def unbanned(event: e.HandleUnbanned, who: str) -> str:
        return f"{event.handle} let in by {who}"

    assert on.fold(BANNED, "admin") == "billie banned by admin"
    assert on.fold(UNBANNED, "admin") == "billie let in by admin"
    assert on.events == {"handle_banned", "handle_unbanned"}


def test_one_fold_may_have_several_events():
    on = Folds[[], str]()

    @on(e.HandleBanned, e.HandleUnbanned)
    def either(event: e.BanEvent) -> str:
        return event.handle

    assert (on.fold(BANNED), on.fold(UNBANNED)) == ("billie", "billie")


def test_an_event_without_a_fold_is_refused():
    on = Folds[[], None]()

    assert BANNED not in on
    with pytest.raises(TypeError, match="HandleBanned"):
        on.fold(BANNED)


def test_an_event_has_one_fold():
    on = Folds[[], None]()
    on(e.HandleBanned)(lambda _: None)

    with pytest.raises(TypeError, match="HandleBanned"):
        on(e.HandleBanned)(lambda _: None)


def test_a_fold_that_comes_after_the_names_of_events_is_refused():
    on = Folds[[], None]()
    on(e.HandleBanned)(lambda _: None)
    assert on.events == {"handle_banned"}

    with pytest.raises(TypeError, match="HandleUnbanned"):
        on(e.HandleUnbanned)(lambda _: None)
