"""Pages that are wide at a desk can be used on a phone all the same."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.layout import PHONE, check_words
from tests.kit.application import Tenant


@pytest.fixture
def busy(home: Tenant) -> dict[str, str]:
    """An organization whose tables are not empty."""
    creator_id = home.add("lost.goat")["id"]
    home.ask("PUT", "/admin/bans/spam.goat", json={"reason": "Sells goats"})
    home.with_key("read", "write", "admin")
    home.goatherd.catch_up()
    return {"creator_id": creator_id}


def test_what_was_understood_of_pasted_rows_fits(home: Tenant, page: Page):
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators/add")
    rows = "Handle\tTags\n@abcdefghijklmnopqrstuvwx\tspring, tier A\n@lou lou\t\n"
    page.get_by_label("Handles or profile URLs").fill(rows)

    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("is added", exact=True)).to_be_visible()
    check_words(page)


def test_what_can_be_done_with_a_row_is_in_sight(
    busy: dict[str, str], page: Page, subtests: pytest.Subtests
):
    assert busy
    page.set_viewport_size(ViewportSize(**PHONE))
    for page_of, act in (("settings/keys", "Revoke"), ("system/bans", "Lift")):
        with subtests.test(page_of):
            page.goto(f"/{page_of}")

            button = page.get_by_role("row").get_by_role("button", name=act).first

            box = button.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]


def test_the_current_tab_is_in_sight_and_the_page_at_its_top(
    busy: dict[str, str], page: Page
):
    page.set_viewport_size(ViewportSize(**PHONE))

    page.goto(f"/creators/{busy['creator_id']}/settings")

    tab = page.get_by_role("navigation", name="Creator").get_by_text("Settings")
    expect(tab).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


def test_the_bar_at_the_bottom_leads_everywhere(page: Page):
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators")

    bar = page.get_by_role("navigation", name="Phone")
    names = ("Home", "Creators", "Videos", "Inbox")
    for name in names:
        link = bar.get_by_role("link", name=name)
        expect(link).to_be_in_viewport(ratio=1)
    expect(bar.get_by_role("link", name="Creators")).to_have_attribute(
        "aria-current", "page"
    )
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()

    bar.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Campaigns").click()

    expect(page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()


def test_fifty_creators_are_short_and_sorted_by_a_choice(home: Tenant, page: Page):
    for number in range(50):
        home.add(f"goat.number.{number:02}")
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators")
    expect(page.locator("#rows > tr")).to_have_count(50)

    height, width = page.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    assert height < 6_000
    assert width <= PHONE["width"]

    page.get_by_label("Sort by").select_option("Creator")

    expect(page.locator("#rows > tr").first).to_contain_text("goat.number.00")
    expect(page.get_by_label("Sort by")).to_have_value("tiktok_handle")
