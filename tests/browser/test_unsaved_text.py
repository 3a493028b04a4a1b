"""Text that is not saved is not left behind without a question."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra.embedded.processes import wait_until
from tests.browser.watching import Watch
from tests.kit.application import Tenant, data_of
from tests.kit.patience import PATIENTLY

# Pages with forms that are not left behind.
GUARDED = (
    "/creators/add",
    "/creators/import",
    "/creators/{id}/settings",
    "/creators/{id}/notes?edit=metadata",
    "/creators/{id}/videos",
    "/settings/organization",
    "/projects",
    "/settings/keys",
    "/system/bans",
)

# The question of a browser to a page before it goes; true if the page lets it.
_MAY_GO = "window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    creator = home.add("goat", readme="Two posts a month.")
    home.goatherd.catch_up()
    return creator


@pytest.fixture
def notes(page: Page, creator: dict[str, Any]) -> Page:
    """The page on which the notes are edited."""
    page.goto(f"/creators/{creator['id']}/notes?edit=readme")
    return page


def has_received(page: Page, watch: Watch) -> bool:
    """True if the browser asked; a page that should not go has stayed."""

    def has_come() -> bool:
        page.wait_for_timeout(20)
        return watch.complaints == ["dialog: beforeunload "]

    return wait_until(has_come, seconds=PATIENTLY)


def test_whoever_opens_a_second_card_is_asked_and_keeps_the_first(
    notes: Page, watch: Watch
):
    box = notes.get_by_role("textbox", name="Notes")
    box.fill("Mine.")

    notes.get_by_role("link", name="Edit description").click()

    assert has_received(notes, watch)
    expect(box).to_have_value("Mine.")
    watch.expects("^dialog: beforeunload")
    notes.get_by_role("link", name="Edit description").click()
    expect(notes.get_by_role("textbox", name="Description")).to_be_visible()


def test_whoever_saves_or_has_changed_nothing_is_not_asked(
    notes: Page, home: Tenant, creator: dict[str, Any]
):
    box = notes.get_by_role("textbox", name="Notes")
    box.fill("Mine.")
    assert not notes.evaluate(_MAY_GO)
    box.fill("Two posts a month.")
    assert notes.evaluate(_MAY_GO)
    box.fill("Mine.")

    # A question would be a dialog that nobody expects.
    notes.get_by_role("button", name="Save").click()

    expect(notes.get_by_text("Saved.")).to_be_visible()
    notes.get_by_role("link", name="Creators", exact=True).first.click()
    expect(notes.get_by_role("heading", level=1)).to_have_text("Creators")
    home.goatherd.catch_up()
    assert data_of(home.get(f"/creators/{creator['id']}"))["readme"] == "Mine."


def test_a_preview_is_not_saved_yet(notes: Page):
    notes.get_by_role("textbox", name="Notes").fill("Mine.")
    notes.get_by_role("button", name="Preview").click()
    expect(notes.get_by_role("region", name="Preview")).to_be_visible()

    assert not notes.evaluate(_MAY_GO)


def test_whoever_stays_can_send_the_other_form_after_all(
    page: Page, creator: dict[str, Any], watch: Watch
):
    page.goto(f"/creators/{creator['id']}/settings")
    page.get_by_label("Display name").fill("Our Goat")
    page.get_by_role("textbox", name="Handle").fill("kid")
    page.get_by_role("button", name="Rename").click()
    assert has_received(page, watch)
    watch.expects("^dialog: beforeunload")
    expect(page.get_by_label("Display name")).to_have_value("Our Goat")

    page.get_by_role("button", name="Rename").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("@kid")


def test_a_page_that_nobody_touched_is_left_without_a_question(
    page: Page, home: Tenant, creator: dict[str, Any], subtests: pytest.Subtests
):
    home.post("/projects", {"name": "Another"})
    home.saw(creator["id"], display_name="A goat\nand a half")
    home.goatherd.catch_up()
    for path in GUARDED:
        with subtests.test(path):
            page.goto(path.format(id=creator["id"]))
            guarded = page.locator("form[data-guard]")
            assert guarded.count() >= 1
            assert page.evaluate(_MAY_GO)

            field = "input:not([type=hidden], [type=file]), textarea"
            control = guarded.first.locator(field).first
            stored: str = control.evaluate(
                "control => [control.value, control.value = 'Mine.'][0]"
            )

            assert not page.evaluate(_MAY_GO)
            # The next page is opened without a question.
            control.evaluate("(control, value) => { control.value = value }", stored)


def test_what_was_refused_is_not_saved_either(page: Page, watch: Watch, home: Tenant):
    watch.expects(r"status of 400")
    home.goatherd.catch_up()
    page.goto("/creators/add")
    page.get_by_label("Handles or profile URLs").fill(", ,")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Write at least one handle or URL")).to_be_visible()

    assert not page.evaluate(_MAY_GO)
