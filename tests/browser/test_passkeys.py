"""Passkeys with a device that Chromium pretends to have, through the real pages."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.served import Served
from tests.browser.test_sign_in import link_for
from tests.kit.application import Tenant
from tests.kit.people import PASSWORD, Person, owner_of


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


@pytest.fixture
def laptop(browser: Browser, running_goatherd: Served) -> Iterator[Page]:
    """A page at an address with a name, since browsers keep passkeys for names."""
    address = running_goatherd.address.replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def device(laptop: Page) -> CDPSession:
    """The laptop's own authenticator, which its user touches at once."""
    session = laptop.context.new_cdp_session(laptop)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session


def sign_in(page: Page, person: Person) -> None:
    page.goto("/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Account")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()


def test_a_passkey_is_made_used_and_removed(
    laptop: Page, device: CDPSession, ada: Person, axe: Callable[[Page], None]
):
    assert device
    sign_in(laptop, ada)
    laptop.goto("/you/passkeys")
    laptop.get_by_label("Name").fill("Laptop")
    axe(laptop)
    laptop.get_by_role("button", name="Add a passkey").click()
    table = laptop.get_by_role("table")
    expect(table).to_contain_text("Laptop")
    expect(table).to_contain_text("never")
    axe(laptop)

    # The device knows that it has one.
    laptop.get_by_role("button", name="Add a passkey").click()
    expect(laptop.get_by_text("has a passkey for your account")).to_be_visible()

    # The field for the email offers it, and this user takes every offer.
    sign_out(laptop)
    expect(laptop.get_by_role("button", name="Account")).to_contain_text("Ada Alm")
    laptop.goto("/you/passkeys")
    expect(laptop.get_by_role("table")).not_to_contain_text("never")


def test_a_button_uses_a_passkey_and_a_removed_one_is_refused(
    laptop: Page, device: CDPSession, ada: Person, axe: Callable[[Page], None]
):
    assert device
    # Not every browser offers passkeys in fields.
    laptop.add_init_script(
        "window.PublicKeyCredential.isConditionalMediationAvailable = undefined"
    )
    sign_in(laptop, ada)
    laptop.goto("/you/passkeys")
    laptop.get_by_role("button", name="Add a passkey").click()
    expect(laptop.get_by_role("table")).to_be_visible()
    sign_out(laptop)
    expect(laptop.get_by_label("Email")).to_be_visible()
    axe(laptop)

    laptop.get_by_role("button", name="Sign in with a passkey").click()
    expect(laptop.get_by_role("button", name="Account")).to_contain_text("Ada Alm")

    laptop.goto("/you/passkeys")
    laptop.get_by_role("button", name="Remove").first.click()
    laptop.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(laptop.get_by_role("table")).to_have_count(0)
    sign_out(laptop)
    laptop.get_by_role("button", name="Sign in with a passkey").click()
    expect(laptop.get_by_role("alert").first).to_contain_text("not known here")


def test_the_first_owner_makes_a_passkey_instead_of_a_password(
    laptop: Page, device: CDPSession, home: Tenant, axe: Callable[[Page], None]
):
    assert device
    home.goatherd.query(
        "INSERT INTO first_start_questions VALUES (%s)", home.organization_id
    )
    laptop.goto(link_for(home))
    passkey = laptop.get_by_role("button", name="Use a passkey instead")
    laptop.get_by_label("Time zone").fill("Europe/Vienna")
    laptop.get_by_label("First project").fill("Spring")
    laptop.get_by_label("Your organization").fill("Goats & Kids")
    axe(laptop)
    passkey.click()
    # The device shows the name and the address, so these come first.
    expect(laptop.locator("#f-name:invalid")).to_be_visible()
    laptop.get_by_label("Your name").fill("Ada Alm")
    laptop.get_by_label("Email").fill(f"{uuid4().hex}@example.com")
    passkey.click()

    expect(laptop.get_by_role("button", name="Account")).to_contain_text("Ada Alm")
    laptop.goto("/you/passkeys")
    expect(laptop.get_by_role("table")).to_contain_text("never")
