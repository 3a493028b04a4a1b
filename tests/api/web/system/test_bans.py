"""The page of bans: listed, added, lifted."""

from uuid import uuid4

import pytest

from tests.kit.application import Goatherd, Tenant, code_of
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

BANS = "/system/bans"


@pytest.fixture
def handle() -> str:
    return f"spam.{uuid4().hex[:20]}"


def page_that_shows(visitor: Visitor, handle: str) -> Element:
    """The page of the list with a ban, which holds what every test banned."""
    page = visitor.see(BANS)
    while f"@{handle}" not in [row.text for row in page.all("th", scope="row")]:
        (more,) = page.one("p", class_="more").all("a")
        page = visitor.see(more["href"])
    return page


def test_a_handle_is_banned_for_everybody_however_it_is_written(
    home: Tenant, stranger: Tenant, visitor: Visitor, handle: str
):
    typed = f"https://www.tiktok.com/@{handle.upper()}"
    form = visitor.see(BANS)

    answer = visitor.submit(form, BANS, tiktok_handle=typed, reason="Sells <goats>")

    assert answer.headers["Location"] == BANS
    refused = stranger.post(stranger.creators, {"tiktok_handle": handle})
    assert code_of(refused) == (409, "creator_banned")
    home.goatherd.catch_up()
    message = visitor.see(BANS).one("div", id="flashes").text
    assert f"@{handle} is banned." in message
    page = page_that_shows(visitor, handle)
    (row,) = [r for r in page.all("tr") if f"@{handle}" in r.all("th")[0].text]
    assert "Sells <goats>" in row.text


def test_a_ban_is_lifted(home: Tenant, visitor: Visitor, handle: str):
    home.ask("PUT", f"/admin/bans/{handle}")
    home.goatherd.catch_up()
    page = page_that_shows(visitor, handle)

    answer = visitor.submit(page, f"{BANS}/{handle}/lift")

    assert answer.headers["Location"] == BANS
    assert home.add(handle)
    home.goatherd.catch_up()
    assert handle not in [ban["tiktok_handle"] for ban in home.every("/admin/bans")]


def test_more_bans_than_a_page_holds_are_one_link_further(
    home: Tenant, visitor: Visitor, handle: str
):
    handles = [f"{handle[:15]}.{number:02}" for number in range(51)]
    for each in handles:
        home.ask("PUT", f"/admin/bans/{each}")
    home.goatherd.catch_up()

    assert page_that_shows(visitor, handles[0])
    assert handles[-1] not in page_that_shows(visitor, handles[0]).text
    assert page_that_shows(visitor, handles[-1])


@pytest.mark.parametrize("typed", ("", "not a handle", "a/b", "\N{GOAT}", "../keys"))
def test_what_is_no_handle_is_said_at_its_field_and_stays(
    goatherd: Goatherd, visitor: Visitor, typed: str
):
    kept = goatherd.kept()

    answer = visitor.post(BANS, {"tiktok_handle": typed, "reason": "Because"})

    page = read(answer.text)
    assert answer.status_code == 400
    assert "is not a TikTok handle" in page.one("p", id="h-tiktok_handle").text
    assert page.one("input", name="tiktok_handle")["value"] == typed
    assert page.one("input", name="reason")["value"] == "Because"
    assert goatherd.kept() == kept


def test_a_reason_that_is_too_long_is_said_at_its_field(visitor: Visitor, handle: str):
    answer = visitor.post(BANS, {"tiktok_handle": handle, "reason": "x" * 1_001})

    page = read(answer.text)
    assert answer.status_code == 400
    assert page.one("p", id="h-reason")["class"] == "problem"
