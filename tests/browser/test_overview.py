"""A creator's overview in a browser: charts that are read, and numbers that explain."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from infra.embedded.processes import wait_until
from tests.browser.watching import Watch
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator
from tests.kit.patience import PATIENTLY

Axe = Callable[[Page], None]


@pytest.fixture
def goat(home: Tenant) -> Watched:
    return a_watched_creator(home)


def test_a_chart_is_read_with_the_keyboard_and_gives_its_reasons(
    page: Page, goat: Watched, axe: Axe
):
    page.goto(f"/creators/{goat.id}?{DAYS}")
    chart = page.get_by_role("slider", name=re.compile("New views by day"))
    expect(chart.locator("canvas")).to_be_visible()
    chart.focus()

    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    shown = chart.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")

    assert shown == "2 Mar 2026: 0 new views (baseline); 1 video posted"
    expect(chart).to_have_attribute("aria-valuetext", "3 Mar 2026: 70 new views")
    page.keyboard.press("Enter")
    reasons = page.get_by_role("region", name="3 Mar 2026: 70 new views")
    expect(reasons).to_be_visible()
    expect(page).to_have_url(re.compile(r"explain=views&on=2026-03-03"))
    # The videos that gained most were asked for by themselves.
    top = page.locator("#top")
    expect(top.get_by_text("<i>Old</i> goat")).to_be_visible()
    axe(page)
    page.go_back()
    expect(reasons).to_be_hidden()


def test_an_explanation_comes_without_a_style_of_the_page_before(
    page: Page, goat: Watched
):
    # Scripts give styles to parts, which a browser refuses to take from an attribute.
    page.goto(f"/creators/{goat.id}?{DAYS}")
    page.evaluate("""
        for (const part of document.querySelectorAll("#overview, #overview [id]"))
            part.style.minHeight = "1px";
    """)

    page.locator("button[name=on]").last.evaluate("button => button.click()")

    expect(page.locator("#explained")).to_be_visible()


def test_an_axis_names_months_as_the_table_does_and_not_as_days(
    page: Page, goat: Watched
):
    page.add_init_script("""
        window.written = [];
        const write = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            window.written.push(text);
            return write.call(this, text, ...place);
        };
    """)
    days = "from=2025-08-01&to=2026-03-31"

    page.goto(f"/creators/{goat.id}?{days}&granularity=month")

    expect(page.locator("canvas").first).to_be_visible()
    written = set(page.evaluate("window.written"))
    assert {"Sep 2025", "Mar 2026"} <= written
    assert not [text for text in written if re.fullmatch(r"\w+ \d\d", text)]


def test_choices_change_the_charts_and_the_address(page: Page, goat: Watched, axe: Axe):
    page.goto(f"/creators/{goat.id}?{DAYS}")
    page.evaluate("window.sameDocument = true")

    page.get_by_role("link", name="Week", exact=True).click()
    expect(page).to_have_url(re.compile("granularity=week"))
    page.get_by_role("link", name="Show it in the charts").click()
    expect(page).to_have_url(re.compile("compare=prior_period"))
    # A form that is not wired yet loads the whole page, as without a script.
    expect(page.locator("#overview.htmx-added")).to_have_count(0)
    page.get_by_label("Metric").select_option(label="Likes")
    expect(page).to_have_url(re.compile("metric=likes"))

    assert page.evaluate("window.sameDocument")
    expect(page.locator(".uplot")).to_have_count(3)
    page.set_viewport_size({"width": 375, "height": 800})
    sideways = "document.documentElement.scrollWidth - innerWidth"
    # Charts are drawn anew a moment after the page has another width.
    assert wait_until(lambda: page.evaluate(sideways) <= 0, seconds=PATIENTLY)
    axe(page)


def test_the_second_date_is_the_act_once_it_is_whole(page: Page, goat: Watched):
    page.clock.install()
    page.goto(f"/creators/{goat.id}?{DAYS}")
    page.evaluate("document.addEventListener('submit', () => (window.sent = true))")
    first = page.get_by_label("From", exact=True)
    last = page.get_by_label("to", exact=True)

    first.fill("2026-03-02")
    last.focus()
    # The year is 202 so far, and was 2 and 20 before.
    last.press_sequentially("0304202")
    page.clock.run_for(60_000)
    assert not page.evaluate("window.sent")
    last.fill("2026-03-04")
    page.clock.run_for(1_000)

    expect(page).to_have_url(re.compile("from=2026-03-02&to=2026-03-04"))
    expect(page.get_by_role("button", name=re.compile("^(Apply|Show)$"))).to_have_count(
        0
    )


def test_a_single_date_is_sent_when_the_focus_leaves(page: Page, goat: Watched):
    page.goto(f"/creators/{goat.id}?{DAYS}")
    first = page.get_by_label("From", exact=True)

    first.fill("2026-03-02")
    first.blur()

    expect(page).to_have_url(re.compile("from=2026-03-02&to=2026-03-05"))


def test_a_wrong_range_is_told_where_the_notices_are(
    page: Page, goat: Watched, watch: Watch
):
    watch.expects(r"status of 400|Status Error Code 400")
    page.goto(f"/creators/{goat.id}?{DAYS}")

    page.get_by_label("From", exact=True).fill("2026-03-09")
    page.get_by_label("From", exact=True).press("Enter")

    expect(page.locator("#flashes")).to_have_text("From must not be after 2026-03-05.")
    expect(page.locator(".uplot")).to_have_count(3)


def test_a_scrape_that_was_asked_for_is_followed(page: Page, goat: Watched, axe: Axe):
    page.goto(f"/creators/{goat.id}")

    page.get_by_role("button", name="Scrape now").click()
    goat.tenant.goatherd.catch_up()

    expect(page.locator("#scrape")).to_contain_text("Profile, requested just now")
    page.get_by_role("link", name="All scrapes").click()
    expect(page.get_by_role("heading", name="Scrapes")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="By hand")).to_be_visible()
    axe(page)


def test_a_chart_is_read_where_the_pointer_is(page: Page, goat: Watched):
    page.goto(f"/creators/{goat.id}?{DAYS}&views=cumulative")
    plot = page.locator("#chart-views .plot")
    expect(plot.locator("canvas")).to_be_visible()
    tip, dots = plot.locator(".tip"), plot.locator(".dots i")
    expect(tip).to_be_hidden()

    plot.hover()

    expect(tip).to_contain_text("3 Mar 2026")
    expect(tip).to_contain_text("170 views")
    expect(dots).to_have_count(1)
    box, inside = plot.bounding_box(), tip.bounding_box()
    assert box is not None
    assert inside is not None
    assert box["x"] <= inside["x"]
    assert inside["x"] + inside["width"] <= box["x"] + box["width"] + 1
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()


def test_instructions_stand_on_the_page_once(page: Page, goat: Watched):
    page.goto(f"/creators/{goat.id}?{DAYS}")

    expect(page.locator(".uplot")).to_have_count(3)
    page.get_by_text("How to read the charts").click()
    expect(page.get_by_text("arrow keys")).to_have_count(1)
    expect(page.get_by_text("Diamond")).to_have_count(1)
