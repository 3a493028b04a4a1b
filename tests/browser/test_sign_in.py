"""The way in and out, as people take it with a browser."""

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import BrowserContext, Page, expect

from api.web.sign_in.links import make_link
from infra.embedded.processes import wait_until
from tests.browser.watching import Watch
from tests.kit.application import Tenant
from tests.kit.patience import PATIENTLY


def sign_in_by_form(page: Page, key: str) -> None:
    # With people, the form for keys is folded below that for passwords.
    folded = page.locator("summary", has_text="API key")
    if folded.count() and not page.get_by_label("API key").is_visible():
        folded.click()
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").last.click()


def link_for(tenant: Tenant) -> str:
    # The first page is not found before the read models know the organization.
    tenant.goatherd.catch_up()
    with tenant.goatherd.store.pool.connection() as connection:
        return make_link(connection, tenant.key)


def is_shown_out(page: Page) -> bool:
    page.goto("/creators")
    return page.get_by_label("API key").count() == 1


def is_at_home(page: Page) -> None:
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Home")
    expect(link).to_have_attribute("aria-current", "page")


def test_a_key_leads_home(
    strangers_page: Page, home: Tenant, axe: Callable[[Page], None]
):
    home.add("goat")
    home.goatherd.catch_up()
    strangers_page.goto("/")
    axe(strangers_page)

    sign_in_by_form(strangers_page, home.key)

    expect(strangers_page).to_have_url(re.compile(r"\d/$"))
    is_at_home(strangers_page)
    expect(strangers_page.get_by_text("@goat").first).to_be_visible()


def test_a_wrong_key_is_told_at_its_field_and_opens_nothing(
    strangers_page: Page, watch: Watch, axe: Callable[[Page], None]
):
    watch.expects(r"status of 401")
    strangers_page.goto("/")

    sign_in_by_form(strangers_page, "tga_" + "0" * 64)

    expect(strangers_page.get_by_role("alert")).to_contain_text("is not valid here")
    expect(strangers_page.get_by_label("API key")).to_have_attribute(
        "aria-invalid", "true"
    )
    axe(strangers_page)
    strangers_page.goto("/creators")
    expect(strangers_page.get_by_label("API key")).to_have_count(1)


def test_signing_out_ends_the_session_in_this_browser(page: Page):
    page.goto("/creators")

    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_label("API key")).to_have_count(1)
    page.goto("/creators")
    expect(page).to_have_url(re.compile(r"/\?next="))


def test_a_link_signs_in_once(
    strangers_page: Page, context: BrowserContext, watch: Watch, home: Tenant
):
    link = link_for(home.with_key("read"))
    strangers_page.goto(link)
    is_at_home(strangers_page)
    context.clear_cookies()
    watch.expects(r"status of 401")

    strangers_page.goto(link)

    expect(strangers_page.get_by_role("alert")).to_contain_text("has been used")
    # Its address is in neither the bar nor the history.
    expect(strangers_page).to_have_url(re.compile(r"\d/$"))


def test_the_first_link_leads_to_the_question_of_the_first_start(
    strangers_page: Page, home: Tenant, axe: Callable[[Page], None], watch: Watch
):
    watch.expects(r"status of 400")
    home.goatherd.query(
        "INSERT INTO first_start_questions VALUES (%s)", home.organization_id
    )
    page = strangers_page
    page.goto(link_for(home))
    own = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(page.get_by_label("Time zone")).to_have_value(own)
    axe(page)

    own_name = uuid4().hex
    page.get_by_label("Your name").fill("Ada Alm")
    page.get_by_label("Email").fill(f"{own_name}@example.com")
    page.get_by_label("Password").fill(f"{own_name} on a hill")
    page.get_by_label("Time zone").fill("Europe/Vienna")
    page.get_by_label("First project").fill("Spring")
    page.get_by_label("Your organization").fill("Goats & Kids")
    page.get_by_role("button", name="Save and begin").click()
    expect(page.get_by_label("Password")).to_be_focused()
    page.get_by_label("Password").fill("seven goats on a hill")
    page.get_by_role("button", name="Save and begin").click()

    is_at_home(page)
    expect(page.get_by_role("button", name="Account")).to_contain_text("Ada Alm")


def test_later_leads_home_without_an_answer(strangers_page: Page, home: Tenant):
    home.goatherd.query(
        "INSERT INTO first_start_questions VALUES (%s)", home.organization_id
    )
    strangers_page.goto(link_for(home))

    # The browser does not demand the fields that are required.
    strangers_page.get_by_role("button", name="Later").click()

    is_at_home(strangers_page)
    expect(strangers_page.get_by_role("link", name="Make your account")).to_be_visible()


def test_signing_in_leads_to_the_page_that_was_asked_for(
    strangers_page: Page, watch: Watch, home: Tenant
):
    # Which it may not be: what counts is that people get there.
    watch.expects(r"status of 400")
    address = "/creators?search=goats%20%26%20kids"
    strangers_page.goto(address)
    expect(strangers_page).to_have_url(re.compile(r"/\?next="))

    sign_in_by_form(strangers_page, home.key)

    expect(strangers_page).to_have_url(re.compile(re.escape(address) + "$"))


def test_a_key_that_may_not_read_is_told_so(
    home: Tenant,
    sign_in: Callable[[Tenant], Page],
    watch: Watch,
    axe: Callable[[Page], None],
):
    watch.expects(r"status of 403")
    page = sign_in(home.with_key("write"))

    page.goto("/creators")

    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Your key may not do this: it needs the scope read and has write."
    )
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    axe(page)


def test_revoking_the_key_ends_its_sessions(home: Tenant, page: Page):
    page.goto("/creators")
    expect(page.get_by_role("heading", level=1)).to_have_text("Creators")
    admin = home.with_key("admin")

    revoked = admin.delete(f"/api-keys/{home.key_id}")

    assert revoked.status_code == 200, revoked.text
    # A server remembers for half a second that a key is good.
    assert wait_until(lambda: is_shown_out(page), seconds=PATIENTLY)
