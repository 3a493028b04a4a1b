"""Bans: handles that nobody on the installation may track."""

from typing import Any
from uuid import uuid4

import pytest

from domain import events as e
from tests.kit.application import Tenant, code_of, data_of


@pytest.fixture
def handle() -> str:
    """A handle that no other test knows."""
    return f"spam.{uuid4().hex[:20]}"


def test_a_banned_handle_is_listed_with_its_reason(home: Tenant, handle: str):
    answer = home.ask("PUT", f"/admin/bans/@{handle.upper()}", json={"reason": "Spam"})

    assert data_of(answer) == {"tiktok_handle": handle, "banned": True}
    (recorded,) = home.goatherd.log(home.goatherd.store.names.ban_stream(handle))
    assert recorded.event == e.HandleBanned(handle=handle, reason="Spam")
    assert recorded.actor == f"key:{home.key_id}"
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    home.goatherd.catch_up()
    assert {
        "tiktok_handle": handle,
        "reason": "Spam",
        "created_at": recorded.recorded_at.isoformat().replace("+00:00", "Z"),
    } in list(home.every("/admin/bans"))


@pytest.mark.parametrize("sent", ({}, {"json": {}}, {"json": {"reason": None}}))
def test_a_ban_needs_no_reason(home: Tenant, handle: str, sent: dict[str, Any]):
    answer = home.ask("PUT", f"/admin/bans/{handle}", **sent)

    assert data_of(answer)["banned"] is True
    assert home.goatherd.events(home.goatherd.store.names.ban_stream(handle)) == [
        e.HandleBanned(handle=handle)
    ]


def test_a_ban_holds_for_every_organization_until_it_is_lifted(
    home: Tenant, stranger: Tenant, handle: str
):
    home.ask("PUT", f"/admin/bans/{handle}")
    named = stranger.add("innocent.goat")

    added = stranger.post(stranger.creators, {"tiktok_handle": handle})
    renamed = stranger.patch(f"/creators/{named['id']}", {"tiktok_handle": handle})
    lifted = home.delete(f"/admin/bans/{handle}")
    after = stranger.post(stranger.creators, {"tiktok_handle": handle})

    assert code_of(added) == code_of(renamed) == (409, "creator_banned")
    assert data_of(lifted) == {"tiktok_handle": handle, "banned": False}
    assert int(lifted.headers["Goatherd-Position"]) > 0
    assert after.status_code == 201
    assert home.goatherd.events(home.goatherd.store.names.ban_stream(handle)) == [
        e.HandleBanned(handle=handle),
        e.HandleUnbanned(handle=handle),
    ]
    home.goatherd.catch_up()
    assert handle not in [ban["tiktok_handle"] for ban in home.every("/admin/bans")]


def test_a_creator_that_is_there_already_outlives_a_ban_until_it_is_removed(
    home: Tenant, handle: str
):
    creator = home.add(handle)

    home.ask("PUT", f"/admin/bans/{handle}")

    assert home.shown(creator["id"]) == creator
    home.delete(f"/creators/{creator['id']}")
    back = home.post(home.creators, {"tiktok_handle": handle})
    assert code_of(back) == (409, "creator_banned")


@pytest.mark.parametrize("method", ("PUT", "DELETE"))
def test_banning_and_lifting_twice_is_the_same_as_once(
    home: Tenant, handle: str, method: str
):
    home.ask("PUT", f"/admin/bans/{handle}")
    first = home.ask(method, f"/admin/bans/{handle}")
    kept = home.goatherd.kept()

    second = home.ask(method, f"/admin/bans/{handle}")

    assert data_of(second) == data_of(first)
    assert int(second.headers["Goatherd-Position"]) == home.goatherd.head
    assert home.goatherd.kept() == kept


def test_bans_are_listed_by_name_page_by_page(home: Tenant, handle: str):
    handles = [f"{handle}.{letter}" for letter in "ca-_"]
    for name in handles:
        home.ask("PUT", f"/admin/bans/{name}")
    home.goatherd.catch_up()

    listed = home.every("/admin/bans", limit=3)
    found = [ban["tiktok_handle"] for ban in listed]

    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert [name for name in found if name in handles] == sorted(handles)


def test_what_is_no_handle_cannot_be_banned(home: Tenant):
    kept = home.goatherd.kept()

    answers = [home.ask(method, "/admin/bans/a%20b") for method in ("PUT", "DELETE")]

    assert [code_of(a) for a in answers] == [(409, "invalid_handle")] * 2
    assert home.goatherd.kept() == kept
