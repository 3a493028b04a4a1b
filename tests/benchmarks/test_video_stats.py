"""Runs of creators with 500 videos: what one leaves in the log, and on disk."""

from random import Random
from uuid import UUID

from psycopg import sql

from domain import events as e
from domain.creator.handlers.add import RequestedCreator
from domain.scrape.decider import MAX_VIDEOS_PER_SNAPSHOT
from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import Ok
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.benchmarks.harness import Report, Row
from tests.kit.builders import NOON, Home, asking, make_home
from tests.kit.jobs import Scripted, derive_jobs
from tests.kit.videos import settle
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain

CREATORS = 10
RUNS = 20
BYTES_BAR = 40
EVENTS_BAR = 3


def test_what_a_run_of_500_known_videos_leaves(store: Store, report: Report):
    home, chance = make_home(store), Random(1)
    population = [a_population(home, chance, number) for number in range(CREATORS)]
    for creator_id, videos in population:
        run(home, creator_id, videos)
    settle(store)
    # The discovery is not part of the cost of the runs after it.
    before, head = size(store), store.head()

    for number in range(RUNS):
        for creator_id, videos in population:
            videos[:] = [grown(video, chance) for video in videos]
            events = run(home, creator_id, videos)
            assert events <= EVENTS_BAR, number
    settle(store)

    runs = CREATORS * RUNS
    observations = runs * MAX_VIDEOS_PER_SNAPSHOT
    a_run = (store.head() - head) / runs - 1
    a_video = (size(store) - before) / observations
    how = (
        "Runs of 500 videos: "
        f"{CREATORS} creators, {RUNS} runs of each through the worker, with titles and "
        "times that are known by then, ids of 19 digits and counters from a hundred to "
        "some millions. Bytes: the growth of the log with its indexes and TOAST table, "
        "request and end of the run included, divided by the videos seen. Events: the "
        "events of the result, which is one append; the request is not counted."
    )
    report.add(
        Row(
            what="Bytes on disk for each video observed",
            ours=f"{a_video:.1f} bytes",
            bar=(f"at most {BYTES_BAR}", a_video <= BYTES_BAR),
            how=how,
        ),
        Row(
            what="Events appended for one scrape of 500 videos",
            ours=f"{a_run:.0f} events",
            bar=(f"at most {EVENTS_BAR}", a_run <= EVENTS_BAR),
            how=how,
        ),
    )


def a_population(
    home: Home, chance: Random, number: int
) -> tuple[UUID, list[VideoObservation]]:
    """A creator with 500 videos of a year and a half, each more or less popular."""
    wanted = RequestedCreator(tiktok_handle=f"goat{number}", tracking_start_date=None)
    (added,) = home.add_new(wanted)
    assert added.creator_id is not None
    # An id is the second it was made in, and 32 bits of chance.
    first = 1_740_000_000
    seconds = sorted(chance.sample(range(48_000_000), MAX_VIDEOS_PER_SNAPSHOT))
    ids = [((first + second) << 32) + chance.getrandbits(32) for second in seconds]
    return added.creator_id, [
        a_video(str(video_id), int(chance.lognormvariate(9, 1.8)), chance)
        for video_id in reversed(ids)
    ]


def a_video(video_id: str, views: int, chance: Random) -> VideoObservation:
    likes = int(views * chance.uniform(0.02, 0.15))
    return VideoObservation(
        tiktok_video_id=video_id,
        title=f"Goat video {video_id} #goats #{chance.getrandbits(40):x}",
        kind="video",
        posted_at=NOON,
        view_count=views,
        like_count=likes,
        comment_count=int(likes * chance.uniform(0.005, 0.05)),
        share_count=int(likes * chance.uniform(0.005, 0.1)),
        save_count=int(likes * chance.uniform(0.01, 0.2)),
    )


def grown(video: VideoObservation, chance: Random) -> VideoObservation:
    """The same video some hours later."""
    again = a_video(
        video.tiktok_video_id,
        int((video.view_count or 0) * chance.uniform(1, 1.01)),
        chance,
    )
    return VideoObservation(
        tiktok_video_id=video.tiktok_video_id,
        title=video.title,
        kind=video.kind,
        posted_at=video.posted_at,
        view_count=again.view_count,
        like_count=again.like_count,
        comment_count=again.comment_count,
        share_count=again.share_count,
        save_count=again.save_count,
    )


def run(home: Home, creator_id: UUID, videos: list[VideoObservation]) -> int:
    """Ask for a run and do it as a worker does; returns how many events it appended."""
    scrape_id = new_id()
    requested = e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        handle="mount-goatlympus",
        job_type="discover_videos",
        trigger="scheduled",
    )
    home.store.append(
        [NewEvent(scrape_id, 1, requested)], context=asking("policy:schedule")
    )
    derive_jobs(home.store)
    seen = Ok(
        observed_at=NOON, videos=tuple(videos), pages=15, payload_sha256="ab" * 32
    )
    scrape_creator(
        ScrapeDependencies(store=home.store, chain=Chain(Scripted(seen))), scrape_id
    )
    return len(home.store.load(scrape_id)[scrape_id]) - 1


def size(store: Store) -> int:
    """How many bytes the log takes, with everything that belongs to it."""
    with store.pool.connection() as connection:
        row = connection.execute(
            sql.SQL("SELECT pg_total_relation_size('goatherd_events')")
        ).fetchone()
    assert row is not None
    return row[0]
