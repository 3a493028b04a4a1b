"""How long the server takes over the pages that people look at most."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from uuid import UUID

import psycopg

from api.http.access.sessions import COOKIE, Sessions
from domain import events as e
from domain.streams import video_stream
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.digests import digest_of
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.benchmarks.harness import Report, Row, percentile
from tests.benchmarks.histories import Creator, a_creator, addition, campaign_with
from tests.benchmarks.load import load
from tests.benchmarks.serving import SECRET, Tenant, a_tenant, serving
from tests.benchmarks.test_analytics import video_name
from tests.kit.builders import asking

CREATORS = 1_000
DAYS = 35
VIDEOS = 5
WATCHED_VIDEOS = 100
LOOKS = 300
MEMBERS, SINGLE_VIDEOS = 300, 100
BAR_MS, DEAL_BAR_MS, HOME_BAR_MS = 40, 50, 80

_HOW = (
    f"Pages: an organization of {CREATORS:,} creators with {VIDEOS} videos each, "
    f"scraped daily for {DAYS} days; one of them has {WATCHED_VIDEOS} videos. One "
    "granian process, a plan without limits, a session cookie. A campaign has "
    f"{MEMBERS} creators and {SINGLE_VIDEOS} single videos. One connection requests "
    f"the page {LOOKS} times, compressed, after 20 requests to warm up. The time is "
    "from the request to the last byte of the answer, on the same machine. The numbers "
    "stay the same, except where they are newer at each look: there another connection "
    "changes the state of the organization's numbers a hundred times a second. Courses "
    "of creators in lists and drawn rows are kept all the same, until the creator's "
    "own numbers or the row's text change."
)


def test_the_main_pages_are_soon_on_their_way(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    population = [
        a_creator(tenant.organization_id, tenant.project_id, number)
        for number in range(CREATORS)
    ]
    campaign = new_id()
    members, others = population[:MEMBERS], population[MEMBERS:]
    events = chain(
        busy_events(population),
        campaign_with(
            campaign,
            [creator.id for creator in members],
            [
                video_stream(tenant.project_id, video_name(MEMBERS + number, 0))
                for number, _ in enumerate(others[:SINGLE_VIDEOS])
            ],
            organization_id=tenant.organization_id,
            project_id=tenant.project_id,
        ),
    )
    while some := list(islice(events, 1_000)):
        store.append(some, context=asking("bench"))
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    with store.pool.connection() as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")

    pages = (
        (f"The page of {CREATORS:,} creators", "/creators", BAR_MS),
        ("The same by new views", "/creators?sort=new_views&period=30d", BAR_MS),
        ("A creator's overview", f"/creators/{population[0].id}", BAR_MS),
        (f"Home with {CREATORS:,} creators", "/", HOME_BAR_MS),
        ("The page of projects", "/projects", BAR_MS),
        ("The page of campaigns", "/campaigns", BAR_MS),
        (f"A campaign of {MEMBERS} creators", f"/campaigns/{campaign}", DEAL_BAR_MS),
        ("The page of videos", "/videos", BAR_MS),
    )
    with serving("api.main:create", database_url=database_url, secret=SECRET) as port:
        for what, path, bar_ms in pages:
            add_row(report, what, milliseconds(port, path, tenant), bar_ms=bar_ms)
            if path not in {"/projects", "/campaigns"}:
                with ever_newer(database_url):
                    taken = milliseconds(port, path, tenant)
                add_row(report, f"{what}, newer numbers at each look", taken)


def add_row(
    report: Report, what: str, taken: list[float], *, bar_ms: int | None = None
) -> None:
    p50, p95 = percentile(taken, 50), percentile(taken, 95)
    report.add(
        Row(
            what=f"{what}, server time",
            ours=f"p50 {p50:.1f} ms, p95 {p95:.1f} ms",
            bar=None if bar_ms is None else (f"p95 under {bar_ms} ms", p95 < bar_ms),
            how=_HOW,
        )
    )


@contextmanager
def ever_newer(database_url: str) -> Iterator[None]:
    """Change the state of all numbers a hundred times a second until done."""
    done = threading.Event()

    def change() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not done.wait(0.01):
                connection.execute("UPDATE analytics_positions SET position = position")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def milliseconds(port: int, path: str, tenant: Tenant) -> list[float]:
    """Return how long each of the looks at a page took."""
    sessions = Sessions(SECRET)
    sealed = sessions.sealed(sessions.begin(digest_of(tenant.key)))
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {COOKIE}={sealed}\r\n"
        "Accept-Encoding: gzip\r\n\r\n"
    ).encode()
    load(port, [request] * 20, connections=1)
    outcome = load(port, [request] * LOOKS, connections=1)
    assert outcome.all_were(200), outcome.statuses
    return [1_000 * seconds for seconds in outcome.latencies]


def busy_events(population: list[Creator]) -> Iterator[NewEvent]:
    """Add everybody and their videos, then look at all of it once a day, until now."""
    videos = {
        creator.id: [
            video_name(number, n)
            for n in range(WATCHED_VIDEOS if number == 0 else VIDEOS)
        ]
        for number, creator in enumerate(population)
    }
    beginning = datetime.now(UTC) - timedelta(days=DAYS)
    for creator in population:
        yield from addition(creator)
        for n, video in enumerate(videos[creator.id]):
            yield discovery(creator, video, posted_at=beginning - timedelta(days=n))
    for day in range(DAYS):
        for creator in population:
            seen_at = beginning + timedelta(days=day)
            yield from looked_at(creator, videos[creator.id], day=day, at=seen_at)


def discovery(creator: Creator, video: str, *, posted_at: datetime) -> NewEvent:
    return NewEvent(
        video_stream(creator.project_id, video),
        1,
        e.VideoDiscovered(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            creator_id=creator.id,
            tiktok_video_id=video,
            handle=creator.handle,
            title=f"How a goat climbs a roof, part {video[-3:]}",
            tracking_status="auto_tracked",
            scrape_id=new_id(),
            posted_at=posted_at,
        ),
    )


def looked_at(
    creator: Creator, videos: list[str], *, day: int, at: datetime
) -> Iterator[NewEvent]:
    stream: UUID = new_id()
    views = tuple(1_000 * (n + 1) + 370 * day for n, _ in enumerate(videos))
    yield NewEvent(
        stream,
        1,
        e.ProfileSnapshotRecorded(
            organization_id=creator.organization_id,
            creator_id=creator.id,
            observed_at=at,
            provider="web",
            display_name=f"Goat {creator.handle[-4:]}",
            follower_count=10_000 + 37 * day,
            following_count=120,
            total_likes_count=900_000 + 4_210 * day,
            video_count=len(videos),
        ),
    )
    yield NewEvent(
        stream,
        2,
        e.VideoStatsSnapshotRecorded(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            creator_id=creator.id,
            observed_at=at,
            provider="web",
            video_ids=tuple(videos),
            view_counts=views,
            like_counts=tuple(count // 10 for count in views),
            comment_counts=tuple(count // 100 for count in views),
            share_counts=tuple(count // 200 for count in views),
            save_counts=tuple(count // 400 for count in views),
        ),
    )
