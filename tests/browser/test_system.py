"""Settings and the system, as people run Goatherd with a browser."""

import re
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.watching import Watch
from tests.kit.application import Tenant, code_of

UNKNOWN = "The state of Goatherd is unknown."
PATIENTLY_MS = 20_000


@pytest.fixture
def busy(home: Tenant) -> Tenant:
    """An organization with something on each page."""
    creator_id = home.add("lost.goat")["id"]
    requested = home.post(f"/creators/{creator_id}/scrape").json()["data"]
    home.failed(requested["scrape_id"])
    home.ask("PUT", "/admin/bans/spam.goat", json={"reason": "Sells goats"})
    home.goatherd.catch_up()
    return home


def test_a_rebuild_is_started_watched_and_swapped_in(
    home: Tenant, page: Page, axe: Callable[[Page], None]
):
    home.add("lively.goat")
    page.goto("/system/read-models")
    expect(page.get_by_text("Live.")).to_be_visible()
    page.get_by_role("link", name="Banned handles").click()
    page.get_by_role("button", name="Rebuild", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing is lost if the rebuild stops.")
    axe(page)

    dialog.get_by_role("button", name="Rebuild").click()

    # Nobody reloads: the stream says when it is done.
    expect(page.get_by_text("swapped in").first).to_be_visible()
    expect(page.get_by_text("All rows that were compared are equal.")).to_be_visible()
    axe(page)


def test_projections_move_while_somebody_looks(home: Tenant, page: Page):
    page.goto("/system/read-models/creator_list")
    expect(page.get_by_text("Live.")).to_be_visible()
    page.evaluate("window.stayed = true")

    home.add("new.goat")

    cell = page.locator("[data-cell='creator_list.position']")
    expect(cell).to_have_text(f"{home.goatherd.head:,}")
    assert page.evaluate("window.stayed")


def test_nothing_is_called_well_while_the_database_does_not_answer(
    home: Tenant, page: Page
):
    # Nobody follows some of them here.
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE projection SET heartbeat_at = now() + interval '5 minutes'"
    )
    page.goto("/system/read-models")
    expect(page.get_by_text("Live.", exact=True)).to_be_visible()
    expect(page.get_by_text("All ok")).to_be_visible()

    # A lock that waits for long would stop all pages of the tests to come.
    with psycopg.connect(
        home.goatherd.url, options="-c lock_timeout=20s"
    ) as connection:
        connection.execute("LOCK TABLE projection IN ACCESS EXCLUSIVE MODE")
        # A look that fails and one that takes its time come to the same here.
        expect(page.get_by_text("Not live:")).to_be_visible(timeout=PATIENTLY_MS)
        expect(page.locator("#well")).to_have_text(UNKNOWN)
        connection.rollback()

    live = page.get_by_text("Live.", exact=True)
    expect(live).to_be_visible(timeout=PATIENTLY_MS)
    expect(page.get_by_text("All ok")).to_be_visible(timeout=PATIENTLY_MS)


def test_nothing_is_called_well_when_the_stream_breaks(page: Page, watch: Watch):
    watch.expects("ERR_FAILED|failed request|status of 503")
    page.route("**/stream", lambda route: route.abort())

    page.goto("/system/read-models")

    expect(page.get_by_text("Goatherd cannot be reached")).to_be_visible()
    expect(page.locator("#well")).to_have_text(UNKNOWN)


def test_nothing_is_called_well_after_seconds_of_silence(page: Page):
    page.clock.install()
    page.goto("/system/read-models")
    expect(page.get_by_text("Live.", exact=True)).to_be_visible()
    page.evaluate("document.querySelector('#well').dataset.then = 'yes'")

    page.clock.run_for(10_000)

    expect(page.locator("#well[data-then].unknown")).to_have_text(UNKNOWN)


def test_a_key_is_made_copied_used_and_revoked(
    home: Tenant, page: Page, axe: Callable[[Page], None]
):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/settings/keys")
    page.get_by_label("Name").fill("For the sheet")
    page.get_by_role("button", name="Create the key").click()
    text = page.get_by_label("The key", exact=True).input_value()
    axe(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == text
    headers = {"Authorization": f"Bearer {text}"}
    assert home.get("/projects", headers=headers).status_code == 200

    page.get_by_role("link", name="To the keys").click()
    row = page.get_by_role("row").filter(has_text="For the sheet")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()

    expect(row).to_contain_text("revoked")
    assert text not in page.content()


def test_a_failed_scrape_is_tried_again_with_the_keyboard(busy: Tenant, page: Page):
    page.goto("/system/jobs?show=failed")
    page.get_by_role("button", name="Try again").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()

    dialog.get_by_role("button", name="Try again").press("Enter")

    expect(page.get_by_text("A new scrape of the same kind was")).to_be_visible()
    page.get_by_role("link", name="Waiting and running").click()
    waiting = page.get_by_role("row").filter(has_text="manual")
    expect(waiting).to_contain_text("Profile")
    busy.goatherd.catch_up()


def test_a_handle_is_banned_and_the_ban_lifted(home: Tenant, page: Page):
    page.goto("/system/bans")
    page.get_by_role("textbox", name="Handle").fill("@Loud.Goat")
    page.get_by_role("button", name=re.compile("Ban it")).click()
    expect(page.get_by_text("@loud.goat is banned.")).to_be_visible()
    refused = home.post(home.creators, {"tiktok_handle": "loud.goat"})
    assert code_of(refused) == (409, "creator_banned")

    row = page.get_by_role("row").filter(has_text="@loud.goat")
    row.get_by_role("button", name="Lift").click()
    page.get_by_role("dialog").get_by_role("button", name="Lift it").click()

    expect(page.get_by_text("@loud.goat may be tracked again.")).to_be_visible()
    assert home.add("loud.goat")


def test_a_click_is_traced_from_the_log(
    home: Tenant, page: Page, axe: Callable[[Page], None]
):
    page.goto("/system/bans")
    page.get_by_role("textbox", name="Handle").fill("traced.goat")
    page.get_by_role("button", name=re.compile("Ban it")).click()
    expect(page.get_by_text("@traced.goat is banned.")).to_be_visible()
    home.goatherd.catch_up()

    page.get_by_role("link", name="Log", exact=True).click()
    page.get_by_label("Type").select_option("handle_banned")
    page.get_by_label("By").fill(str(home.key_id))
    page.get_by_label("By").press("Enter")
    events = page.get_by_role("table").get_by_role("rowheader")
    expect(events).to_have_text(["handle_banned"])
    axe(page)
    events.get_by_role("link").click()

    trace = page.get_by_role("region", name="Trace")
    chosen = trace.locator("li[aria-current]")
    expect(chosen).to_contain_text("handle_banned")
    expect(chosen.get_by_role("link", name="Banned handles")).to_be_visible()
    axe(page)
    chosen.get_by_role("link", name="Its fields").click()
    field = page.get_by_role("row", name="handle text yes yes, sealed")
    expect(field).to_be_visible()
    axe(page)


def test_a_filter_of_the_log_that_cannot_be_read_is_refused_at_its_field(
    page: Page, watch: Watch, axe: Callable[[Page], None]
):
    watch.expects("status of 400")
    page.goto("/system/log")
    page.get_by_label("After").fill("soon")
    page.get_by_role("button", name="Apply").click()

    after = page.get_by_label("After")
    expect(after).to_have_value("soon")
    expect(after).to_have_accessible_description(re.compile("Must be a position"))
    axe(page)
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_role("table")).to_be_visible()
