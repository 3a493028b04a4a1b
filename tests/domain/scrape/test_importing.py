from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest

from domain import commands as c
from domain import events as e
from domain.scrape.decider import MAX_VIDEOS_PER_SNAPSHOT
from domain.scrape.importing import (
    KnownDetails,
    ObservationGroup,
    distinct,
    learn,
    runs_of,
    take_out,
)
from domain.scrape.recorded_lines import ObservedContent
from domain.streams import Names
from tests.kit.builders import ADA, NOON, ORGANIZATION, PROJECT

HAY = "https://p16.tiktokcdn.com/obj/hay.jpeg"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
GONE = ObservedContent(outcome="not_found")
PRIVATE = ObservedContent(outcome="private")


def profile(
    followers: int,
    precision: e.Precision | None = None,
    *,
    in_log_order: bool = False,
) -> ObservedContent:
    seen = c.ProfileSnapshot(follower_count=followers, precision=precision)
    return ObservedContent(profile=seen, in_log_order=in_log_order)


def video(
    views: int | None,
    *,
    name: str = "7001",
    title: str | None = None,
    kind: str | None = None,
    posted_at: datetime | None = None,
) -> ObservedContent:
    return ObservedContent(
        video=c.VideoSnapshot(
            tiktok_video_id=name,
            view_count=views,
            title=title,
            kind=kind,
            posted_at=posted_at,
        )
    )


def line_of(observed: ObservedContent) -> bytes:
    return msgspec.json.encode(observed)


def seen_at_noon(*observed: ObservedContent) -> ObservationGroup:
    return ObservationGroup(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        creator_id=ADA,
        handle="ada",
        observed_at=NOON,
        read_lines=lambda: [(line_of(each), each) for each in observed],
    )


def runs(
    *observed: ObservedContent,
    known: KnownDetails | None = None,
    stored: list[e.Event] | None = None,
) -> list[list[e.ScrapeEvent]]:
    """The runs that an import of these adds to the stored ones."""
    moment = seen_at_noon(*observed)
    unseen = distinct(moment.read_lines())
    take_out(unseen, stored or [], Names())
    known = {} if known is None else known
    return list(runs_of(moment, list(unseen.values()), known, Names()))


def snapshots(events: list[e.ScrapeEvent]) -> list[e.VideoStatsSnapshotRecorded]:
    return [f for f in events if isinstance(f, e.VideoStatsSnapshotRecorded)]


def the_snapshot(events: list[e.ScrapeEvent]) -> e.VideoStatsSnapshotRecorded:
    (snapshot,) = snapshots(events)
    return snapshot


def requested(job_type: e.JobType) -> e.ScrapeRequested:
    return e.ScrapeRequested(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        creator_id=ADA,
        handle="ada",
        job_type=job_type,
        trigger="imported",
    )


def test_a_profile_and_the_videos_of_a_moment_are_one_run():
    lines = [profile(12), video(5), video(None, name="7002", title="Hay")]

    (run,) = runs(*lines)

    assert run == [
        requested("discover_videos"),
        e.ProfileSnapshotRecorded(
            organization_id=ORGANIZATION,
            creator_id=ADA,
            observed_at=NOON,
            provider="import",
            follower_count=12,
        ),
        e.VideoStatsSnapshotRecorded(
            organization_id=ORGANIZATION,
            project_id=PROJECT,
            creator_id=ADA,
            observed_at=NOON,
            provider="import",
            video_ids=("7001", "7002"),
            view_counts=(5, None),
            like_counts=(None, None),
            comment_counts=(None, None),
            share_counts=(None, None),
            save_counts=(None, None),
            titles=(None, "Hay"),
        ),
        e.ScrapeSucceeded(
            organization_id=ORGANIZATION,
            creator_id=ADA,
            job_type="discover_videos",
            provider="import",
            attempts=1,
            observed_at=NOON,
            duration_ms=0,
            profile_observed=True,
            videos_observed=2,
            payload_sha256=sha256(b"\n".join(sorted(map(line_of, lines)))).hexdigest(),
        ),
    ]


def test_a_profile_alone_is_a_run_of_the_profile():
    (run,) = runs(profile(12))

    assert run[0] == requested("creator_profiles")
    assert [type(event) for event in run] == [
        e.ScrapeRequested,
        e.ProfileSnapshotRecorded,
        e.ScrapeSucceeded,
    ]


def test_an_outcome_is_a_failed_run_that_says_when_it_was_so():
    (run,) = runs(GONE)

    assert run == [
        requested("creator_profiles"),
        e.ScrapeFailed(
            organization_id=ORGANIZATION,
            creator_id=ADA,
            job_type="creator_profiles",
            provider="import",
            attempts=1,
            error="Imported: a recording says so.",
            outcome="not_found",
            observed_at=NOON,
        ),
    ]


def test_each_outcome_is_a_run_of_its_own_behind_what_was_seen():
    made = runs(GONE, video(5), PRIVATE)

    outcomes = [run[-1].outcome for run in made if isinstance(run[-1], e.ScrapeFailed)]
    assert len(made) == 3
    assert isinstance(made[0][-1], e.ScrapeSucceeded)
    assert outcomes == ["not_found", "private"]


def test_many_videos_are_several_snapshots_of_one_run():
    lines = [video(n, name=str(n)) for n in range(MAX_VIDEOS_PER_SNAPSHOT + 1)]

    (run,) = runs(*lines)

    assert [len(s.video_ids) for s in snapshots(run)] == [MAX_VIDEOS_PER_SNAPSHOT, 1]


def test_what_contradicts_goes_into_a_run_of_its_own():
    made = runs(profile(1), profile(2), video(5), video(6), video(8, name="7002"))

    assert [the_snapshot(run).view_counts for run in made] == [(5, 8), (6,)]
    assert [the_snapshot(run).video_ids for run in made] == [
        ("7001", "7002"),
        ("7001",),
    ]
    assert followers_in(made) == [1, 2]


@pytest.mark.parametrize(
    ("views", "stored"),
    (
        ((90, 100), [90, 100]),
        ((100, 90), [100, 90]),
        ((100, 90, 100), [90, 100]),
        ((9, 100, 20, 9), [100, 20, 9]),
    ),
)
def test_the_later_line_of_a_recording_is_stored_last(
    views: tuple[int, ...], stored: list[int]
):
    made = runs(video(8, name="7002"), *map(video, views))

    seen = [dict(zip(s.video_ids, s.view_counts, strict=True)) for s in map(last, made)]
    assert [each["7001"] for each in seen] == stored
    assert seen[0]["7002"] == 8


def last(run: list[e.ScrapeEvent]) -> e.VideoStatsSnapshotRecorded:
    return snapshots(run)[-1]


@pytest.mark.parametrize(
    ("lines", "stored"),
    (
        ([(12_345, "exact"), (12_300, "rounded")], [12_300, 12_345]),
        ([(12_300, "rounded"), (12_345, None)], [12_300, 12_345]),
        # A number that is shown to the last digit is exact.
        ([(9_876, None), (9_875, "rounded")], [9_876, 9_875]),
        ([(1, "exact"), (2, "exact"), (12_300, "rounded")], [12_300, 1, 2]),
    ),
)
def test_what_is_exact_is_stored_after_what_is_rounded(
    lines: list[tuple[int, e.Precision | None]], stored: list[int]
):
    made = runs(*(profile(*line) for line in lines))

    assert followers_in(made) == stored


def test_lines_of_an_export_are_stored_as_they_were_recorded():
    made = runs(profile(12_345, "exact"), profile(12_300, "rounded", in_log_order=True))

    assert followers_in(made) == [12_345, 12_300]


def followers_in(made: list[list[e.ScrapeEvent]]) -> list[int | None]:
    return [
        event.follower_count
        for run in made
        for event in run
        if isinstance(event, e.ProfileSnapshotRecorded)
    ]


def test_a_video_that_differs_in_its_details_alone_counts_once_with_all_of_them():
    (run,) = runs(
        video(5, kind="photo"), video(5, title="Hay"), video(5, title="Straw")
    )

    snapshot = the_snapshot(run)
    assert (snapshot.view_counts, snapshot.kinds) == ((5,), ("photo",))
    assert snapshot.titles == ("Hay",)


def test_details_are_told_where_they_are_new_or_changed():
    known: KnownDetails = {}

    first, second, third = (
        the_snapshot(runs(video(views, title=title, kind="video"), known=known)[0])
        for views, title in ((1, "Hay"), (2, "Hay"), (3, "Straw"))
    )

    assert (first.kinds, first.titles) == (("video",), ("Hay",))
    assert (second.kinds, second.titles) == ((), ())
    assert (third.kinds, third.titles) == ((), ("Straw",))
    assert known == {"7001": ("video", "Straw", None, None, None)}


def test_details_that_a_line_leaves_out_stay_known():
    known: KnownDetails = {"7001": ("video", "Hay", NEW_YEAR, HAY, None)}

    (run,) = runs(video(1), known=known)

    assert (the_snapshot(run).titles, the_snapshot(run).kinds) == ((), ())
    assert known == {"7001": ("video", "Hay", NEW_YEAR, HAY, None)}


@pytest.mark.parametrize(
    "observed",
    (profile(12), video(5), GONE),
    ids=["profile", "video", "outcome"],
)
def test_what_is_stored_makes_no_run(observed: ObservedContent):
    (run,) = runs(observed)

    again = runs(observed, stored=list(run))

    assert again == []


def test_of_a_moment_that_grew_only_what_is_new_makes_a_run():
    (stored,) = runs(profile(1), video(5))

    (run,) = runs(
        profile(1), video(5), video(6), GONE, stored=[*stored, *runs(GONE)[0]]
    )

    assert [type(event) for event in run] == [
        e.ScrapeRequested,
        e.VideoStatsSnapshotRecorded,
        e.ScrapeSucceeded,
    ]
    assert the_snapshot(run).view_counts == (6,)


def test_what_is_stored_teaches_the_details_that_it_tells():
    (stored,) = runs(video(5, title="Hay", posted_at=NEW_YEAR), video(1, name="7002"))
    known: KnownDetails = {"7002": ("photo", None, None, None, None)}

    learn(known, stored)

    assert known == {
        "7001": (None, "Hay", NEW_YEAR, None, None),
        "7002": ("photo", None, None, None, None),
    }
