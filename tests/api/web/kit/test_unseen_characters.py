"""Invisible characters, which come along with copied text."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.kit.application import Tenant, code_of
from tests.kit.markup import read
from tests.kit.visitor import Visitor

UNSEEN = "\0\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# As a telephone copies a number out of its contacts.
COPIED = "\u202a+49 30 1234\u202c"


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    creator = home.add("goat")
    home.goatherd.catch_up()
    return creator


@pytest.mark.parametrize("part", ("readme", "description"))
def test_notes_are_stored_as_they_are_seen(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], part: str
):
    path = f"/creators/{creator['id']}/notes"
    page = visitor.see(f"{path}?edit={part}")

    answer = visitor.submit(page, path, text=f"Call {COPIED}{UNSEEN}\r\nsoon")

    assert answer.status_code == 303, answer.text
    assert home.shown(creator["id"])[part] == "Call +49 30 1234\nsoon"


def test_a_preview_shows_and_keeps_what_was_typed(
    visitor: Visitor, creator: dict[str, Any]
):
    path = f"/creators/{creator['id']}/notes"
    page = visitor.see(f"{path}?edit=readme")

    answer = visitor.submit(page, path, text=f"Call {COPIED}", preview="yes")

    shown = read(answer.text)
    assert answer.status_code == 200
    assert shown.one("div", class_="prose").text == "Call +49 30 1234"
    assert shown.one("textarea").text == "Call +49 30 1234"


def test_handles_are_added_without_them(visitor: Visitor, home: Tenant):
    home.goatherd.catch_up()
    page = visitor.see("/creators/add")

    shown = visitor.submit(page, "/creators/add", handles="\u2068@ada\u2069\n\u202abea")
    answer = visitor.submit(read(shown.text), "/creators/add", step="add")

    assert answer.status_code == 200, answer.text
    home.goatherd.catch_up()
    assert {one["tiktok_handle"] for one in home.every("/creators")} == {"ada", "bea"}


def test_a_ban_has_the_reason_that_was_seen(visitor: Visitor, home: Tenant):
    handle = f"spam.{uuid4().hex[:20]}"
    page = visitor.see("/system/bans")

    answer = visitor.submit(
        page,
        "/system/bans",
        tiktok_handle=f"\u2068{handle}\u2069",
        reason=f"Called from {COPIED}",
    )

    assert answer.status_code == 303, answer.text
    home.goatherd.catch_up()
    reasons = {b["tiktok_handle"]: b["reason"] for b in home.every("/admin/bans")}
    assert reasons[handle] == "Called from +49 30 1234"


def test_a_search_finds_what_it_looks_like(visitor: Visitor, creator: dict[str, Any]):
    page = visitor.see(f"/creators?search={quote(f'{UNSEEN}goat{UNSEEN}')}")

    assert f"@{creator['tiktok_handle']}" in page.one("main").text
    assert page.one("input", name="search", type="search")["value"] == "goat"


def test_a_name_from_a_source_that_has_them_is_not_changed_by_saving_something_else(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, name = f"/creators/{creator['id']}/settings", "\u202egoat\u202c"
    home.saw(creator["id"], display_name=name)
    home.goatherd.catch_up()
    page = visitor.see(path)

    answer = visitor.submit(page, path, tracking_mode="selective")

    assert answer.status_code == 303, answer.text
    now = home.shown(creator["id"])
    assert (now["tracking_mode"], now["display_name"]) == ("selective", name)
    # Set by nobody it goes on following the source.
    home.saw(creator["id"], display_name="Goat")
    assert home.shown(creator["id"])["display_name"] == "Goat"


@pytest.mark.parametrize("character", UNSEEN, ids=ascii)
def test_the_api_goes_on_refusing_them(
    home: Tenant, creator: dict[str, Any], character: str
):
    body = home.patch(f"/creators/{creator['id']}", {"readme": f"a{character}"})
    query = home.get(f"/creators?search={quote(character)}")

    assert code_of(body) == (400, "invalid_body")
    assert code_of(query) == (400, "invalid_query")
