"""The base of other tests: an error in a browser is always noticed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize

from tests.browser.axe import check_at, check_with_axe
from tests.browser.layout import PHONE, WIDE, check_layout
from tests.browser.watching import Watch

_MOST_LOOKS = 100

MISDEEDS = {
    "console: all is lost": "console.error('all is lost')",
    "exception: nobody caught": "setTimeout(() => { throw Error('nobody caught') })",
    "dialog: alert 49": "alert(7 * 7)",
    "inline event handler violates the following Content Security Policy": (
        "document.body.insertAdjacentHTML('beforeend', '<img src=/x onerror=alert(1)>')"
    ),
    "inline style violates the following Content Security Policy": (
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">')"
    ),
    "request to elsewhere: GET http://127.0.0.2:9/": (
        "location.href = 'http://127.0.0.2:9/'"
    ),
    "failed request: GET http://127.0.0.1": "fetch('/lost').catch(() => 0)",
}


@pytest.mark.parametrize("message", MISDEEDS)
def test_what_a_page_must_not_do_is_noticed(
    page: Page, context: BrowserContext, watch: Watch, message: str
):
    page.route("**/lost", lambda route: route.abort("connectionreset"))
    page.route("http://127.0.0.2:9/", lambda route: route.fulfill(body="Hello"))
    page.goto("/creators")
    assert watch.complaints == []

    page.evaluate(f"() => {{ {MISDEEDS[message]} }}")

    # The result of a request arrives later than the page's own events.
    for _ in range(_MOST_LOOKS):
        watch.settle(context)
        if message in "\n".join(watch.complaints):
            break
    assert message in "\n".join(watch.complaints)
    watch.expects("")
    assert watch.complaints == []


@pytest.mark.xfail(raises=AssertionError, reason="which is what it shows")
def test_a_test_fails_at_its_end_if_something_went_wrong(page: Page):
    page.goto("/creators")

    page.evaluate("alert('Hello')")


def test_only_a_dialog_that_was_expected_is_accepted(page: Page, watch: Watch):
    page.goto("/creators")
    watch.expects("^dialog: confirm Sure")

    assert page.evaluate("confirm('Sure?')") is True
    assert page.evaluate("confirm('Really?')") is False

    assert watch.complaints == ["dialog: confirm Really?"]
    watch.expects("Really")


def test_axe_finds_what_only_one_scheme_has(page: Page, axe: Callable[[Page], None]):
    page.goto("/creators")
    page.evaluate("document.querySelector('h1').style.color = 'light-dark(#eee, #eee)'")

    with pytest.raises(AssertionError, match=r"light: color-contrast at h1") as raised:
        axe(page)

    assert "dark: " not in str(raised.value)


# Each of them is at fault in one scheme or at one size only, except for the field.
_FAULTY = """
() => {
  const style = new CSSStyleSheet();
  style.replaceSync(`
    .pale { color: light-dark(#eee, #eee); }
    .dim { color: light-dark(#222, #222); }
    .tiny { padding: 0; border: 0; margin: 0; }
    @media (width < 1000px) {
      .faulty-at-desk, .text-at-desk span { display: none; }
      .tiny { width: 10px; height: 10px; min-width: 0; min-height: 0; font-size: 4px; }
      .pale-on-phone { color: #eee; }
    }
    @media (width > 1000px) {
      .faulty-on-phone, .text-on-phone span { display: none; }
      .tiny { width: 40px; height: 40px; }
    }
  `);
  document.adoptedStyleSheets.push(style);
  document.querySelector("main").insertAdjacentHTML("beforeend", `
    <p class="pale">Pale</p><p class="dim">Dim</p><input class="nameless">
    <p class="pale-on-phone">Pale on a phone</p>
    <button class="tiny one">a</button><button class="tiny two">b</button>
    <button class="text-at-desk"><span>Text</span></button>
    <button class="text-on-phone"><span>Text</span></button>
    <p class="faulty-on-phone" aria-none="1">Phone</p>
    <p class="faulty-at-desk" aria-none="1">Desk</p>
  `);
}
"""
_FOUND = (
    (
        "light: color-contrast at .pale:",
        "light: color-contrast at .pale-on-phone:",
        "light: label at .nameless:",
        "light: target-size at .one:",
        "light: button-name at .text-at-desk:",
        "light: aria-valid-attr at .faulty-on-phone:",
    ),
    (
        "light: color-contrast at .pale:",
        "dark: color-contrast at .dim:",
        "light: label at .nameless:",
        "light: button-name at .text-on-phone:",
        "light: aria-valid-attr at .faulty-at-desk:",
    ),
)


def test_what_is_at_fault_at_one_size_or_in_one_scheme_is_found_there(page: Page):
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators")
    for size in (PHONE, WIDE):
        check_at(page, size)
    # Each text of the page is known now.
    page.reload()
    page.evaluate(_FAULTY)

    for size, expected in zip((PHONE, WIDE), _FOUND, strict=True):
        with pytest.raises(AssertionError) as raised:
            check_at(page, size)
        lines = str(raised.value)
        for line in {line for lines in _FOUND for line in lines}:
            assert (line in lines) == (line in expected), line

    # Nothing of it is known the next time.
    with pytest.raises(AssertionError, match=r"color-contrast at \.pale:"):
        check_with_axe(page)


def test_a_page_that_is_too_wide_on_a_phone_only_is_found_there(page: Page):
    page.goto("/creators")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', "
        "'<svg width=500 height=5></svg>')"
    )

    check_layout(page)
    page.set_viewport_size(ViewportSize(**PHONE))
    with pytest.raises(AssertionError, match=r"at 375 px:\nthe page is 5\d\d wide"):
        check_layout(page)
