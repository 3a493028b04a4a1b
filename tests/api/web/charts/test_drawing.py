"""The data of a drawn chart: lines far apart, and marks of events."""

import json

import pytest

from api.web.charts.drawing import are_far_apart
from api.web.charts.measures import GROUPS, MEASURES
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import DAYS, Watched
from tests.kit.visitor import Visitor


@pytest.mark.parametrize(
    ("lines", "are"),
    (
        ([], False),
        ([[1, 2_000]], False),
        ([[100], [2_000]], False),
        ([[100, 5], [2_001]], True),
        ([[None, 0], [5_000]], False),
        ([[-3_000], [10]], True),
    ),
)
def test_lines_are_far_apart_by_more_than_twenty_times(
    lines: list[list[int | None]], *, are: bool
):
    assert are_far_apart(lines) is are


def test_every_measure_is_in_one_group():
    grouped = [measure.name for group in GROUPS.values() for measure in group]

    assert len(GROUPS) == 4
    assert sorted(grouped) == sorted(MEASURES)
    assert max(len(group) for group in GROUPS.values()) <= 10


def test_posts_are_marked_on_the_day_or_in_the_week_they_lie_in(
    visitor: Visitor, home: Tenant
):
    goat = Watched(home, "goat")
    goat.posted("1", day=0)
    goat.posted("2", day=0)
    goat.posted("3", day=1)
    goat.followers(0, 10)
    home.goatherd.catch_up()

    by_day = visitor.see(f"/creators/{goat.id}?{DAYS}")
    by_week = visitor.see(f"/creators/{goat.id}?{DAYS}&granularity=week")

    figure = by_day.one("figure", id="chart-followers")
    (plot,) = figure.all("div", class_="plot")
    assert json.loads(plot["data-chart"])["marks"] == [
        {"date": "2026-03-02", "text": "2 videos posted", "kind": "post"},
        {"date": "2026-03-03", "text": "1 video posted", "kind": "post"},
    ]
    assert "2 videos posted" in figure.one("table").text
    assert "3 videos posted" in by_week.one("figure", id="chart-followers").text


def test_a_note_with_markup_stays_text_in_the_table(visitor: Visitor, home: Tenant):
    goat = Watched(home, "goat")
    goat.followers(0, 10)
    about = {"scope": "creator", "scope_id": goat.id, "starts_on": "2026-03-02"}
    home.post("/analytics/annotations", {**about, "text": '<i>Launch</i> & "more"'})
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    table = page.one("figure", id="chart-followers").one("table")
    assert '<i>Launch</i> & "more"' in table.text
    assert not table.all("i")
