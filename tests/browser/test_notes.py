"""Notes in a browser: marked, read by keyboard, and written without a script."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.layout import PHONE, check_layout
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import DAYS, a_watched_creator


def test_a_note_is_written_marked_and_read(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    goat = a_watched_creator(home)
    home.goatherd.catch_up()
    page.goto(f"/creators/{goat.id}?{DAYS}")

    page.get_by_text("Write a note").click()
    page.get_by_label("First day").fill("2026-03-03")
    page.get_by_label("Note", exact=True).fill("The sale began.")
    axe(page)
    page.get_by_role("button", name="Save note").click()

    chart = page.get_by_role("slider", name="New views by day")
    expect(page.locator("#happened li")).to_contain_text("The sale began.")
    page.locator(".plot").first.scroll_into_view_if_needed()
    chart.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("The sale began"))
    expect(page.locator("#chart-views .tip")).to_contain_text("The sale began.")


def test_notes_work_on_a_phone_without_a_script(home: Tenant, scriptless: Page):
    goat = a_watched_creator(home)
    home.goatherd.catch_up()
    page = scriptless
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto(f"/creators/{goat.id}?{DAYS}")

    page.get_by_text("Write a note").click()
    page.get_by_label("First day").fill("2026-03-03")
    page.get_by_label("Note", exact=True).fill("The sale began.")
    page.get_by_role("button", name="Save note").click()

    expect(page.locator("#chart-views .inline-svg path.note title")).to_have_text(
        "The sale began."
    )
    check_layout(page)
    page.get_by_role("link", name="Hide markers").click()
    expect(page.locator(".inline-svg path.note")).to_have_count(0)
    expect(page.locator("#happened li")).to_contain_text("The sale began.")
