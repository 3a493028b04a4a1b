import pytest

from domain import events as e
from domain.errors import InvalidHandleError
from infra.eventstore.store import Store
from tests.kit.builders import Home, asking
from tests.kit.commands import ban_handle, unban_handle


def test_a_handle_is_banned_however_it_is_written(store: Store):
    (recorded,) = ban_handle(
        store,
        "https://www.tiktok.com/@Ada",
        reason="eats the hedge",
        context=asking("cli"),
    )

    assert recorded.event == e.HandleBanned(handle="ada", reason="eats the hedge")
    assert recorded.actor == "cli"
    assert store.load(store.names.ban_stream("ada"))[store.names.ban_stream("ada")] == [
        recorded
    ]


def test_a_banned_handle_is_banned_once(store: Store):
    ban_handle(store, "ada", context=asking())

    assert ban_handle(store, "@ADA", reason="again", context=asking()) == []
    assert store.head() == 1


def test_a_lifted_ban_lets_the_handle_in_again(store: Store, home: Home):
    ban_handle(store, "ada", context=asking())
    (kept_out,) = home.add("ada")

    (recorded,) = unban_handle(store, "@Ada", context=asking())
    (let_in,) = home.add("ada")

    assert kept_out.status == "failed"
    assert recorded.event == e.HandleUnbanned(handle="ada")
    assert let_in.status == "created"


def test_where_there_is_no_ban_none_is_lifted(store: Store):
    assert unban_handle(store, "ada", context=asking()) == []
    assert store.head() == 0


def test_whoever_has_a_handle_when_it_is_banned_keeps_it(store: Store, home: Home):
    ada = home.creator("ada")

    ban_handle(store, "ada", context=asking())

    assert home.look_at(ada).status == "active"
    assert home.holder("ada") == ada


@pytest.mark.parametrize("text", ("", "..", "ada lovelace", "\N{KELVIN SIGN}ate"))
def test_what_is_no_handle_is_neither_banned_nor_unbanned(store: Store, text: str):
    for change in (ban_handle, unban_handle):
        with pytest.raises(InvalidHandleError):
            change(store, text, context=asking())

    assert store.head() == 0
