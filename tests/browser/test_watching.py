"""The base of other tests: an error in a browser is always noticed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

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
