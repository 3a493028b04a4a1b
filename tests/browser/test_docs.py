"""The documents of the API in a browser: in the dark, and on a phone."""

from itertools import islice

from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.browser.axe import SCHEMES, check_with_axe
from tests.browser.layout import PHONE, WIDE, check_layout
from tests.kit.depth import IS_FULL
from tests.kit.patience import PATIENTLY

_GROUND = "getComputedStyle(document.body).backgroundColor"
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 20, 26)"}


def _shorten(route: Route) -> None:
    answer = route.fetch()
    document = answer.json()
    some = dict(islice(document["paths"].items(), 10))
    route.fulfill(response=answer, json=document | {"paths": some})


def test_the_page_of_errors_is_read_on_a_phone_and_in_the_dark(strangers_page: Page):
    page = strangers_page
    page.goto("/docs/errors#invalid_query")

    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(_GROUND) == GROUNDS[scheme]
    for size in (WIDE, PHONE):
        page.set_viewport_size(ViewportSize(**size))
        check_layout(page)
    check_with_axe(page)


def test_the_explorer_follows_the_scheme(strangers_page: Page):
    page = strangers_page
    if not IS_FULL:
        # The explorer draws hundreds of operations, which takes a busy machine long.
        page.route("**/openapi.json", _shorten)
    page.emulate_media(color_scheme="dark")

    page.goto("/docs")

    expect(page.get_by_role("heading", name="Goatherd").first).to_be_visible(
        timeout=1_000 * PATIENTLY
    )
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_class(
            "dark-mode" if scheme == "dark" else ""
        )
        assert page.evaluate(_GROUND) == GROUNDS[scheme]
