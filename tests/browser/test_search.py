"""The search over a page in a browser: it opens and closes with one key."""

from playwright.sync_api import Page, expect

from tests.browser.watching import Watch
from tests.kit.application import Tenant


def test_one_escape_closes_the_search_and_keeps_its_text(
    page: Page, home: Tenant, watch: Watch
):
    # Text replaces the search of the empty field, which may still be on its way.
    watch.expects("htmx:(sendAbort|afterRequest)")
    home.add("goat")
    home.goatherd.catch_up()
    page.goto("/creators")
    finder, field = page.locator("#finder"), page.get_by_label("Find anything")

    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(finder).to_be_hidden()
    page.keyboard.press("Control+k")
    field.press_sequentially("goat")
    expect(page.locator("#finder-found")).to_contain_text("@goat")
    page.keyboard.press("Escape")
    expect(finder).to_be_hidden()

    page.keyboard.press("/")
    expect(field).to_have_value("goat")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(finder).to_be_hidden()
