"""Charts in a browser: axes, marks below the dates, breaks, and what a touch shows."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.layout import PHONE
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator

_WRITTEN = """
    window.written = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        window.written.push(text);
        return write.call(this, text, ...place);
    };
"""
_LABELS = """async ([least, most, unit]) => {
    const path = document.querySelector('script[src$="/charts.js"]').src;
    const by = await import(path.replace("charts.js", "drawing.js"));
    return by.roundLabels(least, most, { unit }).map((one) => by.shortly(one, unit));
}"""
_LONE = """async (values) => {
    const path = document.querySelector('script[src$="/charts.js"]').src;
    const by = await import(path.replace("charts.js", "drawing.js"));
    return by.lonePoints(values);
}"""

DRAWING = {"chart.js", "drawing.js", "uplot.js", "uplot.css"}
_COUNT_WHEN_PRINTED = """
    window.printed = [];
    window.print = () => {
        window.printed.push(document.querySelectorAll(".plot canvas").length);
    };
"""


@pytest.fixture
def outlier(home: Tenant) -> Watched:
    """A creator with 20 new views on each of ten days, and 9,000 on one."""
    goat = Watched(home, "goat")
    goat.posted("1", day=0)
    goat.followers(0, 3_000)
    views = 0
    for day in range(12):
        views += 9_000 if day == 6 else 20
        goat.looked(day + 0.1, v1=views)
    home.goatherd.catch_up()
    return goat


def chart_of(page: Page, name: str) -> Locator:
    figure = page.locator(f"#chart-{name}")
    figure.scroll_into_view_if_needed()
    expect(figure.locator("canvas")).to_be_visible()
    return figure


def test_labels_of_an_axis_are_round_and_all_differ(
    page: Page, home: Tenant, subtests: pytest.Subtests
):
    goat = a_watched_creator(home)
    page.goto(f"/creators/{goat.id}?{DAYS}")
    for least, most, unit, labels in (
        (12_250, 12_350, "count", "12.2K 12.3K 12.4K"),
        (0, 7, "count", "0 2 4 6 8"),
        (0, 1, "count", "0 1"),
        (-50, 500, "count", "-200 0 200 400 600"),
        (3_894_656, 3_960_000, "count", "3.88M 3.9M 3.92M 3.94M 3.96M"),
        (0, 18.77, "percent", "0% 5% 10% 15% 20%"),
        (0, 0.3, "percent", "0% 0.1% 0.2% 0.3%"),
    ):
        with subtests.test(f"{least} to {most}"):
            assert page.evaluate(_LABELS, [least, most, unit]) == labels.split()


def test_a_point_without_a_neighbour_is_found_to_be_alone(page: Page, home: Tenant):
    goat = a_watched_creator(home)
    page.goto(f"/creators/{goat.id}?{DAYS}")

    alone = page.evaluate(_LONE, [1, None, 2, 3, None, 4])

    assert alone == [0, 5]


def test_an_outlier_breaks_the_axis_and_a_button_shows_it_whole(
    page: Page, outlier: Watched
):
    page.add_init_script(_WRITTEN)
    page.goto(f"/creators/{outlier.id}?from=2026-03-02&to=2026-03-13")
    figure = chart_of(page, "views")

    expect(figure.locator(".broken")).to_contain_text(
        "The axis is broken: 8 Mar 2026 has 9,000 new views."
    )
    written = page.evaluate("window.written")
    # The value itself stands at the break, and no label of the axis is near it.
    assert {"9K", "20"} <= set(written)
    assert "10K" not in written

    figure.get_by_role("button", name="Show the whole axis").click()

    assert "10K" in page.evaluate("window.written")


def test_an_axis_without_an_outlier_is_whole(page: Page, home: Tenant):
    goat = a_watched_creator(home)
    page.goto(f"/creators/{goat.id}?{DAYS}")

    expect(chart_of(page, "views").locator(".broken")).to_have_count(0)


def test_what_draws_charts_is_loaded_once_one_is_nearly_in_sight(
    page: Page, home: Tenant
):
    goat = a_watched_creator(home)
    loaded = names_of_requests(page)
    page.set_viewport_size(ViewportSize(width=1280, height=300))
    page.goto(f"/creators/{goat.id}?{DAYS}", wait_until="networkidle")
    plot = page.locator("#chart-views .plot")
    before = plot.bounding_box()
    assert "charts.js" in loaded
    assert not DRAWING & {*loaded}
    expect(plot.locator("svg")).to_be_visible()

    plot.scroll_into_view_if_needed()

    expect(plot.locator("canvas")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert sorted(name for name in loaded if name in DRAWING) == sorted(DRAWING)
    # Nothing moves.
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("scrollY === 0")
    assert plot.bounding_box() == before


def test_charts_are_drawn_before_they_are_printed_or_reached_by_the_tab_key(
    page: Page, home: Tenant, subtests: pytest.Subtests
):
    goat = a_watched_creator(home)
    page.set_viewport_size(ViewportSize(width=1280, height=300))
    page.add_init_script(_COUNT_WHEN_PRINTED)
    for name, act in {
        "the button": lambda: page.get_by_role("button", name="Print").click(),
        "the keys": lambda: page.keyboard.press("Control+p"),
        "the Tab key": lambda: page.keyboard.press("Tab"),
    }.items():
        with subtests.test(name):
            page.goto(f"/creators/{goat.id}?{DAYS}", wait_until="networkidle")
            assert page.locator(".plot canvas").count() == 0

            act()

            expect(page.get_by_role("slider")).to_have_count(3)
            if name != "the Tab key":
                page.wait_for_function("window.printed.length > 0")
                assert page.evaluate("window.printed") == [3]


def names_of_requests(page: Page) -> list[str]:
    """The names of files that the page has loaded, which grow with it."""
    names: list[str] = []
    page.on("request", lambda request: names.append(request.url.rpartition("/")[2]))
    return names


def test_a_first_touch_reads_a_point_and_its_button_explains(
    page: Page, home: Tenant, browser: Browser
):
    goat = a_watched_creator(home)
    page.goto(f"/creators/{goat.id}?{DAYS}")
    address = page.url
    phone = browser.new_context(
        has_touch=True,
        viewport=ViewportSize(**PHONE),
        storage_state=page.context.storage_state(),
    )
    page = phone.new_page()
    page.goto(address)
    plot = chart_of(page, "views").locator(".plot")

    plot.tap()

    tip = plot.locator(".tip")
    expect(tip).to_contain_text("new views")
    assert page.url == address
    tip.get_by_role("button", name="Explain").tap()
    expect(page).to_have_url(re.compile("explain=views"))
    phone.close()


def test_the_chart_by_age_has_ages_and_no_dates(page: Page, home: Tenant):
    goat = Watched(home, "goat")
    for number in range(7):
        goat.posted(str(number), day=number)
    for day in range(20):
        goat.looked(
            day + 0.5,
            **{f"v{n}": 10 * (day - n + 1) for n in range(7) if n <= day},
        )
    home.goatherd.catch_up()
    videos = home.get("/videos", params={"search": "Video 6"}).json()["data"]
    page.add_init_script(_WRITTEN)
    page.goto(f"/creators/{goat.id}/videos/{videos[0]['id']}")
    plot = chart_of(page, "age").locator(".plot")

    plot.focus()
    page.keyboard.press("Home")

    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"^\d+ days?: "))
    ages = [text for text in page.evaluate("window.written") if "day" in text]
    assert ages
