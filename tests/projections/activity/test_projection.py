"""activity: each kind from the events that it follows from."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import IMPORT_PROVIDER
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.activity.projection import Activity
from tests.kit.expected import rows_of
from tests.kit.expected_activity import activity
from tests.kit.histories import (
    HOME,
    MONDAY,
    PROJECT,
    SECOND,
    History,
    added,
    failed,
    found,
    noted,
    snapshot,
    stats,
    succeeded,
)

BILLIE = UUID("b1111111-0000-4000-8000-000000000000")
RUN = UUID("5c5c5c5c-0000-4000-8000-000000000000")
NOTE = UUID("a0a0a0a0-0000-4000-8000-000000000000")
CAMPAIGN = UUID("ca000000-0000-4000-8000-000000000000")

Reading = Connection[TupleRow]


def apply(connection: Reading, events: Sequence[RecordedEvent]) -> list[dict[str, Any]]:
    """Apply events, one by one and all again; return the rows in the order of time."""
    with connection.cursor() as cursor:
        for recorded in events:
            Activity().write(cursor, [recorded])
        one_by_one = rows_of(connection, "activity")
        Activity().write(cursor, events)
    rows = rows_of(connection, "activity")
    assert rows == one_by_one, "applying events again changed rows"
    assert by_id(rows) == by_id(activity(events).values())
    return sorted(rows, key=lambda row: (row["at"], row["position"]))


def by_id(rows: Iterable[dict[str, Any]]) -> dict[UUID, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def of_kind(rows: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["kind"] == kind]


def milestones(rows: Iterable[dict[str, Any]]) -> list[int]:
    return [row["data"]["milestone"] for row in of_kind(rows, "milestone")]


def imported(event: Any) -> Any:  # noqa: ANN401 - any snapshot
    return replace(event, provider=IMPORT_PROVIDER)


def test_decisions_about_a_creator_are_rows(connection: Reading, history: History):
    of: dict[str, Any] = {"organization_id": HOME}
    history.happened(
        BILLIE,
        added("billie"),
        e.HandleChanged(**of, old="billie", new="nanny"),
        e.CreatorMoved(
            **of, old_project_id=PROJECT, new_project_id=SECOND, history="stay"
        ),
        e.CreatorRemoved(**of),
        e.CreatorReactivated(**of, tracking_mode="auto"),
    )

    rows = apply(connection, history.events)

    assert [row["kind"] for row in sorted(rows, key=lambda row: row["position"])] == [
        *("added", "renamed", "moved", "removed", "added"),
    ]
    assert of_kind(rows, "renamed")[0]["data"] == {"old": "billie", "new": "nanny"}
    (moved,) = of_kind(rows, "moved")
    assert (moved["from_project_id"], moved["project_id"]) == (PROJECT, SECOND)
    assert [row["data"] for row in of_kind(rows, "added")] == [{}, {"is_back": True}]


def test_milestones_that_were_jumped_over_are_reported_with_the_others(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    for day, followers in enumerate((900, 1_100, 1_050, 120_000, 90_000, 130_000)):
        seen = snapshot(BILLIE, day=day, follower_count=followers)
        history.happened(UUID(int=0x50 + day), seen)
    for day, views in enumerate((9_000, 300_000, 310_000)):
        history.happened(UUID(int=0x60 + day), stats_of("1", day=day, views=views))

    rows = of_kind(apply(connection, history.events), "milestone")

    of = {
        metric: milestones(row for row in rows if row["data"]["metric"] == metric)
        for metric in ("followers", "views")
    }
    assert sorted(of["followers"]) == [1_000, 10_000, 50_000, 100_000]
    assert sorted(of["views"]) == [10_000, 50_000, 100_000, 250_000]
    assert {row["at"] for row in rows if row["data"]["metric"] == "views"} == {
        MONDAY + timedelta(days=1)
    }


def test_a_first_observation_passes_no_milestone(connection: Reading, history: History):
    history.happened(BILLIE, added())
    history.happened(
        RUN,
        snapshot(BILLIE, follower_count=2_000_000),
        stats_of("1", views=2_000_000),
    )

    assert milestones(apply(connection, history.events)) == []


def test_imported_history_passes_no_milestone(connection: Reading, history: History):
    history.happened(BILLIE, added())
    first = UUID(int=1)
    for day, followers in enumerate((900, 1_500)):
        history.happened(
            UUID(int=0x50 + day),
            imported(snapshot(BILLIE, day=day, follower_count=followers)),
            imported(stats_of("1", day=day, views=followers * 10)),
        )
    history.events[:] = [
        replace(recorded, correlation_id=first) for recorded in history.events
    ]
    # A later import brings something newer, and something older.
    for number, (day, followers) in enumerate(((9, 11_000), (5, 60_000))):
        history.happened(
            UUID(int=0x70 + number),
            imported(snapshot(BILLIE, day=day, follower_count=followers)),
        )

    assert milestones(apply(connection, history.events)) == [10_000]


def test_a_creator_fails_once_and_works_again_once(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    for number, end in enumerate(
        (
            failed(BILLIE),
            failed(BILLIE),
            failed(BILLIE, job_type="video_stats"),
            succeeded(BILLIE),
            succeeded(BILLIE, job_type="video_stats"),
            succeeded(BILLIE),
            failed(BILLIE, outcome="not_in_recording"),
        )
    ):
        history.happened(UUID(int=0x50 + number), end)

    rows = apply(connection, history.events)

    assert [row["kind"] for row in rows] == ["added", "failing", "recovered"]
    assert rows[1]["data"] == {"job_type": "creator_profiles", "outcome": "private"}


def test_a_video_is_posted_at_its_time_of_posting(
    connection: Reading, history: History
):
    earlier = MONDAY - timedelta(days=20)
    history.happened(BILLIE, added())
    history.happened(video_of("1"), found(BILLIE, "1", posted_at=earlier))
    history.happened(video_of("2"), found(BILLIE, "2"))

    rows = of_kind(apply(connection, history.events), "posted")

    assert [(row["at"], row["data"]) for row in rows] == [
        (earlier, {}),
        (history.events[-1].recorded_at, {"time_is_unknown": True}),
    ]
    assert {row["creator_id"] for row in rows} == {BILLIE}


def test_a_creator_stops_posting_until_the_next_post_is_known(
    connection: Reading, history: History
):
    def post(number: int, day: float) -> None:
        at = MONDAY + timedelta(days=day)
        history.happened(
            video_of(str(number)), found(BILLIE, str(number), posted_at=at)
        )

    history.happened(BILLIE, added())
    for number, day in enumerate((0, 1, 2)):
        post(number, day)
    silent = of_kind(apply(connection, history.events), "stopped_posting")
    post(4, 5)
    later = of_kind(apply(connection, history.events), "stopped_posting")

    assert [row["at"] for row in silent] == [MONDAY + timedelta(days=9)]
    assert [row["at"] for row in later] == [MONDAY + timedelta(days=12)]
    assert later[0]["data"]["usual_days"] == 1


def test_a_creator_that_is_not_tracked_does_not_stop_posting(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    for number in range(2):
        at = MONDAY + timedelta(days=number)
        history.happened(
            video_of(str(number)), found(BILLIE, str(number), posted_at=at)
        )
    history.happened(BILLIE, e.CreatorRemoved(organization_id=HOME))
    removed = of_kind(apply(connection, history.events), "stopped_posting")
    history.happened(
        BILLIE, e.CreatorReactivated(organization_id=HOME, tracking_mode="auto")
    )
    back = of_kind(apply(connection, history.events), "stopped_posting")

    assert (len(removed), len(back)) == (0, 1)


def test_a_creator_that_a_person_disabled_does_not_fail_or_stop_posting(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    for number in range(2):
        at = MONDAY + timedelta(days=number)
        history.happened(
            video_of(str(number)), found(BILLIE, str(number), posted_at=at)
        )
    history.happened(BILLIE, e.CreatorDisabled(organization_id=HOME))
    history.happened(UUID(int=0x50), failed(BILLIE))
    disabled = [row["kind"] for row in apply(connection, history.events)]
    history.happened(BILLIE, e.CreatorReenabled(organization_id=HOME, at=MONDAY))
    back = of_kind(apply(connection, history.events), "stopped_posting")

    assert {*disabled} == {"added", "posted"}
    assert len(back) == 1


def test_a_merged_video_leaves_its_milestones_to_the_creators_video(
    connection: Reading, history: History
):
    of: dict[str, Any] = {"organization_id": HOME}
    alone = replace(stats("1", views=9_000), project_id=SECOND)
    single, own = video_stream(SECOND, "1"), video_of("1")
    history.happened(
        single,
        e.VideoAdded(
            **of, project_id=SECOND, tiktok_video_id="1", handle="billie", kind="video"
        ),
    )
    for day, views in enumerate((9_000, 60_000, 120_000)):
        seen = replace(alone, view_counts=(views,), observed_at=at_day(day))
        history.happened(UUID(int=0x50 + day), seen)
    history.happened(BILLIE, added())
    history.happened(own, found(BILLIE, "1", posted_at=MONDAY))
    for day, views in ((3, 9_500), (4, 10_500)):
        history.happened(UUID(int=0x60 + day), stats_of("1", day=day, views=views))
    history.happened(single, e.VideoMerged(**of, creator_id=BILLIE, into_video_id=own))
    history.happened(UUID(int=0x70), stats_of("1", day=5, views=300_000))
    # Somebody adds the video anew: it begins again.
    history.happened(
        single,
        e.VideoAdded(
            **of, project_id=SECOND, tiktok_video_id="1", handle="billie", kind="video"
        ),
    )

    rows = apply(connection, history.events)

    passed = of_kind(rows, "milestone")
    assert milestones(passed) == [50_000, 100_000, 10_000, 250_000]
    assert {(row["subject_id"], row["creator_id"]) for row in passed} == {(own, BILLIE)}
    videos = [row for row in of_kind(rows, "added") if row["subject_type"] == "video"]
    assert [row["subject_id"] for row in videos] == [own, single]


def at_day(day: float) -> datetime:
    return MONDAY + timedelta(days=day)


def test_decisions_about_videos_are_rows(connection: Reading, history: History):
    of = {"organization_id": HOME}
    history.happened(BILLIE, added())
    history.happened(
        video_of("1"),
        found(BILLIE, "1", tracking_status="pending_review"),
        e.VideoIncluded(**of),
        e.VideoTrackingDisabled(**of),
        e.VideoExcluded(**of),
        e.VideoPutBack(**of),
    )

    rows = of_kind(apply(connection, history.events), "reviewed")

    decisions = {row["position"]: row["data"]["decision"] for row in rows}
    assert [decisions[position] for position in sorted(decisions)] == [
        *("included", "stopped", "excluded", "put_back"),
    ]


def test_a_note_is_a_row_until_it_is_deleted(connection: Reading, history: History):
    history.happened(BILLIE, added())
    history.happened(NOTE, noted("creator", BILLIE))
    written = of_kind(apply(connection, history.events), "note")
    history.happened(NOTE, e.AnnotationDeleted(organization_id=HOME))
    deleted = of_kind(apply(connection, history.events), "note")

    assert [row["id"] for row in written] == [NOTE]
    assert deleted == []


@pytest.mark.parametrize("has_day", (True, False), ids=["with a day", "without"])
def test_a_campaign_begins_with_its_first_day_or_its_making(
    connection: Reading,
    history: History,
    has_day: bool,  # noqa: FBT001
):
    history.happened(
        HOME, e.OrganizationCreated(name="Home", plan="free", time_zone="UTC")
    )
    day = date(2026, 3, 1)
    (made,) = history.happened(
        CAMPAIGN,
        e.CampaignCreated(
            organization_id=HOME,
            project_id=PROJECT,
            name="Spring",
            starts_on=day if has_day else None,
        ),
    )
    first = apply(connection, history.events)
    history.happened(HOME, e.OrganizationSettingsChanged(time_zone="Asia/Tokyo"))
    moved = apply(connection, history.events)

    at = [row["at"].isoformat() for row in (*first, *moved)]
    assert at == (
        ["2026-03-01T00:00:00+00:00", "2026-02-28T15:00:00+00:00"]
        if has_day
        else [made.recorded_at.isoformat()] * 2
    )


def test_a_campaign_that_is_deleted_before_its_first_day_never_begins(
    connection: Reading, history: History
):
    history.happened(
        CAMPAIGN,
        e.CampaignCreated(
            organization_id=HOME,
            project_id=PROJECT,
            name="Spring",
            starts_on=date(2026, 3, 1),
        ),
        e.CampaignDeleted(organization_id=HOME),
    )

    assert apply(connection, history.events) == []


def test_an_erased_creator_leaves_one_row(connection: Reading, history: History):
    history.happened(BILLIE, added("billie"))
    history.happened(
        BILLIE, e.HandleChanged(organization_id=HOME, old="billie", new="nanny")
    )
    history.happened(video_of("1"), found(BILLIE, "1", posted_at=MONDAY))
    history.happened(NOTE, noted("video", video_of("1")))
    history.happened(
        BILLIE, e.SubjectErased(organization_id=HOME, number=1, figures="anonymous")
    )
    history.happened(UUID(int=1), snapshot(BILLIE, follower_count=900))
    history.happened(UUID(int=2), snapshot(BILLIE, follower_count=1_900))
    history.happened(video_of("1"), e.VideoExcluded(organization_id=HOME))

    rows = apply(connection, history.events)

    assert [(row["kind"], row["subject_id"]) for row in rows] == [("erased", BILLIE)]
    assert "billie" not in str(rows)
    assert "nanny" not in str(rows)


def video_of(name: str) -> UUID:
    return video_stream(PROJECT, name)


def stats_of(name: str, *, day: float = 0, views: int) -> e.VideoStatsSnapshotRecorded:
    return replace(stats(name, day=day, views=views), creator_id=BILLIE)
