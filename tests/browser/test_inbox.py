"""Reviewing an inbox with the keyboard, by button and many at once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from domain import events as e
from infra.embedded.processes import wait_until
from tests.browser.watching import Watch
from tests.kit.application import Tenant
from tests.kit.patience import PATIENTLY

HOSTILE = '"><img src=x onerror=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}' + "goat" * 100


@pytest.fixture
def waiting(home: Tenant) -> list[str]:
    """Four videos that wait, in the order in which they are shown."""
    creator = home.add("goat", tracking_mode="selective")
    found = [
        home.found(creator["id"], status="pending_review", title=title)
        for title in (HOSTILE, "Three", "Two", "One")
    ]
    home.goatherd.catch_up()
    return found[::-1]


@pytest.fixture
def inbox(home: Tenant, page: Page, waiting: list[str]) -> Page:
    assert waiting
    page.goto(f"/projects/{home.project_id}/inbox")
    expect(page.locator(".video")).to_have_count(4)
    return page


def happened(home: Tenant, video_id: str) -> list[type[e.Event]]:
    return [type(event) for event in home.goatherd.events(video_id)][1:]


def arrived(home: Tenant, video_id: str, *events: type[e.Event]) -> None:
    """Assert that exactly these events come of a video's review."""
    wanted = list(events)
    assert wait_until(lambda: happened(home, video_id) == wanted, seconds=PATIENTLY)


def focused(page: Page) -> str:
    return page.evaluate(
        "document.activeElement.closest('.video')?.dataset.video ?? ''"
    )


def test_videos_are_decided_about_and_put_back_with_the_keyboard(
    home: Tenant, inbox: Page, waiting: list[str], axe: Callable[[Page], None]
):
    one, two, three, _ = waiting
    keys = inbox.keyboard

    keys.press("j")
    keys.press("i")
    assert focused(inbox) == two
    expect(inbox.locator("#said")).to_have_text("“One” was included.")
    keys.press("x")
    assert focused(inbox) == three
    keys.press("k")
    keys.press("u")

    expect(inbox.locator("#said")).to_have_text("“Two” was put back.")
    assert focused(inbox) == two
    expect(inbox.locator(".video:visible")).to_have_count(3)
    arrived(home, one, e.VideoIncluded)
    arrived(home, two, e.VideoExcluded, e.VideoPutBack)
    axe(inbox)


def test_the_key_for_the_next_video_goes_on_past_the_last_one_shown(
    home: Tenant, page: Page
):
    creator = home.add("goat", tracking_mode="selective")
    found = [home.found(creator["id"], status="pending_review") for _ in range(52)]
    home.goatherd.catch_up()
    page.goto(f"/projects/{home.project_id}/inbox")
    expect(page.locator("#amount")).to_have_text("52")
    page.locator(".video .pick").last.focus()
    assert focused(page) == found[2]

    page.keyboard.press("j")

    expect(page.locator(".video")).to_have_count(52)
    assert focused(page) == found[1]


def test_keys_rest_while_somebody_types_holds_a_modifier_or_switched_them_off(
    home: Tenant, inbox: Page, waiting: list[str], axe: Callable[[Page], None]
):
    keys = inbox.keyboard
    keys.press("j")
    keys.press("Control+i")
    keys.press("Alt+x")
    keys.press("?")
    axe(inbox)
    keys.press("i")
    inbox.get_by_label("Use these shortcuts in this browser").uncheck()
    inbox.get_by_role("button", name="Close").click()
    inbox.locator(".pick").first.focus()
    keys.press("i")
    keys.press("Space")
    keys.press("Enter")
    inbox.reload()
    inbox.locator(".pick").first.focus()
    keys.press("x")

    expect(inbox.locator(".video:visible")).to_have_count(4)
    assert [happened(home, video_id) for video_id in waiting] == [[], [], [], []]


def test_a_decision_arrives_though_the_page_is_left_at_once(
    home: Tenant, inbox: Page, waiting: list[str]
):
    inbox.keyboard.press("j")
    inbox.keyboard.press("i")
    inbox.goto("/creators")

    arrived(home, waiting[0], e.VideoIncluded)
    inbox.goto("/inbox")
    expect(inbox.locator(".video")).to_have_count(3)
    inbox.get_by_role("button", name="Undo").click()
    expect(inbox.get_by_text("1 video was put back.")).to_be_visible()
    expect(inbox.locator(".video")).to_have_count(4)


def test_many_are_decided_about_at_once_until_nothing_waits(
    home: Tenant, inbox: Page, waiting: list[str], axe: Callable[[Page], None]
):
    inbox.get_by_label("Select One").check()
    inbox.get_by_label("Select Three").check()
    expect(inbox.get_by_text("2 selected")).to_be_visible()
    inbox.get_by_role("button", name="Remove selected").click()
    expect(inbox.locator(".video:visible")).to_have_count(2)
    inbox.get_by_label("Select all").check()
    inbox.get_by_role("button", name="Include selected").click()

    expect(inbox.get_by_role("heading", name="Nothing waits")).to_be_visible()
    expect(inbox.locator("#waiting")).to_be_hidden()
    for video_id in (waiting[0], waiting[2]):
        arrived(home, video_id, e.VideoExcluded)
    for video_id in (waiting[1], waiting[3]):
        arrived(home, video_id, e.VideoIncluded)
    axe(inbox)


def test_a_decision_that_was_refused_brings_the_video_back_and_is_told(
    home: Tenant, inbox: Page, waiting: list[str], watch: Watch
):
    watch.expects(r"status of 400")
    inbox.evaluate("document.querySelector('#undo [name=csrf]').value = 'goat'")

    inbox.get_by_role("button", name="Include One").click()

    notice = inbox.locator("#flashes")
    expect(notice).to_contain_text("does not belong to your session")
    expect(inbox.locator(".video:visible")).to_have_count(4)
    expect(inbox.locator("#undo")).to_be_hidden()
    assert happened(home, waiting[0]) == []


def test_what_went_wrong_is_told_until_the_next_decision_is_stored(
    inbox: Page, watch: Watch
):
    watch.expects(r"ERR_FAILED|failed request")
    notices = inbox.locator("#flashes")
    inbox.route("**/inbox", lambda route: route.abort())
    inbox.get_by_role("button", name="Include One").click()
    expect(notices).to_contain_text("The decision was not stored.")
    inbox.unroute("**/inbox")

    inbox.get_by_role("button", name="Include One").click()

    expect(inbox.locator("#said")).to_have_text("“One” was included.")
    expect(notices).to_be_empty()


def test_the_inbox_fits_a_phone_whatever_a_title_is(inbox: Page):
    inbox.set_viewport_size({"width": 375, "height": 800})

    width = inbox.evaluate("document.documentElement.scrollWidth")
    link = inbox.get_by_role("link", name=re.compile("on TikTok")).first

    assert width == 375
    expect(link).to_have_attribute(
        "href", re.compile(r"^https://www\.tiktok\.com/@goat/video/\d+$")
    )


def test_a_choice_acts_at_once_and_numbers_go_down_with_each_decision(
    inbox: Page, axe: Callable[[Page], None]
):
    inbox.get_by_label("Order").select_option(label="Fewest views first")
    expect(inbox).to_have_url(re.compile("sort=fewest_views"))
    expect(inbox.get_by_role("button", name="Apply")).to_have_count(0)

    inbox.get_by_role("button", name="Include One").click()

    expect(inbox.locator("#amount")).to_have_text("3")
    expect(inbox.get_by_role("link", name="Inbox 3 waiting")).to_be_visible()
    axe(inbox)
