"""Numbers in a browser: written by scripts as by pages, and in full by touch."""

from random import Random

from playwright.sync_api import Page, expect

from api.web.kit.filters import number, percent, percent_shortly, short
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


def test_scripts_and_pages_write_a_number_alike(page: Page):
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


def test_a_long_touch_shows_a_number_in_full_and_follows_no_link(
    page: Page, home: Tenant
):
    goat = a_watched_creator(home)
    page.goto(f"/?{DAYS}")
    page.set_viewport_size({"width": 375, "height": 740})
    address = page.url
    box = page.locator(".kpi .figure").first.bounding_box()
    assert box is not None
    assert goat.id
    touches = page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    begin = {"type": "touchStart", "touchPoints": [point]}

    touches.send("Input.dispatchTouchEvent", begin)
    expect(page.locator(".kpi .pressed")).to_have_count(1)
    touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    shown = page.locator(".kpi .pressed").evaluate(
        "one => getComputedStyle(one, '::after').content"
    )
    assert shown == '"70"'
    assert page.url == address
