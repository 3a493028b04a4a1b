"""A creator's notes, settings and videos, as people edit them with a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra.embedded.processes import wait_until
from tests.browser.watching import Watch
from tests.kit.application import Tenant, data_of
from tests.kit.patience import PATIENTLY

TYPED = "# Terms\n\nMine, <b>bold</b> \N{GOAT}\n\n</textarea><script>alert(1)</script>"


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    """A creator with notes, a display name and three videos."""
    creator = home.add("goat", readme="# Terms\n\nTwo posts a month.")
    for number in range(3):
        home.found(creator["id"], str(101 + number), title=f"Kid {number}")
    home.goatherd.catch_up()
    return creator


def now(home: Tenant, creator: dict[str, Any]) -> dict[str, Any]:
    home.goatherd.catch_up()
    return data_of(home.get(f"/creators/{creator['id']}"))


def change(home: Tenant, creator: dict[str, Any], **fields: object) -> None:
    """Let somebody else change the creator."""
    data_of(home.patch(f"/creators/{creator['id']}", fields))
    home.goatherd.catch_up()


def test_notes_are_edited_in_place_while_somebody_else_does(
    page: Page,
    home: Tenant,
    creator: dict[str, Any],
    watch: Watch,
    axe: Callable[[Page], None],
):
    watch.expects(r"status of 412")
    page.goto(f"/creators/{creator['id']}/notes")
    page.get_by_role("link", name="Edit notes").click()
    page.get_by_role("textbox", name="Notes").fill(TYPED)
    change(home, creator, readme="# Terms\n\nThree posts a month.")

    page.get_by_role("button", name="Save").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Somebody else changed this while you wrote")
    expect(alert).to_contain_text("Stored: Three posts a month.")
    expect(page.get_by_role("textbox", name="Notes, yours")).to_have_value(TYPED)
    axe(page)

    page.get_by_role("button", name="Save mine over it").click()

    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("heading", level=3)).to_have_text("Terms")
    assert wait_until(lambda: now(home, creator)["readme"] == TYPED, seconds=PATIENTLY)
    axe(page)


def test_settings_of_two_people_meet(
    page: Page,
    home: Tenant,
    creator: dict[str, Any],
    watch: Watch,
    axe: Callable[[Page], None],
):
    watch.expects(r"status of 412")
    page.goto(f"/creators/{creator['id']}/settings")
    page.get_by_label("Display name").fill("Our Goat")
    change(home, creator, display_name="Their Goat", tracking_mode="selective")

    page.get_by_label("Display name").press("Enter")

    row = page.get_by_role("row").filter(has_text="Display name")
    expect(row).to_contain_text("Their Goat")
    expect(row).to_contain_text("Our Goat")
    axe(page)
    row.get_by_role("button", name="Take the stored one").click()
    expect(page.get_by_label("Display name")).to_have_value("Their Goat")
    page.get_by_label("Last day").fill("2030-12-31")
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.get_by_text("Saved.")).to_be_visible()
    assert wait_until(
        lambda: now(home, creator)["tracking_end_date"] == "2030-12-31",
        seconds=PATIENTLY,
    )
    assert now(home, creator)["display_name"] == "Their Goat"
    assert now(home, creator)["tracking_mode"] == "selective"


def test_a_creator_is_renamed_removed_and_brought_back(
    page: Page, home: Tenant, creator: dict[str, Any], axe: Callable[[Page], None]
):
    page.goto(f"/creators/{creator['id']}/settings")
    page.get_by_role("textbox", name="Handle").fill("@Kid.And.Kettle")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("@kid.and.kettle")

    page.get_by_text("Remove this creator").click()
    page.get_by_role("button", name="Yes, remove @kid.and.kettle").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(
        "This creator was removed"
    )
    axe(page)
    page.get_by_role("button", name="Bring @kid.and.kettle back").click()

    expect(page.get_by_text("is tracked again, with all their history")).to_be_visible()
    assert now(home, creator)["status"] == "active"


@pytest.fixture
def early(page: Page, home: Tenant, creator: dict[str, Any]) -> Iterator[Page]:
    """Settings that were drawn too early, since a read model does not move."""
    pool = home.goatherd.store.pool
    with pool.connection() as connection, connection.transaction():
        connection.execute(
            "SELECT FROM projection WHERE name = 'creator_identities' FOR UPDATE"
        )
        page.clock.install()
        page.goto(f"/creators/{creator['id']}/settings")
        page.get_by_role("textbox", name="Handle").fill("@kid")
        page.get_by_role("button", name="Rename").click()
        expect(page.get_by_text("will be on this page in a moment")).to_be_visible()
        yield page


def test_an_opened_form_stays_open_on_a_page_that_was_drawn_too_early(early: Page):
    opener = early.get_by_text("Remove this creator")
    opener.click()

    early.clock.run_for(5_000)

    expect(early.get_by_role("button", name="Yes, remove @kid")).to_be_visible()
    with early.expect_navigation():
        opener.click()


def test_a_page_that_was_drawn_too_early_lets_a_sent_form_go_on(early: Page):
    early.get_by_role("button", name="Disable @kid").click(no_wait_after=True)

    early.clock.run_for(5_000)

    expect(early.get_by_text("@kid is disabled. Scrapes have stopped.")).to_be_visible()


def test_selected_videos_stop_counting_and_count_again(
    page: Page, creator: dict[str, Any], axe: Callable[[Page], None]
):
    page.goto(f"/creators/{creator['id']}/videos")
    stop = page.get_by_role("button", name="Exclude", exact=True)
    expect(stop).to_be_disabled()
    page.get_by_role("link", name="Views").click()
    expect(page.get_by_role("columnheader", name="Views")).to_have_attribute(
        "aria-sort", "descending"
    )
    axe(page)
    page.get_by_label("Select all videos of this page").check()
    expect(page.get_by_text("3 videos selected")).to_be_visible()

    stop.click()

    expect(page.get_by_text("3 videos are excluded now.")).to_be_visible()
    expect(page).to_have_url(f"/creators/{creator['id']}/videos?sort=view_count")
    switch = page.get_by_role("switch", name="Included: Kid 1")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(page.get_by_role("switch", name="Included: Kid 1")).to_be_checked()
