"""Numbers in a browser: written by scripts as by pages, and in full by touch."""

from itertools import pairwise
from random import Random

from playwright.sync_api import Locator, Page, expect

from domain.analytics.axis import round_labels
from domain.written import number, percent, percent_shortly, short
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import DAYS, a_watched_creator
from tests.kit.short_numbers import PERCENT, SHORT

_WRITTEN = """async (values) => {
    const path = document.querySelector('script[src$="/app.js"]').src;
    const by = await import(path.replace("app.js", "numbers.js"));
    return values.map((one) => [
        by.short(one), by.percentShortly(one), by.number(one), by.percent(one)
    ]);
}"""

_LABELLED = """async (axes) => {
    const path = document.querySelector('script[src$="/app.js"]').src;
    const by = await import(path.replace("app.js", "drawing.js"));
    return axes.map(([least, most, isPercent, amount]) => by.roundLabels(
        least, most, { unit: isPercent ? "percent" : "count", amount }
    ));
}"""


def test_scripts_and_pages_write_numbers_and_axes_alike(page: Page, home: Tenant):
    home.goatherd.catch_up()
    random = Random(23)  # noqa: S311 - numbers for a test
    values: list[float] = [value for value, _ in SHORT + PERCENT]
    values += [random.choice((-1, 1)) * 10 ** random.uniform(0, 12) for _ in range(500)]
    values += [round(value) for value in values]
    # Numbers in the middle of two that are written.
    values += [random.randrange(200, 2_000) * 10**k / 2 for k in range(10)]
    page.goto("/")

    written: list[list[str]] = page.evaluate(_WRITTEN, values)

    assert written == [
        [short(one), percent_shortly(one), number(one), percent(one)] for one in values
    ]
    axes = [
        (*sorted((one, other)), one > other, 2 + at % 5)
        for at, (one, other) in enumerate(pairwise([0, 0, 7, *values]))
    ]
    assert page.evaluate(_LABELLED, axes) == [
        round_labels(least, most, is_percent=is_percent, amount=amount)
        for least, most, is_percent, amount in axes
    ]


def test_a_long_touch_shows_a_number_in_full_and_follows_no_link(
    page: Page, home: Tenant
):
    goat = a_watched_creator(home)
    page.goto(f"/?{DAYS}")
    page.set_viewport_size({"width": 375, "height": 740})
    address = page.url
    assert goat.id

    _touch_long(page, page.locator(".kpi .figure").first)

    shown = page.locator(".kpi .pressed").evaluate(
        "one => getComputedStyle(one, '::after').content"
    )
    assert shown == '"70"'
    assert page.url == address


def test_a_long_touch_shows_a_number_of_a_row_and_does_not_open_the_row(
    page: Page, home: Tenant
):
    goat = a_watched_creator(home)
    goat.looked(3, v1=84_120)
    home.goatherd.catch_up()
    page.set_viewport_size({"width": 375, "height": 740})
    shown_on_phones = (
        ("creators", "new_views", "New views"),
        ("videos", "view_count", "All views"),
    )
    for path, order, name in shown_on_phones:
        page.goto(f"/{path}?{DAYS}&sort={order}")
        address = page.url
        number = page.locator(f'#rows td[data-label="{name}"] [data-exact]').first
        exact = number.get_attribute("title")
        assert exact is not None
        assert exact != number.inner_text()

        _touch_long(page, number)

        shown = number.evaluate("one => getComputedStyle(one, '::after').content")
        assert shown == f'"{exact}"'
        assert page.url == address


def _touch_long(page: Page, number: Locator) -> None:
    number.scroll_into_view_if_needed()
    box = number.bounding_box()
    assert box is not None
    touches = page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    begin = {"type": "touchStart", "touchPoints": [point]}
    touches.send("Input.dispatchTouchEvent", begin)
    expect(page.locator(".pressed")).to_have_count(1)
    touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
