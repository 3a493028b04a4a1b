"""The change log in a browser: filters, more of it, the slider, and two moments."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.watching import Watch
from tests.kit.application import Tenant, data_of


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    """A creator that was added, seen often, and changed twice."""
    creator = home.add("ada", readme="One.\nTwo.\nThree.")
    for followers in range(60):
        home.saw(creator["id"], follower_count=900 + followers * 10)
    path = f"/creators/{creator['id']}"
    data_of(home.patch(path, {"tiktok_handle": "ada.l"}))
    data_of(home.patch(path, {"readme": "One.\nTwo and a half.\nThree."}))
    home.goatherd.catch_up()
    return creator


def test_the_log_is_filtered_and_goes_on_without_a_new_page(
    page: Page, creator: dict[str, Any], axe: Callable[[Page], None]
):
    page.goto(f"/creators/{creator['id']}/changes")
    page.get_by_role("link", name="Show them, too").click()
    expect(page.get_by_label("Kind of event")).to_have_value("everything")
    shown = page.locator(".entry").count()
    page.evaluate("window.isTheSame = true")

    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".day")).to_have_count(2)
    assert page.locator(".entry").count() > shown
    expect(page.locator(".day").nth(1)).to_be_focused()
    page.get_by_label("Kind of event").select_option(label="All about the creator")

    expect(page.locator(".entry")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"kind=creator"))
    assert page.evaluate("window.isTheSame")
    axe(page)


def test_days_in_the_wrong_order_are_told_until_they_are_put_right(
    page: Page, creator: dict[str, Any], watch: Watch
):
    watch.expects("status of 400|Response Status Error Code 400")
    notices = page.locator("#flashes")
    page.goto(f"/creators/{creator['id']}/changes?to=2026-03-01")

    page.get_by_label("Recorded from").fill("2026-03-02")
    page.get_by_label("Recorded from").blur()
    expect(notices).to_have_text("Recorded from: the first day lies after the last.")
    page.get_by_label("Recorded until").fill("2099-03-01")
    page.get_by_label("Recorded until").blur()

    expect(page).to_have_url(re.compile("to=2099-03-01"))
    expect(notices).to_be_empty()


def test_the_slider_shows_the_creator_as_it_was_and_can_be_shared(
    page: Page, creator: dict[str, Any], axe: Callable[[Page], None]
):
    page.goto(f"/creators/{creator['id']}/changes/as-of")
    slider = page.get_by_label("Go through the changes of this creator")
    handle = page.get_by_role("row", name=re.compile("^Handle"))
    slider.focus()

    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Added as @ada,"))
    expect(handle.get_by_role("cell")).to_have_text(["ada", "ada.l"])
    expect(slider).to_be_focused()
    axe(page)
    page.reload()
    expect(handle.get_by_role("cell")).to_have_text(["ada", "ada.l"])
    expect(slider).to_have_value("0")
    slider.focus()
    page.keyboard.press("ArrowRight")

    expect(handle.get_by_role("cell")).to_have_text(["ada.l", "the same"])
    expect(page).to_have_url(re.compile(r"as_of=\d+$"))


def test_what_a_change_did_is_shown_line_by_line(
    page: Page, creator: dict[str, Any], axe: Callable[[Page], None]
):
    page.goto(f"/creators/{creator['id']}/changes?kind=creator")
    page.get_by_role("link", name="changed fields").first.click()
    page.get_by_text("Notes, line by line").click()

    expect(page.locator("del")).to_have_text("Removed: Two.")
    expect(page.locator("ins")).to_have_text("Added: Two and a half.")
    axe(page)
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_the_past_is_there_without_javascript(
    page: Page, browser: Browser, context: BrowserContext, creator: dict[str, Any]
):
    page.goto(f"/creators/{creator['id']}/changes/as-of")
    state = context.storage_state()
    plain = browser.new_context(java_script_enabled=False, storage_state=state)
    bare = plain.new_page()

    bare.goto(page.url)
    expect(bare.get_by_label("Go through the changes")).to_be_hidden()
    bare.get_by_text("The last 3 changes").click()
    bare.get_by_role("link", name=re.compile("Added as @ada,")).click()

    expect(bare.get_by_role("cell", name="ada", exact=True)).to_be_visible()
    plain.close()
