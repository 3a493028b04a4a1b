"""The search over a page in a browser: it opens and closes with one key."""

from playwright.sync_api import Page, Route, expect

from tests.kit.application import Tenant


def test_one_escape_closes_the_search_and_keeps_its_text(page: Page, home: Tenant):
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


def test_a_search_that_a_newer_one_replaces_is_no_error(page: Page, home: Tenant):
    home.add("goat")
    home.goatherd.catch_up()
    page.goto("/creators")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/search?q=g", hold)
    field = page.get_by_label("Find anything")

    page.keyboard.press("/")
    with page.expect_request("**/search?q=g"):
        field.press_sequentially("g")
    field.press_sequentially("oat")

    expect(page.locator("#finder-found")).to_contain_text("@goat")
    assert len(held) == 1
