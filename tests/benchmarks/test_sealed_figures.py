"""The cost of sealing for the follower of analytics, with pseudonyms and without."""

import gc
from collections.abc import Iterator
from time import perf_counter

import msgspec

from domain import events as e
from domain.streams import Names, video_stream
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.engine.follower import CATCHING_UP_BATCH, Follower
from tests.benchmarks.clear import in_the_clear
from tests.benchmarks.harness import Report, Rounds
from tests.benchmarks.histories import (
    BEGINNING,
    Creator,
    a_creator,
    addition,
    profile_scrape,
    video_scrape,
)
from tests.kit.builders import asking, opened_store

CREATORS = 50
VIDEOS = 100
LOOKS = 4
ROUNDS = 7
_HOW = (
    f"Sealing, analytics: a round is a day of {CREATORS} creators with {VIDEOS} videos "
    f"and more: {LOOKS} times a run of the profile and one of the videos, and each "
    "creator has a new video a day, whose id, title and picture the snapshot has "
    "sealed. It is read by a process that holds none of the keys. The floor reads the "
    "same of another organization, stored in the clear and with TikTok's ids."
)


class Tenant(msgspec.Struct):
    """An organization's creators, and the videos that they have had so far."""

    names: Names
    creators: list[Creator]
    videos: dict[str, list[str]]

    def begin(self) -> Iterator[list[NewEvent]]:
        for creator in self.creators:
            yield addition(creator)
            first = [self._new_video(creator) for _ in range(VIDEOS)]
            yield [self._discovered(creator, tiktok_id) for tiktok_id in first]

    def a_day(self, day: int) -> Iterator[list[NewEvent]]:
        for look in range(LOOKS):
            turn = day * LOOKS + look
            for creator in self.creators:
                yield profile_scrape(creator, turn)
                found: dict[str, str] = {}
                if look == 0:
                    fresh = self._new_video(creator)
                    yield [self._discovered(creator, fresh)]
                    found = {self.names.pseudonym(fresh): fresh}
                yield video_scrape(
                    creator,
                    turn,
                    [
                        self.names.pseudonym(each)
                        for each in self.videos[creator.handle]
                    ],
                    has_pseudonyms=self.names.key is not None,
                    found=found,
                )

    def _new_video(self, creator: Creator) -> str:
        before = self.videos[creator.handle]
        number = self.creators.index(creator) * 10_000 + len(before)
        tiktok_id = str(7_460_000_000_000_000_000 + number)
        # A list begins with the newest.
        self.videos[creator.handle] = [tiktok_id, *before]
        return tiktok_id

    def _discovered(self, creator: Creator, tiktok_id: str) -> NewEvent:
        pseudonym = self.names.pseudonym(tiktok_id)
        event = e.VideoDiscovered(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            creator_id=creator.id,
            tiktok_video_id=tiktok_id,
            handle=creator.handle,
            tracking_status="auto_tracked",
            scrape_id=new_id(),
            kind="video",
            title=f"A goat and a bell: {tiktok_id}",
            posted_at=BEGINNING,
            pseudonym=None if self.names.key is None else pseudonym,
        )
        return NewEvent(video_stream(creator.project_id, pseudonym), 1, event)


def a_tenant(names: Names) -> Tenant:
    organization_id, project_id = new_id(), new_id()
    creators = [
        a_creator(organization_id, project_id, number) for number in range(CREATORS)
    ]
    return Tenant(
        names=names,
        creators=creators,
        videos={creator.handle: [] for creator in creators},
    )


def test_analytics_follow_pseudonyms_at_little_cost(
    store: Store, database_url: str, report: Report
):
    sides = [(own, a_tenant(own.names)) for own in (store, in_the_clear(store))]

    def append(own: Store, parts: Iterator[list[NewEvent]]) -> int:
        entries = [entry for part in parts for entry in part]
        for start in range(0, len(entries), 500):
            own.append(entries[start : start + 500], context=asking("bench"))
        return len(entries)

    for own, tenant in sides:
        append(own, tenant.begin())
    began = store.head()
    days = [
        [append(own, tenant.a_day(day)) for own, tenant in sides]
        for day in range(ROUNDS + 1)
    ]
    with opened_store(database_url) as reader:
        follower = Follower(AnalyticsProjection(), pool=reader.pool, codec=reader.codec)
        follower.register()
        # Objects of the log's making are not searched for cycles while others read it.
        gc.collect()
        gc.freeze()

        def events_a_second(amount: int) -> float:
            started, passed = perf_counter(), 0
            while passed < amount:
                passed += follower.step(min(CATCHING_UP_BATCH, amount - passed))
            return passed / (perf_counter() - started)

        events_a_second(began)
        rounds = [[events_a_second(amount) for amount in day] for day in days]
        gc.unfreeze()
    sealed, clear = (Rounds(values) for values in zip(*rounds[1:], strict=True))
    report.compare(
        "Follower of analytics, pseudonyms",
        ours=sealed,
        floor=clear,
        unit="events/s",
        at_least=0.9,
        how=_HOW,
    )
