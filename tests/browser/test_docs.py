"""The documents of the API in a browser: in the dark, and on a phone."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import SCHEMES, Scheme, check_with_axe
from tests.browser.layout import PHONE, WIDE, check_layout

_GROUND = "getComputedStyle(document.body).backgroundColor"
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 20, 26)"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_of_errors_is_read_on_a_phone_and_in_the_dark(
    strangers_page: Page, scheme: Scheme
):
    page = strangers_page
    page.emulate_media(color_scheme=scheme)

    page.goto("/docs/errors#invalid_query")

    for size in (WIDE, PHONE):
        page.set_viewport_size(ViewportSize(**size))
        check_layout(page)
    assert page.evaluate(_GROUND) == GROUNDS[scheme]
    check_with_axe(page, (scheme,))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_explorer_follows_the_scheme(strangers_page: Page, scheme: Scheme):
    page = strangers_page
    page.emulate_media(color_scheme=scheme)

    page.goto("/docs")

    expect(page.get_by_role("heading", name="Goatherd").first).to_be_visible()
    assert page.evaluate("document.documentElement.className") == (
        "dark-mode" if scheme == "dark" else ""
    )
    assert page.evaluate(_GROUND) == GROUNDS[scheme]
