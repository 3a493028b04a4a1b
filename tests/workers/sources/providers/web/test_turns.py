"""Listing in turn: the newest pages in each run, and a page of older videos a day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.scrape.turns import ListTurn, OlderVideos
from domain.scrape.verdicts import Blocked, Ok
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.http_out.limiter import Limiter
from infra.ids import new_id
from projections.engine.follower import Follower
from tests.kit.builders import Home, asking
from tests.kit.jobs import derive_jobs, let_time_pass
from tests.kit.videos import a_creator, settle, the_video
from tests.workers.sources.providers.web.server import Answer, ReceivedRequest, TikTok
from tests.workers.sources.providers.web.shapes import (
    HANDLE,
    PATIENT,
    a_detail,
    an_item,
    gone_page,
    html,
    list_page,
    profile_page,
)
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.scraping.turns import ListTurns, turn_of
from workers.sources.chain import Chain
from workers.sources.port import Target
from workers.sources.providers.web import SessionLimits, WebProvider
from workers.sources.providers.web.course import IN_TURN

PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"
A_PAGE = 15
NEWEST = 30
# The newest video was posted then, and each next one a day earlier.
LATEST = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Account:
    """An account on the little TikTok, whose list is sent from any time of posting."""

    def __init__(self, tiktok: TikTok, *, videos: int) -> None:
        self.tiktok = tiktok
        self.posted = {str(n): LATEST - timedelta(days=n) for n in range(1, videos + 1)}
        self.refused_from: int | None = None
        self._pages = 0
        tiktok.answers[LIST] = self._list
        self.publish()

    def publish(self) -> None:
        stats = {"followerCount": "12", "videoCount": len(self.posted)}
        self.tiktok.answers[PAGE] = profile_page(a_detail(stats=None, exact=stats))

    def post(self, video_id: str, *, at: datetime) -> None:
        self.posted = {video_id: at, **self.posted}
        self.publish()

    def delete(self, *video_ids: str) -> None:
        for video_id in video_ids:
            del self.posted[video_id]
            self.tiktok.answers[f"{PAGE}/video/{video_id}"] = gone_page(10204)
        self.publish()

    def requested(self) -> list[str]:
        """Return the paths of the requests since the last call, and forget them."""
        paths = self.tiktok.paths
        self.tiktok.received.clear()
        self._pages = 0
        return paths

    def _list(self, request: ReceivedRequest) -> Answer:
        self._pages += 1
        if self.refused_from is not None and self._pages >= self.refused_from:
            return html(b"", status=403)
        before = int(request.query["cursor"][0])
        items: list[dict[str, Any]] = [
            an_item(video_id, createTime=int(at.timestamp()))
            for video_id, at in self.posted.items()
            if at.timestamp() * 1000 < before
        ]
        return list_page(items[:A_PAGE], more=len(items) > A_PAGE)


def shown(verdict: object) -> list[int]:
    assert isinstance(verdict, Ok), verdict
    return [int(video.tiktok_video_id) for video in verdict.videos]


def day(number: int) -> datetime:
    return LATEST - timedelta(days=number)


def target(
    turn: ListTurn,
    *,
    video_ids: tuple[str, ...] = (),
    expected: Mapping[str, datetime] | None = None,
) -> Target:
    return Target(
        handle=HANDLE, turn=turn, video_ids=video_ids, expected=expected or {}
    )


# the pages of one run


def test_without_a_turn_only_the_newest_pages_are_read(
    tiktok: TikTok, provider: WebProvider
):
    account = Account(tiktok, videos=100)

    verdict = provider.discover_videos(target(ListTurn(older_pages=0)))

    assert shown(verdict) == [*range(1, NEWEST + 1)]
    assert account.requested() == [PAGE, LIST, LIST]
    assert isinstance(verdict, Ok)
    assert (verdict.listed_reason, verdict.cut_by) == (IN_TURN, None)
    assert verdict.older is None


def test_the_page_whose_turn_it_is_begins_where_the_last_one_ended(
    tiktok: TikTok, provider: WebProvider
):
    Account(tiktok, videos=100)

    verdict = provider.discover_videos(
        target(ListTurn(older_than=day(60), older_pages=1))
    )

    assert shown(verdict) == [*range(1, NEWEST + 1), *range(61, 76)]
    assert isinstance(verdict, Ok)
    assert verdict.older == OlderVideos(until=day(75))
    assert verdict.listed_reason == IN_TURN


def test_after_the_end_of_the_list_the_turns_begin_anew(
    tiktok: TikTok, provider: WebProvider
):
    Account(tiktok, videos=100)

    last = provider.discover_videos(target(ListTurn(older_than=day(90), older_pages=1)))
    first = provider.discover_videos(target(ListTurn(older_pages=1)))

    assert shown(last)[NEWEST:] == [*range(91, 101)]
    assert isinstance(last, Ok)
    assert last.older == OlderVideos(until=None)
    assert shown(first) == [*range(1, 46)]


def test_a_turn_that_newer_videos_have_passed_begins_after_the_newest(
    tiktok: TikTok, provider: WebProvider
):
    Account(tiktok, videos=100)

    verdict = provider.discover_videos(
        target(ListTurn(older_than=day(10), older_pages=1))
    )

    assert shown(verdict) == [*range(1, 46)]


@pytest.mark.parametrize("videos", (1, 15, 30))
def test_a_list_of_the_newest_videos_alone_is_complete(
    tiktok: TikTok, provider: WebProvider, videos: int
):
    Account(tiktok, videos=videos)

    verdict = provider.discover_videos(target(ListTurn(older_pages=0)))

    assert shown(verdict) == [*range(1, videos + 1)]
    assert isinstance(verdict, Ok)
    assert verdict.listed_reason is None


def test_a_refused_page_of_older_videos_keeps_its_turn(
    tiktok: TikTok, provider: WebProvider
):
    account = Account(tiktok, videos=100)
    account.refused_from = 3

    verdict = provider.discover_videos(
        target(ListTurn(older_than=day(60), older_pages=1))
    )

    assert shown(verdict) == [*range(1, NEWEST + 1)]
    assert isinstance(verdict, Ok)
    assert isinstance(verdict.cut_by, Blocked)
    assert verdict.older is None


def test_a_list_that_never_says_it_ended_begins_anew_as_well(
    tiktok: TikTok, provider: WebProvider
):
    account = Account(tiktok, videos=40)

    def always_more(request: ReceivedRequest) -> Answer:
        before = int(request.query["cursor"][0])
        older = [
            an_item(n, createTime=int(at.timestamp()))
            for n, at in account.posted.items()
            if at.timestamp() * 1000 < before
        ]
        last = [an_item("40", createTime=int(day(40).timestamp()))]
        return list_page(older[:A_PAGE] or last, more=True)

    tiktok.answers[LIST] = always_more

    verdict = provider.discover_videos(
        target(ListTurn(older_than=day(40), older_pages=1))
    )

    assert isinstance(verdict, Ok)
    assert verdict.older == OlderVideos(until=None)


# counters, and videos that are gone


def test_counters_of_many_videos_are_those_of_the_list(
    tiktok: TikTok, provider: WebProvider
):
    account = Account(tiktok, videos=100)
    ids = tuple(account.posted)

    verdict = provider.video_stats(target(ListTurn(older_pages=0), video_ids=ids))

    assert shown(verdict) == [*range(1, NEWEST + 1)]
    assert account.requested() == [PAGE, LIST, LIST]


def test_a_video_that_its_page_of_the_list_lacks_is_read_by_itself(
    tiktok: TikTok, provider: WebProvider
):
    account = Account(tiktok, videos=100)
    expected = dict(account.posted)
    account.delete("7", "50", "70")

    verdict = provider.discover_videos(
        target(ListTurn(older_than=day(60), older_pages=1), expected=expected)
    )

    # Video 50 has its turn another day, so nothing is known about it.
    assert isinstance(verdict, Ok)
    assert sorted(verdict.missing) == ["7", "70"]
    assert f"{PAGE}/video/50" not in account.requested()


def test_no_more_than_a_few_videos_are_read_by_themselves(
    tiktok: TikTok, provider: WebProvider
):
    account = Account(tiktok, videos=60)
    expected = dict(account.posted)
    account.delete(*map(str, range(1, 21)))

    verdict = provider.discover_videos(
        target(ListTurn(older_pages=0), expected=expected)
    )

    assert isinstance(verdict, Ok)
    assert len(verdict.missing) == 10


# the turns of a creator, through the log


@pytest.fixture
def days_ago(tiktok: TikTok, politeness: Limiter) -> WebProvider:
    """A provider by whose clock each run was a day ago, so that a turn is due."""
    return observing(tiktok, politeness, ago=timedelta(days=1))


def observing(
    tiktok: TikTok,
    politeness: Limiter,
    *,
    ago: timedelta,
    limits: SessionLimits = PATIENT,
) -> WebProvider:
    return WebProvider(
        tiktok.url,
        politeness=politeness,
        limits=limits,
        now=lambda: datetime.now(UTC) - ago,
    )


def run(
    home: Home,
    creator_id: UUID,
    provider: WebProvider,
    *,
    job_type: e.JobType = "discover_videos",
    trigger: e.Trigger = "scheduled",
) -> Sequence[e.Event]:
    """Request a run, do it, and return its result."""
    scrape_id = new_id()
    requested = e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        handle=HANDLE,
        job_type=job_type,
        trigger=trigger,
    )
    home.store.append([NewEvent(scrape_id, 1, requested)], context=asking())
    derive_jobs(home.store)
    scrape_creator(
        ScrapeDependencies(store=home.store, chain=Chain(provider)), scrape_id
    )
    follow(home.store)
    settle(home.store)
    return [recorded.event for recorded in home.store.load(scrape_id)[scrape_id]][1:]


def follow(store: Store) -> None:
    follower = Follower(ListTurns(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def read_in(events: Sequence[e.Event], home: Home) -> list[int]:
    names = {home.store.names.pseudonym(str(n)): n for n in range(1, 2_000)}
    return [
        names[video_id]
        for event in events
        if isinstance(event, e.VideoStatsSnapshotRecorded)
        for video_id in event.video_ids
    ]


def end_of(events: Sequence[e.Event]) -> e.ScrapeSucceeded:
    end = events[-1]
    assert isinstance(end, e.ScrapeSucceeded), end
    return end


def test_each_video_is_read_again_within_as_many_days_as_there_are_older_pages(
    home: Home, tiktok: TikTok, days_ago: WebProvider
):
    account = Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)

    first = run(home, nanny, days_ago, trigger="added")
    account.requested()
    days = [run(home, nanny, days_ago) for _ in range(5)]

    assert read_in(first, home) == [*range(1, 101)]
    assert end_of(first).listed == "complete"
    # 70 older videos are five pages.
    times = Counter(n for events in days for n in read_in(events, home))
    assert times == {n: 5 if n <= NEWEST else 1 for n in range(1, 101)}
    assert {end_of(events).pages for events in days} == {4}
    assert {end_of(events).listed for events in days} == {"partial"}
    # The next cycle begins.
    assert read_in(run(home, nanny, days_ago), home) == [*range(1, 46)]


def test_both_kinds_of_run_share_a_creators_turns(
    home: Home, tiktok: TikTok, politeness: Limiter, days_ago: WebProvider
):
    Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)
    now = observing(tiktok, politeness, ago=timedelta())

    run(home, nanny, days_ago)
    turn = run(home, nanny, now, job_type="video_stats")
    again = run(home, nanny, now)

    assert read_in(turn, home) == [*range(1, 46)]
    assert read_in(again, home) == [*range(1, NEWEST + 1)]


def test_new_videos_do_not_move_the_turns(
    home: Home, tiktok: TikTok, days_ago: WebProvider
):
    account = Account(tiktok, videos=75)
    nanny = a_creator(home, HANDLE, start=None)
    run(home, nanny, days_ago)
    run(home, nanny, days_ago)

    for number in range(101, 121):
        account.post(str(number), at=LATEST + timedelta(hours=number))
    days = [run(home, nanny, days_ago) for _ in range(2)]

    # The first turn ended with video 45.
    older = [read_in(events, home)[NEWEST:] for events in days]
    assert older == [[*range(46, 61)], [*range(61, 76)]]


def test_a_turn_is_not_lost_when_a_run_fails(
    home: Home, tiktok: TikTok, days_ago: WebProvider
):
    account = Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)
    run(home, nanny, days_ago)
    account.requested()

    account.refused_from = 3
    refused = run(home, nanny, days_ago)
    account.refused_from = 1
    failed = run(home, nanny, days_ago)
    account.refused_from = None
    account.requested()
    after = run(home, nanny, days_ago)

    assert read_in(refused, home) == [*range(1, NEWEST + 1)]
    assert failed == []
    assert read_in(after, home) == [*range(1, 46)]


def test_a_list_that_is_longer_than_a_run_is_read_to_its_end_by_the_next_ones(
    home: Home, tiktok: TikTok, politeness: Limiter
):
    Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)
    short = SessionLimits(**{**limits_of(PATIENT), "requests": 5})
    now = observing(tiktok, politeness, ago=timedelta(), limits=short)

    runs = [run(home, nanny, now, trigger="added")]
    runs += [run(home, nanny, now) for _ in range(3)]

    assert read_in(runs[0], home) == [*range(1, 61)]
    assert read_in(runs[1], home) == [*range(1, NEWEST + 1), *range(61, 91)]
    assert read_in(runs[2], home) == [*range(1, NEWEST + 1), *range(91, 101)]
    # From then on, the older videos wait for their turns.
    assert read_in(runs[3], home) == [*range(1, NEWEST + 1)]


def limits_of(limits: SessionLimits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in limits.__struct_fields__}


def test_a_run_that_somebody_requests_lists_all_videos(
    home: Home, tiktok: TikTok, politeness: Limiter
):
    Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)
    now = observing(tiktok, politeness, ago=timedelta())
    run(home, nanny, now)

    assert read_in(run(home, nanny, now, trigger="manual"), home) == [*range(1, 101)]


def test_the_turns_follow_from_the_log(
    home: Home, tiktok: TikTok, days_ago: WebProvider
):
    Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)
    for _ in range(3):
        run(home, nanny, days_ago)
    before = turn_of(home.store.pool, nanny)

    with home.store.pool.connection() as connection:
        connection.execute("TRUNCATE list_turn")
        connection.execute("UPDATE projection SET position = 0")
    assert turn_of(home.store.pool, nanny).turned_at is None
    follow(home.store)

    assert before.older_than == day(60)
    assert turn_of(home.store.pool, nanny) == before


def test_a_video_that_has_not_had_its_turn_is_not_missing(
    home: Home, tiktok: TikTok, days_ago: WebProvider
):
    account = Account(tiktok, videos=100)
    nanny = a_creator(home, HANDLE, start=None)
    run(home, nanny, days_ago)
    account.delete("3", "80")

    for _ in range(2):
        run(home, nanny, days_ago, job_type="video_stats")
        let_time_pass(home.store)

    assert the_video(home, "3").missing_since is not None
    assert the_video(home, "50").missing_since is None
    assert the_video(home, "80").missing_since is None
    # Once two runs have found it gone, it is not requested any more.
    account.requested()
    run(home, nanny, days_ago, job_type="video_stats")
    assert f"{PAGE}/video/3" not in account.requested()
