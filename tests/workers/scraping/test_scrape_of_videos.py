from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.scrape.decider import MAX_VIDEOS_PER_SNAPSHOT
from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from domain.video.attributes import VideoAttributes
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import Home, asking, log_of
from tests.kit.jobs import Watched, derive_jobs
from tests.kit.videos import (
    INSIDE,
    MONDAY,
    OUTSIDE,
    a_creator,
    a_run,
    events_of,
    happened,
    settle,
    the_video,
)
from workers.policies.known_video import digest_of
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain
from workers.sources.port import Target


def seen(
    *videos: VideoObservation, missing: tuple[str, ...] = (), day: float = 0
) -> Ok:
    return Ok(observed_at=MONDAY + timedelta(days=day), videos=videos, missing=missing)


def video(
    video_id: str = "71", title: str | None = "Hay", **details: int
) -> VideoObservation:
    return VideoObservation(
        tiktok_video_id=video_id,
        kind="video",
        title=title,
        posted_at=INSIDE,
        view_count=details.get("views"),
    )


def scrape(
    home: Home,
    creator_id: UUID | None,
    answer: Verdict,
    *,
    job_type: e.JobType = "discover_videos",
    video_ids: tuple[str, ...] = (),
) -> tuple[UUID, Target]:
    """Request a run and do it; returns it, and the targets of the provider."""
    run, provider = new_id(), Watched(answer)
    requested = e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        handle="billie",
        job_type=job_type,
        trigger="scheduled",
        tiktok_video_ids=video_ids,
    )
    home.store.append([NewEvent(run, 1, requested)], context=asking())
    derive_jobs(home.store)
    scrape_creator(ScrapeDependencies(store=home.store, chain=Chain(provider)), run)
    return run, provider.targets[0]


def snapshots(store: Store, run: UUID) -> list[e.VideoStatsSnapshotRecorded]:
    return [
        recorded.event
        for recorded in store.load(run)[run]
        if isinstance(recorded.event, e.VideoStatsSnapshotRecorded)
    ]


# details


def test_details_are_told_once_and_again_where_they_changed(home: Home):
    billie = a_creator(home)
    first, _ = scrape(home, billie, seen(video("71"), video("72", "Oats")))
    settle(home.store)

    known, _ = scrape(home, billie, seen(video("71"), video("72", "Oats")))
    changed, _ = scrape(home, billie, seen(video("71", "Straw"), video("72", "Oats")))
    new, _ = scrape(home, billie, seen(video("71"), video("73", "Bran")))

    details = [
        (event.kinds, event.titles, event.posted_at)
        for run in (first, known, changed, new)
        for event in snapshots(home.store, run)
    ]
    assert details == [
        (("video", "video"), ("Hay", "Oats"), (INSIDE, INSIDE)),
        ((), (), ()),
        ((), ("Straw", None), ()),
        ((None, "video"), (None, "Bran"), (None, INSIDE)),
    ]


def test_a_picture_is_told_again_only_where_its_path_is_another(home: Home):
    billie = a_creator(home)
    first = "https://p16.tiktokcdn.com/obj/one.jpeg?x-expires=1"
    signed = "https://p19.tiktokcdn.com/obj/one.jpeg?x-expires=2"
    other = "https://p16.tiktokcdn.com/obj/two.jpeg?x-expires=3"
    # Before a discovery nothing is known of a video.
    scrape(home, billie, seen(video()))
    settle(home.store)

    stored: list[tuple[str | None, ...]] = []
    for url in (first, signed, UNSET, other, signed):
        listed = replace(video(), thumbnail_url=url)
        run, _ = scrape(home, billie, seen(listed))
        settle(home.store)
        stored += [event.thumbnail_urls for event in snapshots(home.store, run)]

    assert stored == [(first,), (), (), (other,), (signed,)]


def test_an_attribute_is_told_again_only_where_it_is_another(home: Home):
    billie = a_creator(home)
    full = replace(video(), duration_s=15, hashtags=("hay",), is_pinned=True)
    partly = replace(video(), duration_s=15)
    unpinned = replace(full, is_pinned=False)
    # Before a discovery nothing is known of a video.
    scrape(home, billie, seen(full))
    settle(home.store)
    (discovered,) = (
        recorded.event
        for recorded in log_of(home.store)
        if isinstance(recorded.event, e.VideoDiscovered)
    )

    stored: list[VideoAttributes | None] = []
    for listed in (full, partly, full, unpinned, video(), unpinned):
        run, _ = scrape(home, billie, seen(listed))
        settle(home.store)
        stored += [
            next(iter(event.attributes.values()), None)
            for event in snapshots(home.store, run)
        ]

    stated = VideoAttributes(duration_s=15, hashtags=("hay",), is_pinned=True)
    assert discovered.attributes == stated
    assert stored == [None, None, None, VideoAttributes(is_pinned=False), None, None]


def test_what_nobody_knows_as_a_creators_yet_is_told_in_full(home: Home):
    billie = a_creator(home)
    happened(
        home,
        "71",
        e.VideoAdded(
            organization_id=home.organization_id,
            project_id=home.project_id,
            tiktok_video_id="71",
            handle="billie",
            kind="video",
        ),
    )
    alone = [scrape(home, None, seen(video()), video_ids=("71",))[0]]
    settle(home.store)
    alone.append(scrape(home, None, seen(video()), video_ids=("71",))[0])

    scrape(home, billie, seen(video()))
    settle(home.store)

    titles = [event.titles for run in alone for event in snapshots(home.store, run)]
    assert titles == [("Hay",), ()]
    *_, event = events_of(home, "71")
    assert isinstance(event, e.VideoDiscovered)
    assert (event.title, event.posted_at) == ("Hay", INSIDE)


def test_a_title_that_cannot_be_stored_is_known_as_it_was_stored(home: Home):
    billie = a_creator(home)
    torn = seen(video("71", "Hay\0 \ud83d"))
    scrape(home, billie, torn)
    settle(home.store)

    again, _ = scrape(home, billie, torn)

    (event,) = snapshots(home.store, again)
    assert event.titles == ()


def test_a_video_that_is_listed_twice_counts_once_as_first_seen(home: Home):
    billie = a_creator(home)
    run, _ = scrape(
        home, billie, seen(video(views=5), video("72", views=7), video(views=4))
    )

    (event,) = snapshots(home.store, run)
    assert (event.tiktok_video_ids, event.view_counts) == (("71", "72"), (5, 7))


@given(title=st.text())
def test_a_titles_digest_fits_the_column_it_is_kept_in(title: str):
    digest = digest_of(title)

    assert digest is not None
    assert -(2**63) <= digest < 2**63
    assert digest_of(f"{title}!") != digest


# one append


@pytest.mark.parametrize(("amount", "events"), ((500, 2), (501, 3), (5_000, 11)))
def test_a_run_ends_in_one_append_however_many_videos_it_saw(
    home: Home, amount: int, events: int
):
    billie = a_creator(home)
    videos = [video(str(number)) for number in range(amount)]

    run, _ = scrape(home, billie, seen(*videos))

    result = home.store.load(run)[run][1:]
    assert len(result) == events
    assert len({recorded.causation_id for recorded in result}) == 1
    parts = [len(event.video_ids) for event in snapshots(home.store, run)]
    assert sum(parts) == amount
    assert max(parts) == MAX_VIDEOS_PER_SNAPSHOT


# what is asked for


def test_counters_are_asked_of_the_videos_that_count(home: Home):
    billie = a_creator(home)
    times = [INSIDE, INSIDE - timedelta(hours=1), OUTSIDE, INSIDE, INSIDE]
    a_run(home, billie, "71", "72", "73", "74", "75", posted_at=times)
    a_run(home, a_creator(home, "nanny"), "81", posted_at=[INSIDE])
    settle(home.store)
    org = home.organization_id
    happened(home, "74", e.VideoExcluded(organization_id=org))
    happened(home, "75", e.VideoTrackingDisabled(organization_id=org))
    settle(home.store)

    _, stats = scrape(home, billie, seen(), job_type="video_stats")
    _, lists = scrape(home, billie, seen(), job_type="discover_videos")

    assert sorted(stats.video_ids) == ["71", "72"]
    assert lists.video_ids == ()


def test_of_a_creator_without_any_all_are_asked_for(home: Home):
    _, target = scrape(home, a_creator(home), seen(), job_type="video_stats")

    assert target.video_ids == ()


def test_a_run_that_names_its_videos_asks_for_those(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71", posted_at=[INSIDE])
    settle(home.store)

    _, target = scrape(home, billie, seen(), job_type="video_stats", video_ids=("72",))

    assert target.video_ids == ("72",)


# videos that are gone


def test_what_two_runs_found_gone_goes_missing(home: Home):
    billie = a_creator(home)
    scrape(home, billie, seen(video()))
    settle(home.store)

    runs = [
        scrape(home, billie, seen(missing=("71",), day=day), job_type="video_stats")[0]
        for day in (1, 2)
    ]
    settle(home.store)

    *_, end = home.store.load(runs[0])[runs[0]]
    assert isinstance(end.event, e.ScrapeSucceeded)
    assert end.event.missing_video_ids == (home.store.names.pseudonym("71"),)
    assert the_video(home, "71").missing_since == MONDAY + timedelta(days=1)
