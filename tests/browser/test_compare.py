"""Creators side by side in a browser: found, compared, saved and shared."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import Watched, a_watched_creator


def test_creators_are_found_compared_saved_and_shared(
    page: Page,
    home: Tenant,
    sign_in: Callable[[Tenant], Page],
    axe: Callable[[Page], None],
    tmp_path: Path,
):
    a_watched_creator(home)
    sheep = Watched(home, "sheep")
    sheep.followers(1, 10)
    home.goatherd.catch_up()
    page.goto("/compare")

    search = page.get_by_role("searchbox", name="Search")
    search.press_sequentially("shee")
    expect(page.locator("#suggestions").get_by_role("link")).to_have_count(1)
    page.get_by_role("link", name="Add @sheep").click()
    expect(page.locator(".compared li")).to_have_count(1)
    page.get_by_role("link", name="Add @goat").click()
    expect(page.locator(".compared li")).to_have_count(2)
    page.get_by_label("Metric").select_option(label="Followers")
    expect(page).to_have_url(re.compile("metric=followers"))
    page.get_by_label("Mode").select_option(label="cumulative")
    expect(page).to_have_url(re.compile("mode=cumulative"))
    page.get_by_label("from", exact=True).fill("2026-03-01")
    page.get_by_label("to", exact=True).fill("2026-03-05")

    chart = page.get_by_role("slider", name=re.compile("Followers by day"))
    chart.focus()
    page.keyboard.press("End")
    expect(chart).to_have_attribute(
        "aria-valuetext", "5 Mar 2026: sheep: 10; goat: 3,500"
    )
    expect(page).to_have_url(re.compile("from=2026-03-01&to=2026-03-05"))
    axe(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    saved = tmp_path / "saved.csv"
    download.value.save_as(saved)
    assert download.value.suggested_filename.endswith(".csv")
    assert ",goat,2026-03-05,3500," in saved.read_text()

    shared = sign_in(home.with_key("read"))
    shared.goto(page.url)
    expect(shared.locator(".compared")).to_have_text(
        page.locator(".compared").inner_text(), use_inner_text=True
    )
    shared.get_by_role("link", name="Remove sheep").click()
    expect(shared.get_by_role("link", name="@sheep", exact=True)).to_be_hidden()


def test_lines_far_apart_are_offered_other_scales(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    small, large = Watched(home, "kid"), Watched(home, "ram")
    for day, count in ((0, 10), (1, 15)):
        small.followers(day, count)
        large.followers(day, 1_000 * count)
    home.goatherd.catch_up()
    page.goto(
        f"/compare?ids={small.id},{large.id}&metric=followers&mode=cumulative"
        "&from=2026-03-02&to=2026-03-03"
    )
    chart = page.get_by_role("slider", name=re.compile("Followers by day"))
    scales = page.get_by_role("group", name="Scale")
    expect(scales.get_by_role("button", name="Apart")).to_have_attribute(
        "aria-pressed", "true"
    )
    # Each line rises in its own half of the chart.
    half = chart.bounding_box()["height"] / 2  # type: ignore[index]
    chart.focus()
    tops: list[list[float]] = []
    for key in ("Home", "End"):
        page.keyboard.press(key)
        dots = chart.locator(".dots i")
        expect(dots).to_have_count(2)
        tops.append([float(dot.evaluate("it => it.offsetTop")) for dot in dots.all()])
    (kid_first, ram_first), (kid_last, ram_last) = tops
    assert ram_last + half / 4 < ram_first < half < kid_first
    assert half * 0.75 < kid_last < kid_first - half / 4

    scales.get_by_role("button", name="Index").click()
    chart.focus()
    page.keyboard.press("End")

    expect(chart).to_have_attribute(
        "aria-valuetext",
        "3 Mar 2026: kid: 15 (index 150); ram: 15,000 (index 150)",
    )
    expect(scales.get_by_role("button", name="Index")).to_have_attribute(
        "aria-pressed", "true"
    )
    scales.get_by_role("button", name="Logarithmic").click()
    expect(chart.locator("canvas")).to_be_visible()
    axe(page)
