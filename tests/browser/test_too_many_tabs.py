"""Pages of a session that has the most streams already work without one."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import httpx
from playwright.sync_api import Page, expect

from api.http.access.sessions import COOKIE
from api.web.kit.cell_stream import MOST_OF_SESSION
from tests.browser.served import Served
from tests.kit.application import Tenant
from tests.kit.patience import PATIENTLY

# A browser comes back 3 s after a stream that broke.
LONGER_THAN_A_RETRY_MS = 4_000


@contextmanager
def other_tabs(page: Page, served: Served) -> Generator[None]:
    """The streams of other tabs of the same session, the most that there may be."""
    values = {c.get("name"): c.get("value") for c in page.context.cookies()}
    headers = {"Cookie": f"{COOKIE}={values[COOKIE]}"}
    url = f"{served.address}/system/read-models/stream"
    with ExitStack() as stack:
        for _ in range(MOST_OF_SESSION):
            answer = stack.enter_context(
                httpx.stream("GET", url, headers=headers, timeout=PATIENTLY)
            )
            assert answer.status_code == 200
        yield


def test_a_page_says_quietly_that_it_is_not_live_and_does_not_try_on(
    home: Tenant, page: Page, running_goatherd: Served
):
    home.add("ada")
    home.goatherd.catch_up()
    streams: list[str] = []
    page.on("request", lambda r: streams.append(r.url) if "/stream" in r.url else None)
    with other_tabs(page, running_goatherd):
        page.goto("/system/read-models")
        expect(
            page.get_by_text("Not live: this is the state at loading")
        ).to_be_visible()
        expect(page.get_by_role("link", name="Reload")).to_be_visible()
        expect(page.locator("#well.unknown")).to_have_count(0)
        page.wait_for_timeout(LONGER_THAN_A_RETRY_MS)
        assert len(streams) == 1

        page.goto("/creators")
        says = page.locator("[data-stream-says]")
        expect(says).to_contain_text("Not live")
        page.wait_for_timeout(LONGER_THAN_A_RETRY_MS)
        assert len(streams) == 2

    # Tabs were closed; this one is looked at again, and again.
    page.evaluate("setInterval(() => dispatchEvent(new Event('pageshow')), 300)")
    expect(says).to_have_text("Live.")
