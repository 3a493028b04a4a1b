"""Text that was typed while a session ended, as a browser keeps and sends it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from api.http.access.sessions import COOKIE
from infra.embedded.processes import wait_until
from tests.browser.served import Served
from tests.kit.application import Tenant, data_of
from tests.kit.patience import PATIENTLY

TYPED = "\n# Mine\n\n</textarea><script>alert(1)</script> \N{GOAT}\n"


@pytest.fixture
def scriptless(browser: Browser, running_goatherd: Served) -> Iterator[BrowserContext]:
    """A browser that runs no scripts of pages."""
    made = browser.new_context(
        base_url=running_goatherd.address, java_script_enabled=False
    )
    made.set_default_timeout(15_000)
    yield made
    made.close()


def sign_in_anew(context: BrowserContext, served: Served, tenant: Tenant) -> None:
    """Set the cookie of a new session, as another tab of the browser would."""
    cookie = served.session_of(tenant)
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": served.address}])


@pytest.mark.parametrize("is_over", (True, False), ids=("over", "begun anew"))
def test_notes_that_were_typed_while_the_session_ended_are_sent_by_a_button(
    scriptless: BrowserContext,
    running_goatherd: Served,
    home: Tenant,
    is_over: bool,  # noqa: FBT001
):
    creator: dict[str, Any] = home.add("goat")
    home.goatherd.catch_up()
    sign_in_anew(scriptless, running_goatherd, home)
    page = scriptless.new_page()
    page.goto(f"/creators/{creator['id']}/notes?edit=readme")
    page.get_by_role("textbox", name="Notes").fill(TYPED)
    scriptless.clear_cookies()
    if not is_over:
        sign_in_anew(scriptless, running_goatherd, home)
    again = page.get_by_role("button", name="Send it again")

    page.get_by_role("button", name="Save").click()

    heading = page.get_by_role("heading", level=1)
    if is_over:
        expect(heading).to_have_text("Your session is over, so this was not stored.")
        expect(page.get_by_role("textbox", name="Text")).to_have_value(TYPED)
        sign_in_anew(scriptless, running_goatherd, home)
        again.click()
    expect(heading).to_contain_text("does not belong to your session any more")
    expect(page.get_by_role("textbox", name="Text")).to_have_value(TYPED)
    again.click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    def is_stored() -> bool:
        home.goatherd.catch_up()
        return data_of(home.get(f"/creators/{creator['id']}"))["readme"] == TYPED

    assert wait_until(is_stored, seconds=PATIENTLY)
