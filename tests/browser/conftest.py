"""A running Goatherd and a browser that looks at it, closely.

``page`` is a page of somebody who has signed in to ``home``, an organization of the
test's own. An error in the browser fails the test at its end, unless the
test said ``watch.expects(...)``.
"""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    expect,
    sync_playwright,
)

from api.http.access.sessions import COOKIE
from tests.browser.axe import check_with_axe
from tests.browser.chromium import (
    ARGUMENTS,
    NO_BROWSER,
    NoBrowserError,
    find_browser,
)
from tests.browser.furnished import furnish
from tests.browser.served import Served, served
from tests.browser.watching import Watch
from tests.kit.application import Tenant, data_of
from tests.kit.databases import new_database

# Long enough for two cores that others use, too.
_PATIENTLY_MS = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [i for i in items if i.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    funcargs: dict[str, Any] = getattr(item, "funcargs", {})
    watch, context = funcargs.get("watch"), funcargs.get("context")
    try:
        outcome = yield
    except BaseException:
        if watch is not None:
            item.add_report_section("call", "browser", "\n".join(watch.complaints))
        if (running := funcargs.get("running_goatherd")) is not None:
            item.add_report_section("call", "server", running.account())
        raise
    if watch is not None:
        watch.settle(context)
        assert not watch.complaints, "\n".join(watch.complaints)
    return outcome


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The program to drive; without one tests are skipped, or fail if they must run."""
    try:
        found = find_browser()
    except NoBrowserError as error:
        pytest.fail(str(error), pytrace=False)
    if found is None:
        pytest.skip(NO_BROWSER)
    return found


# Not for the session: while it is there no other test could call asyncio.run.
@pytest.fixture(scope="package")
def browser(browser_path: str) -> Iterator[Browser]:
    """A browser, one for the tests of this folder; each has a context of its own."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=browser_path, args=list(ARGUMENTS)
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def running_goatherd(
    browser_path: str,
    postgres_url: str,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The real processes; tests share them, as tenants of them."""
    assert browser_path
    folder = tmp_path_factory.mktemp("served")
    with (
        new_database(postgres_url, template=template_database) as url,
        served(url, folder) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def furnished(running_goatherd: Served) -> tuple[Tenant, dict[str, str]]:
    """An organization that tests look at and none changes, with ids of its things."""
    tenant = running_goatherd.tenant(is_operator=True)
    ids = furnish(tenant)
    requested = tenant.post(f"/creators/{ids['creator_id']}/scrape")
    tenant.failed(data_of(requested, status=202)["scrape_id"])
    banned = tenant.ask("PUT", "/admin/bans/spam.goat", json={"reason": "Sells goats"})
    assert banned.is_success, banned.text
    tenant.goatherd.catch_up()
    return tenant, ids


@pytest.fixture
def home(running_goatherd: Served) -> Tenant:
    """An organization of the test's own, which runs the installation."""
    return running_goatherd.tenant(is_operator=True)


@pytest.fixture
def context(browser: Browser, running_goatherd: Served) -> Iterator[BrowserContext]:
    """A browser without cookies; addresses in it are relative to Goatherd's."""
    made = browser.new_context(
        base_url=running_goatherd.address,
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 800},
    )
    made.set_default_timeout(_PATIENTLY_MS)
    expect.set_options(timeout=_PATIENTLY_MS)
    yield made
    made.close()


@pytest.fixture
def watch(context: BrowserContext, running_goatherd: Served) -> Watch:
    """The watch that makes the test fail if something goes wrong in the browser."""
    return Watch.over(context, origin=running_goatherd.address)


@pytest.fixture
def sign_in(
    context: BrowserContext, watch: Watch, running_goatherd: Served
) -> Callable[[Tenant], Page]:
    """Opens a page of somebody who signed in with a tenant's key."""
    assert watch

    def open_page(tenant: Tenant) -> Page:
        value = running_goatherd.session_of(tenant)
        context.add_cookies(
            [{"name": COOKIE, "value": value, "url": running_goatherd.address}]
        )
        return context.new_page()

    return open_page


@pytest.fixture
def page(home: Tenant, sign_in: Callable[[Tenant], Page]) -> Page:
    """A page, not yet at any address, of somebody who signed in at home."""
    return sign_in(home)


@pytest.fixture
def strangers_page(context: BrowserContext, watch: Watch) -> Page:
    """A page of somebody who did not sign in."""
    assert watch
    return context.new_page()


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Asserts that axe finds nothing on a page, in light and in dark."""
    return check_with_axe


@pytest.fixture
def scriptless(
    browser: Browser, running_goatherd: Served, home: Tenant
) -> Iterator[Page]:
    """A page of somebody who signed in at home and lets no script run."""
    context = browser.new_context(
        base_url=running_goatherd.address, java_script_enabled=False
    )
    cookie = running_goatherd.session_of(home)
    context.add_cookies(
        [{"name": COOKIE, "value": cookie, "url": running_goatherd.address}]
    )
    yield context.new_page()
    context.close()
