"""Printed pages: letterheads, ten rows, light charts from a dark screen, few pages."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from domain import events as e
from infra.eventstore.codec import NewEvent
from infra.ids import new_id
from tests.browser.layout import PHONE
from tests.kit.application import Tenant
from tests.kit.builders import asking, next_events
from tests.kit.pictures import png

# A page of A4 between its margins, in CSS pixels.
PAPER = ViewportSize(width=690, height=1_010)
DAYS = 20
CREATORS = 12
WORDS = {"client": "Alm & Co", "comment": "The first weeks\nof hay milk"}

_COLOURS = """() => Array.from(document.querySelectorAll(".plot canvas"), (canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const found = {};
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] !== 255) continue;
    const colour = data.slice(at, at + 3).join();
    found[colour] = (found[colour] ?? 0) + 1;
  }
  return found;
})"""
# The first line of a chart, as css/tokens.css has it for light and for dark screens.
_LIGHT, _DARK = "29,86,194", "98,208,250"
_KEEP_WHAT_IS_PRINTED = f"""() => addEventListener("beforeprint", () => {{
  globalThis.printed = ({_COLOURS})();
}})"""


def grazed(tenant: Tenant) -> dict[str, str]:
    """Give a tenant creators with a video each, one that nobody knows, and words."""
    now = datetime.now(UTC)
    seen: list[NewEvent] = []
    ids: list[str] = []
    for number in range(1, CREATORS + 1):
        creator = tenant.add(f"goat{number}")
        ids.append(creator["id"])
        video = str(new_id().int % 10**18 + 10**18)
        posted_at = now - timedelta(days=DAYS)
        tenant.found(creator["id"], video, title=f"Hay {number}", posted_at=posted_at)
        for day in range(DAYS, 0, -1):
            about: dict[str, Any] = {
                "organization_id": tenant.organization_id,
                "creator_id": UUID(creator["id"]),
                "observed_at": now - timedelta(days=day),
                "provider": "test",
            }
            views = number * 1_000 * (DAYS - day + 1)
            seen += next_events(new_id(), (), scrape(tenant, about, video, views))
    tenant.goatherd.store.append(seen, context=asking())
    tenant.add("unknown.goat")
    campaign = tenant.campaign("Hay weeks", *(("creator", one) for one in ids))
    tenant.patch(f"/projects/{tenant.project_id}", WORDS)
    path = f"/projects/{tenant.project_id}/logo"
    tenant.ask("PUT", path, content=png(60, 20))
    tenant.goatherd.catch_up()
    return {"creator": ids[-1], "others": ",".join(ids[:2]), "campaign": campaign}


def scrape(
    tenant: Tenant, about: Mapping[str, Any], video: str, views: int
) -> list[e.Event]:
    return [
        e.ProfileSnapshotRecorded(
            **about,
            follower_count=views,
            following_count=1,
            total_likes_count=views,
            video_count=1,
        ),
        e.VideoStatsSnapshotRecorded(
            **about,
            project_id=tenant.project_id,
            video_ids=(video,),
            view_counts=(views,),
            like_counts=(views // 10,),
            comment_counts=(1,),
            share_counts=(1,),
            save_counts=(1,),
        ),
    ]


@pytest.fixture
def paths(home: Tenant) -> dict[str, str]:
    """The pages that people print, by their names."""
    ids = grazed(home)
    return {
        "Home": "/?period=28d",
        "a project": f"/projects/{home.project_id}?period=28d",
        "a campaign": f"/campaigns/{ids['campaign']}?period=28d",
        "a creator": f"/creators/{ids['creator']}",
        "a comparison": f"/compare?ids={ids['others']}&project={home.project_id}",
    }


def test_every_report_has_its_letterhead_and_no_control(
    page: Page, paths: dict[str, str], subtests: pytest.Subtests
):
    for name, path in paths.items():
        with subtests.test(name):
            page.emulate_media(media="screen")
            page.goto(path)
            head = page.locator(".letterhead")
            expect(head).to_be_hidden()

            page.emulate_media(media="print")

            expect(head).to_contain_text("Alm & Co")
            expect(head).to_contain_text("of hay milk")
            logo = head.locator("img")
            expect(logo).to_be_visible()
            expect(logo).to_have_js_property("naturalWidth", 60)
            for control in page.locator("button, select, input, nav, .button").all():
                expect(control).to_be_hidden()
            for legend in page.locator(".line-names").all():
                expect(legend).to_be_visible()


def test_a_dashboard_prints_ten_known_creators_and_videos(
    page: Page, paths: dict[str, str], subtests: pytest.Subtests
):
    page.set_viewport_size(PAPER)
    for name in ("Home", "a project", "a campaign"):
        with subtests.test(name):
            page.emulate_media(media="screen")
            page.goto(paths[name])
            on_screen = rows_of(page)

            page.emulate_media(media="print")

            assert [len(rows) for rows in on_screen] == [5, 5]
            creators, videos = rows_of(page)
            assert "@goat12" in creators[0]
            assert [len(creators), len(videos)] == [10, 10]
            assert not [row for row in creators + videos if "\u2013" in row]


def test_a_phone_shows_five_ranked_rows_of_a_name_and_a_line_of_figures(
    page: Page, paths: dict[str, str]
):
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto(paths["Home"])

    assert [len(rows) for rows in rows_of(page)] == [5, 5]
    row = page.locator("section[aria-labelledby=creators-title] tbody tr").first
    figures = row.locator("td:visible")
    expect(figures).to_have_count(2)
    tops = [box["y"] for one in figures.all() if (box := one.bounding_box())]
    assert tops[0] == tops[1]


def rows_of(page: Page) -> list[list[str]]:
    """The rows of the rankings that can be seen."""
    return [
        [
            row.inner_text()
            for row in page.locator(f"section[aria-labelledby={title}] tbody tr").all()
            if row.is_visible()
        ]
        for title in ("creators-title", "videos-title")
    ]


def test_a_row_without_a_number_is_not_printed(home: Tenant, page: Page):
    home.add("unknown.goat")
    seen = home.add("known.goat")
    home.found(seen["id"], "7123456789012345678", title="Hay")
    home.goatherd.catch_up()
    page.goto("/?period=28d")
    on_screen, _ = rows_of(page)

    page.emulate_media(media="print")

    on_paper, _ = rows_of(page)
    assert (len(on_screen), len(on_paper)) == (2, 0)


def test_charts_are_printed_in_light_colours_from_a_dark_screen(
    page: Page, paths: dict[str, str], subtests: pytest.Subtests
):
    page.emulate_media(color_scheme="dark")
    for name, path in paths.items():
        with subtests.test(name):
            page.emulate_media(media="screen")
            page.goto(path)
            expect(page.locator(".plot canvas").first).to_be_visible()
            dark = colours(page, _COLOURS)
            page.evaluate(_KEEP_WHAT_IS_PRINTED)

            page.pdf(format="A4")

            printed = colours(page, "() => globalThis.printed")
            after = colours(page, _COLOURS)
            assert _DARK in dark
            assert _LIGHT not in dark
            assert _LIGHT in printed
            assert _DARK not in printed
            assert after == dark


def colours(page: Page, script: str) -> set[str]:
    """The colours that cover some of a chart, as red, green and blue."""
    charts: list[dict[str, int]] = page.evaluate(script)
    assert charts
    return {colour for chart in charts for colour, n in chart.items() if n > 20}


def test_a_dashboard_fills_one_page_and_no_other(
    page: Page, paths: dict[str, str], subtests: pytest.Subtests
):
    for name in ("Home", "a project", "a campaign", "a comparison"):
        for size in ("A4", "Letter"):
            with subtests.test(f"{name} on {size}"):
                page.goto(paths[name])
                expect(page.locator(".plot canvas").first).to_be_visible()

                printed = page.pdf(format=size)

                assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_a_project_without_words_and_logo_prints_no_empty_head(page: Page):
    page.goto("/?period=28d")
    page.emulate_media(media="print")

    expect(page.locator(".letterhead")).to_be_hidden()
