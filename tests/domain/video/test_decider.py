from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

import pytest
from msgspec.structs import replace

from domain import events as e
from domain.errors import CorruptHistoryError, InvalidTagError, NotFoundError
from domain.video import commands as c
from domain.video.decider import VideoState, decide, evolve
from domain.video.window import Window
from tests.kit.builders import (
    ADA,
    ANOTHER_SCRAPE,
    NAMES,
    NOON,
    ORGANIZATION,
    PROJECT,
    SCRAPE,
)
from tests.kit.scenario import Scenario

ID = "7185729796075474222"
NAME = NAMES.pseudonym(ID)
MINE: dict[str, Any] = {"organization_id": ORGANIZATION}

DISCOVER = c.DiscoverVideo(
    **MINE,
    project_id=PROJECT,
    creator_id=ADA,
    tiktok_video_id=ID,
    pseudonym=NAME,
    handle="ada",
    tracking_status="auto_tracked",
    scrape_id=SCRAPE,
    kind="photo",
    title="Goats",
    posted_at=NOON,
)
DISCOVERED = e.VideoDiscovered(
    **MINE,
    project_id=PROJECT,
    creator_id=ADA,
    tiktok_video_id=ID,
    pseudonym=NAME,
    handle="ada",
    tracking_status="auto_tracked",
    scrape_id=SCRAPE,
    kind="photo",
    title="Goats",
    posted_at=NOON,
)
PENDING = replace(DISCOVERED, tracking_status="pending_review")
OUTSIDE = replace(DISCOVERED, tracking_status="out_of_window")
ADD = c.AddVideo(
    **MINE,
    project_id=PROJECT,
    tiktok_video_id=ID,
    pseudonym=NAME,
    handle="ada",
    kind="video",
)
ADDED = e.VideoAdded(
    **MINE,
    project_id=PROJECT,
    tiktok_video_id=ID,
    pseudonym=NAME,
    handle="ada",
    kind="video",
)
INCLUDED = e.VideoIncluded(**MINE)
EXCLUDED = e.VideoExcluded(**MINE)
PUT_BACK = e.VideoPutBack(**MINE)
DISABLED = e.VideoTrackingDisabled(**MINE)


@pytest.fixture
def scenario() -> Scenario[VideoState | None, c.VideoCommand, e.VideoEvent]:
    return Scenario(decide, evolve, nothing=None)


def _after(*events: e.VideoEvent) -> VideoState:
    video = reduce(evolve, events, None)
    assert video is not None
    return video


# how a video comes into a project


def test_a_video_is_discovered_once(scenario: Scenario[Any, Any, Any]):
    scenario.given().when(DISCOVER).then(DISCOVERED)
    scenario.given(DISCOVERED).when(DISCOVER).then_nothing()


@pytest.mark.parametrize("decided", (INCLUDED, EXCLUDED, DISABLED))
def test_what_somebody_decided_is_not_undone_by_the_next_list(
    scenario: Scenario[Any, Any, Any], decided: e.VideoEvent
):
    scenario.given(PENDING, decided).when(DISCOVER).then_nothing()


def test_a_video_added_by_hand_learns_whose_it_is_and_stays_added(
    scenario: Scenario[Any, Any, Any],
):
    scenario.given(ADDED).when(DISCOVER).then(DISCOVERED)
    video = _after(ADDED, DISCOVERED)
    assert (video.tracking_status, video.creator_id) == ("direct_add", ADA)
    assert (video.kind, video.posted_at) == ("photo", NOON)
    scenario.given(ADDED, DISCOVERED).when(DISCOVER).then_nothing()


def test_a_video_outside_comes_in_when_a_list_shows_it_inside(
    scenario: Scenario[Any, Any, Any],
):
    scenario.given(OUTSIDE).when(DISCOVER).then(
        e.VideoCameIntoWindow(**MINE, tracking_status="auto_tracked")
    )


def test_adding_by_hand_tracks_whatever_was_not_counted(
    scenario: Scenario[Any, Any, Any],
):
    scenario.given().when(ADD).then(ADDED)
    for before in ([PENDING], [OUTSIDE], [PENDING, EXCLUDED], [DISCOVERED, DISABLED]):
        scenario.given(*before).when(ADD).then(ADDED)
        assert _after(*before, ADDED).is_counted
        assert _after(*before, ADDED).creator_id == ADA


@pytest.mark.parametrize("counted", ([DISCOVERED], [ADDED], [PENDING, INCLUDED]))
def test_adding_what_is_counted_changes_nothing(
    scenario: Scenario[Any, Any, Any], counted: list[e.VideoEvent]
):
    scenario.given(*counted).when(ADD).then_nothing()


# windows


def test_a_wider_window_takes_in_what_was_outside_and_nothing_else(
    scenario: Scenario[Any, Any, Any],
):
    move = c.MoveWindow(tracking_status="pending_review")
    scenario.given(OUTSIDE).when(move).then(
        e.VideoCameIntoWindow(**MINE, tracking_status="pending_review")
    )
    for before in ([PENDING], [DISCOVERED], [OUTSIDE, EXCLUDED], [OUTSIDE, INCLUDED]):
        scenario.given(*before).when(move).then_nothing()


def test_a_video_still_outside_stays_there(scenario: Scenario[Any, Any, Any]):
    move = c.MoveWindow(tracking_status="out_of_window")
    scenario.given(OUTSIDE).when(move).then_nothing()


MARCH = Window(
    tracking_mode="auto",
    tracking_start_date=date(2026, 3, 1),
    tracking_end_date=date(2026, 3, 31),
    time_zone="Pacific/Auckland",
)


@pytest.mark.parametrize(
    ("posted_at", "status"),
    (
        # In Auckland March begins at 11:00 UTC of the day before, and ends likewise.
        (datetime(2026, 2, 28, 10, 59, 59, tzinfo=UTC), "out_of_window"),
        (datetime(2026, 2, 28, 11, tzinfo=UTC), "auto_tracked"),
        (datetime(2026, 3, 31, 10, 59, 59, tzinfo=UTC), "auto_tracked"),
        (datetime(2026, 3, 31, 11, tzinfo=UTC), "out_of_window"),
        (None, "pending_review"),
    ),
)
def test_days_of_the_window_are_those_of_the_organization(
    posted_at: datetime | None, status: str
):
    assert MARCH.status_of(posted_at) == status


def test_an_open_end_has_no_bound():
    since = replace(MARCH, tracking_end_date=None)
    until = replace(MARCH, tracking_start_date=None)
    assert since.status_of(datetime(2030, 1, 1, tzinfo=UTC)) == "auto_tracked"
    assert until.status_of(datetime(2020, 1, 1, tzinfo=UTC)) == "auto_tracked"
    assert until.status_of(datetime(2030, 1, 1, tzinfo=UTC)) == "out_of_window"


def test_without_any_bound_an_unknown_time_does_not_matter():
    always = replace(MARCH, tracking_start_date=None, tracking_end_date=None)
    assert always.status_of(None) == "auto_tracked"


def test_in_selective_mode_what_lies_inside_waits_for_review():
    selective = replace(MARCH, tracking_mode="selective")
    assert selective.status_of(NOON) == "pending_review"
    assert selective.status_of(datetime(2025, 1, 1, tzinfo=UTC)) == "out_of_window"


# review and tracking


def test_review_includes_and_excludes_and_can_change_its_mind(
    scenario: Scenario[Any, Any, Any],
):
    scenario.given(PENDING).when(c.IncludeVideo()).then(INCLUDED)
    scenario.given(PENDING).when(c.ExcludeVideo()).then(EXCLUDED)
    scenario.given(PENDING, INCLUDED).when(c.ExcludeVideo()).then(EXCLUDED)
    scenario.given(PENDING, EXCLUDED).when(c.IncludeVideo()).then(INCLUDED)
    scenario.given(PENDING, EXCLUDED).when(c.ExcludeVideo()).then_nothing()
    scenario.given(PENDING, INCLUDED).when(c.IncludeVideo()).then_nothing()
    scenario.given(DISCOVERED).when(c.IncludeVideo()).then_nothing()


def test_a_decision_can_be_taken_back(scenario: Scenario[Any, Any, Any]):
    scenario.given(PENDING, INCLUDED).when(c.PutBackVideo()).then(PUT_BACK)
    scenario.given(PENDING, EXCLUDED).when(c.PutBackVideo()).then(PUT_BACK)
    scenario.given(PENDING, EXCLUDED, PUT_BACK).when(c.ExcludeVideo()).then(EXCLUDED)
    scenario.given(PENDING, INCLUDED, PUT_BACK).when(c.IncludeVideo()).then(INCLUDED)
    assert _after(PENDING, EXCLUDED, PUT_BACK) == _after(PENDING)
    assert _after(PENDING, INCLUDED, DISABLED, PUT_BACK) == _after(PENDING)


def test_what_nobody_decided_about_is_not_put_back(
    scenario: Scenario[Any, Any, Any],
):
    scenario.given(PENDING).when(c.PutBackVideo()).then_nothing()
    scenario.given(PENDING, INCLUDED, PUT_BACK).when(c.PutBackVideo()).then_nothing()
    scenario.given(DISCOVERED).when(c.PutBackVideo()).then_nothing()
    scenario.given(OUTSIDE).when(c.PutBackVideo()).then_nothing()
    scenario.given(ADDED).when(c.PutBackVideo()).then_nothing()


def test_tracking_ends_once_and_only_where_something_is_tracked(
    scenario: Scenario[Any, Any, Any],
):
    scenario.given(DISCOVERED).when(c.DisableTracking()).then(DISABLED)
    scenario.given(DISCOVERED, DISABLED).when(c.DisableTracking()).then_nothing()
    scenario.given(PENDING).when(c.DisableTracking()).then_nothing()
    scenario.given(DISCOVERED, EXCLUDED).when(c.DisableTracking()).then_nothing()
    assert not _after(DISCOVERED, DISABLED).is_counted


def test_including_starts_tracking_again(scenario: Scenario[Any, Any, Any]):
    scenario.given(DISCOVERED, DISABLED).when(c.IncludeVideo()).then(INCLUDED)
    assert _after(DISCOVERED, DISABLED, INCLUDED).is_counted


@pytest.mark.parametrize(
    ("events", "counted"),
    (
        ([DISCOVERED], True),
        ([ADDED], True),
        ([PENDING, INCLUDED], True),
        ([PENDING], False),
        ([OUTSIDE], False),
        ([DISCOVERED, EXCLUDED], False),
        ([DISCOVERED, DISABLED], False),
        ([PENDING, INCLUDED, PUT_BACK], False),
    ),
)
def test_only_tracked_videos_are_counted(events: list[e.VideoEvent], counted: bool):  # noqa: FBT001
    assert _after(*events).is_counted is counted


# details and absence


def test_only_details_that_differ_are_changed(scenario: Scenario[Any, Any, Any]):
    noted = e.VideoDetailsChanged(**MINE, readme="# A", metadata={"n": 1})
    scenario.given(DISCOVERED).when(
        c.ChangeVideoDetails(readme="# A", metadata={"n": 1}, description=None)
    ).then(noted)
    scenario.given(DISCOVERED, noted).when(
        c.ChangeVideoDetails(readme="# A", metadata={"n": 1})
    ).then_nothing()
    # To Python 1 and 1.0 are equal, to readers of the JSON they are not.
    scenario.given(DISCOVERED, noted).when(
        c.ChangeVideoDetails(readme=None, metadata={"n": 1.0})
    ).then(e.VideoDetailsChanged(**MINE, readme=None, metadata={"n": 1.0}))


def test_tags_of_a_new_video_are_its_own_and_of_a_known_one_a_change(
    scenario: Scenario[Any, Any, Any],
):
    tagged = replace(ADDED, tags=["Hook", "b"])
    change = e.VideoDetailsChanged(**MINE, tags=["b"])
    scenario.given().when(replace(ADD, tags=["Hook", " b", "hook"])).then(tagged)
    scenario.given(tagged).when(replace(ADD, tags=["b"])).then(change)
    scenario.given(tagged).when(ADD).then_nothing()
    scenario.given(tagged, EXCLUDED).when(replace(ADD, tags=["b"])).then(ADDED, change)
    scenario.given(tagged).when(c.ChangeVideoDetails(tags=["b"])).then(change)
    scenario.given(tagged).when(c.ChangeVideoDetails(tags=["a,b"])).then_refused(
        InvalidTagError
    )
    assert _after(tagged, EXCLUDED, ADDED).tags == ["Hook", "b"]


def test_an_absence_is_recorded_once_and_a_later_one_again(
    scenario: Scenario[Any, Any, Any],
):
    later = datetime(2026, 4, 1, tzinfo=UTC)
    gone = e.VideoWentMissing(**MINE, missing_since=NOON, scrape_id=SCRAPE)
    report = c.ReportMissing(missing_since=NOON, scrape_id=SCRAPE)
    scenario.given(DISCOVERED).when(report).then(gone)
    scenario.given(DISCOVERED, gone).when(report).then_nothing()
    scenario.given(DISCOVERED, gone).when(
        c.ReportMissing(missing_since=later, scrape_id=ANOTHER_SCRAPE)
    ).then(e.VideoWentMissing(**MINE, missing_since=later, scrape_id=ANOTHER_SCRAPE))
    assert _after(DISCOVERED, gone).missing_since == NOON


def test_a_video_that_counts_takes_off_once(scenario: Scenario[Any, Any, Any]):
    numbers: dict[str, Any] = {
        "age_days": 2,
        "views": 9_000,
        "peer_median": 1_000.0,
        "peers": 5,
        "outlier_factor": 9.0,
    }
    report, took_off = c.ReportTakeOff(**numbers), e.VideoTookOff(**MINE, **numbers)

    scenario.given(DISCOVERED).when(report).then(took_off)
    scenario.given(DISCOVERED, took_off).when(report).then_nothing()
    scenario.given(DISCOVERED, EXCLUDED).when(report).then_nothing()
    assert _after(DISCOVERED, took_off).has_taken_off


# what is not there


@pytest.mark.parametrize(
    "command",
    (
        c.MoveWindow(tracking_status="auto_tracked"),
        c.IncludeVideo(),
        c.ExcludeVideo(),
        c.PutBackVideo(),
        c.DisableTracking(),
        c.ChangeVideoDetails(readme="x"),
        c.ReportMissing(missing_since=NOON, scrape_id=SCRAPE),
        c.ReportTakeOff(
            age_days=1, views=9, peer_median=1.0, peers=5, outlier_factor=9.0
        ),
    ),
)
def test_nothing_can_be_done_to_a_video_that_is_not_there(
    scenario: Scenario[Any, Any, Any], command: c.VideoCommand
):
    scenario.given().when(command).then_refused(NotFoundError, kind="video")


@pytest.mark.parametrize("event", (INCLUDED, EXCLUDED, DISABLED))
def test_a_history_that_begins_in_the_middle_is_corrupt(event: e.VideoEvent):
    with pytest.raises(CorruptHistoryError):
        evolve(None, event)
