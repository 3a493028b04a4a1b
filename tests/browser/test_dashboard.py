"""Home in a browser: choices, keyboard, phone, dark, without a script, and on paper."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.furnished import furnish
from tests.browser.layout import PHONE, WIDE, check_layout
from tests.kit.application import Tenant

# A page of A4 between its margins, in CSS pixels.
PAPER = {"width": 690, "height": 1_010}


@pytest.fixture
def reader(
    furnished: tuple[Tenant, dict[str, str]], sign_in: Callable[[Tenant], Page]
) -> Page:
    """A page of somebody who reads and changes nothing."""
    tenant, _ = furnished
    return sign_in(tenant)


def test_choices_are_in_the_address_and_change_the_page_in_place(
    reader: Page,
):
    page = reader
    page.goto("/")

    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(re.compile("period=7d"))
    page.get_by_text("More figures", exact=True).click()
    figures = page.get_by_label("Key figures")
    figures.get_by_role("link", name="New likes", exact=True).click()
    expect(page).to_have_url(re.compile("metric=likes"))

    expect(page.locator("#chart-main h2")).to_have_text("Likes")
    expect(page.get_by_role("link", name="7 days")).to_have_attribute(
        "aria-current", "true"
    )


def test_a_point_of_the_chart_is_explained_by_keyboard(
    reader: Page,
):
    page = reader
    page.goto("/?period=7d")
    chart = page.get_by_role("slider")

    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")

    explained = page.locator("#explained")
    expect(explained).to_contain_text("new views")
    expect(explained.get_by_role("row").nth(1)).to_be_visible()


def test_nothing_reaches_beyond_the_page_on_a_phone_and_at_a_desk(
    reader: Page,
):
    page = reader
    for size in (PHONE, WIDE):
        page.set_viewport_size(ViewportSize(**size))
        page.goto("/")
        check_layout(page)
        figure = page.locator(".kpi .figure").first
        # Numbers come first on a phone: the choices are folded above them.
        expect(figure).to_be_in_viewport()


def test_all_of_it_works_without_a_script(home: Tenant, scriptless: Page):
    furnish(home)
    other = home.post("/projects", {"name": "Zebras"}).json()["data"]
    home.goatherd.catch_up()
    page = scriptless
    page.goto(f"/?project={home.project_id}")
    assert page.locator("#chart-main .inline-svg path.series-1").count() == 1

    page.get_by_label("From").fill("2026-01-01")
    page.get_by_label("to", exact=True).fill("2026-01-07")
    page.locator(".own button").click()

    expect(page.get_by_role("status").last).to_contain_text("1 Jan to 7 Jan 2026")
    page.goto(f"/?project={other['id']}")
    page.locator(".switcher").click()
    page.locator("#switcher").get_by_role("link", name="All projects").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All projects")
    page.get_by_role("link", name="Zebras").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zebras")
    expect(page.get_by_role("heading", level=2)).to_have_text(
        "Two steps to the first numbers"
    )


def test_paper_has_the_numbers_and_no_controls(reader: Page):
    page = reader
    page.goto("/?period=28d")

    page.emulate_media(media="print")
    page.set_viewport_size(ViewportSize(**PAPER))

    expect(page.get_by_label("Key figures")).to_be_visible()
    expect(page.get_by_role("heading", name="Top videos")).to_be_visible()
    for hidden in ("header.top", ".period", ".attending", "[data-print]"):
        expect(page.locator(hidden).first).to_be_hidden()
    names = page.locator("section:has(> .head > #creators-title) .names")
    heights: list[int] = names.evaluate_all("all => all.map(one => one.clientHeight)")
    assert max(heights) <= 60, "a name breaks letter by letter"
