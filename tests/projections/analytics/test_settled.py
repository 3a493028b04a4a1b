"""Figures as of a position: sums of settled owners answer what snapshots answer."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.analytics.metrics import RAW_METRICS, Entity, RawMetric
from domain.analytics.series import CounterSeries, SeriesByMetric
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.analytics.read import selection as plans
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import series_by_entity
from tests.kit.depth import part_of
from tests.kit.histories import HOME, PROJECT, SECOND, History, added
from tests.projections.analytics.test_analytics import (
    RULES,
    SLOWLY,
    Within,
    at_once,
    take_in,
)

CREATORS = [UUID(int=0xC0 + n) for n in range(4)]
CAMPAIGN = UUID(int=0xCA)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 7
ENTITIES: list[tuple[Entity, UUID]] = [
    *(("creator", creator) for creator in CREATORS[:2]),
    *(("project", project) for project in (PROJECT, SECOND)),
    ("campaign", CAMPAIGN),
]


class Tracking:
    """Some days of tracked creators: all is observed in time, but for disturbances."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.history = History()
        self.now = BEGIN
        self.homes = dict.fromkeys(CREATORS, PROJECT)
        self.videos: dict[str, UUID | None] = {}
        self.posted: dict[str, datetime | None] = {}
        self.undiscovered: list[str] = []
        self.items: set[tuple[e.ItemType, UUID]] = set()
        self.disturbances: list[Callable[[], None]] = [
            self.snapshot_from_before,
            self.snapshot_from_before,
            self.profile_from_before,
            self.snapshot_from_the_future,
            self.late_discovery,
            self.decision,
            self.decision,
            self.new_creator_of_a_video,
            self.single_video,
            self.post_from_the_future,
            self.move,
            self.move,
            self.membership,
            self.membership,
            self.late_creator,
        ]

    def happened(self, stream: UUID, *events: e.Event) -> None:
        self.now += timedelta(seconds=self.random.choice([0, 1, 60]))
        self.history.happened(stream, *events, at=self.now)

    def all_days(self, disturbances: int) -> list[RecordedEvent]:
        """The log of all days, with so many disturbances at any times."""
        random = self.random
        for creator in CREATORS[:3]:
            self.happened(creator, added(f"c{creator.int}"))
        self.happened(
            CAMPAIGN,
            e.CampaignCreated(organization_id=HOME, project_id=PROJECT, name="Alps"),
        )
        for creator in CREATORS[:2]:
            self.has_item("creator", creator)
        whens = sorted(random.uniform(0, DAYS) for _ in range(disturbances))
        for day in range(DAYS):
            for creator in CREATORS[:3]:
                self.now = max(
                    self.now,
                    BEGIN + timedelta(days=day, hours=random.choice([0, 5, 12, 23])),
                )
                if random.random() < 0.6:
                    self.looked_at(creator)
            while whens and whens[0] < day + 1:
                whens.pop(0)
                random.choice(self.disturbances)()
        return self.history.events

    def looked_at(self, creator: UUID) -> None:
        """The creator may have posted; what is new is discovered at once."""
        if self.random.random() < 0.4:
            name = str(len(self.videos) + 1)
            self.videos[name] = creator
            self.posted[name] = self.now - timedelta(hours=self.random.randint(0, 40))
            self.undiscovered.append(name)
        self.profile(creator, self.now)
        self.snapshot(creator, self.now)
        if self.random.random() < 0.8:
            self.discover()

    def profile(self, creator: UUID, at: datetime) -> None:
        profile = e.ProfileSnapshotRecorded(
            organization_id=HOME,
            creator_id=creator,
            observed_at=at,
            provider="test",
            precision=self.random.choice(["exact", "rounded"]),
            follower_count=self.random.choice([9_900, 12_300, 12_345, 12_400, None]),
        )
        self.happened(self.run(), profile)

    def snapshot(self, creator: UUID, at: datetime) -> None:
        names = [n for n, whose in self.videos.items() if whose == creator]
        some = [name for name in names if self.random.random() < 0.9]
        if some:
            self.observed(creator, some, at)

    def observed(self, creator: UUID | None, names: list[str], at: datetime) -> None:
        counts = tuple(self.random.randint(0, 999) for _ in names)
        seen = e.VideoStatsSnapshotRecorded(
            organization_id=HOME,
            project_id=PROJECT,
            creator_id=creator,
            observed_at=at,
            provider="test",
            video_ids=tuple(names),
            view_counts=counts,
            like_counts=counts,
            comment_counts=counts,
            share_counts=counts,
            save_counts=tuple(None for _ in names),
        )
        self.happened(self.run(), seen)

    def discover(self) -> None:
        for name in self.undiscovered:
            self.discovered(name, self.videos[name])
        self.undiscovered.clear()

    def discovered(self, name: str, creator: UUID | None) -> None:
        self.happened(
            video_stream(PROJECT, name),
            e.VideoDiscovered(
                organization_id=HOME,
                project_id=PROJECT,
                creator_id=creator or CREATORS[0],
                tiktok_video_id=name,
                handle="billie",
                tracking_status=self.random.choice(
                    ["auto_tracked", "auto_tracked", "pending_review"]
                ),
                scrape_id=UUID(int=7),
                posted_at=self.posted[name],
            ),
        )

    def run(self) -> UUID:
        return UUID(int=0x5C0 + len(self.history.events))

    def before(self) -> datetime:
        return self.now - timedelta(hours=self.random.choice([1, 20, 30, 60, 120]))

    def some_creator(self) -> UUID:
        return self.random.choice(CREATORS[:3])

    def snapshot_from_before(self) -> None:
        self.snapshot(self.some_creator(), self.before())

    def profile_from_before(self) -> None:
        self.profile(self.some_creator(), self.before())

    def snapshot_from_the_future(self) -> None:
        self.snapshot(self.some_creator(), self.now + timedelta(hours=30))

    def late_discovery(self) -> None:
        self.discover()

    def decision(self) -> None:
        known = [*set(self.videos) - {*self.undiscovered}]
        if known:
            kinds: list[type[e.VideoIncluded | e.VideoExcluded]]
            kinds = [e.VideoIncluded, e.VideoExcluded]
            self.happened(
                video_stream(PROJECT, self.random.choice(sorted(known))),
                self.random.choice(kinds)(organization_id=HOME),
            )

    def new_creator_of_a_video(self) -> None:
        """A single video turns out to be a creator's, who was added before."""
        alone = [name for name, creator in self.videos.items() if creator is None]
        if alone:
            name = self.random.choice(alone)
            there = {one.stream for one in self.history.events}
            added_ones = [creator for creator in CREATORS if creator in there]
            self.videos[name] = self.random.choice(added_ones)
            self.discovered(name, self.videos[name])

    def single_video(self) -> None:
        name = str(len(self.videos) + 1)
        self.videos[name] = None
        self.posted[name] = self.random.choice([None, self.now])
        self.happened(
            video_stream(PROJECT, name),
            e.VideoAdded(
                organization_id=HOME,
                project_id=PROJECT,
                tiktok_video_id=name,
                handle="billie",
                kind="video",
            ),
        )
        self.observed(None, [name], self.now)
        if self.random.random() < 0.5:
            self.has_item("video", video_stream(PROJECT, name))

    def post_from_the_future(self) -> None:
        name = str(len(self.videos) + 1)
        self.videos[name] = self.some_creator()
        self.posted[name] = self.now + timedelta(hours=26)
        if self.random.random() < 0.5:
            self.observed(self.videos[name], [name], self.now)
        self.discovered(name, self.videos[name])

    def move(self) -> None:
        creator = self.some_creator()
        old = self.homes[creator]
        new = self.homes[creator] = SECOND if old == PROJECT else PROJECT
        moved = e.CreatorMoved(
            organization_id=HOME,
            old_project_id=old,
            new_project_id=new,
            history=self.random.choice(["whole", "stay"]),
        )
        self.happened(creator, moved)

    def membership(self) -> None:
        if self.items and self.random.random() < 0.5:
            item = self.random.choice(sorted(self.items))
            self.items.remove(item)
            gone = e.CampaignItemRemoved(
                organization_id=HOME, item_type=item[0], item_id=item[1]
            )
            self.happened(CAMPAIGN, gone)
        elif self.videos and self.random.random() < 0.4:
            name = self.random.choice(sorted(self.videos))
            self.has_item("video", video_stream(PROJECT, name))
        else:
            self.has_item("creator", self.some_creator())

    def has_item(self, item_type: e.ItemType, item_id: UUID) -> None:
        if (item_type, item_id) not in self.items:
            self.items.add((item_type, item_id))
            item = e.CampaignItemAdded(
                organization_id=HOME, item_type=item_type, item_id=item_id
            )
            self.happened(CAMPAIGN, item)

    def late_creator(self) -> None:
        creator = CREATORS[3]
        if any(one.stream == creator for one in self.history.events):
            self.looked_at(creator)
        else:
            self.happened(creator, added("late"))


def numbers(by_metric: SeriesByMetric) -> Mapping[str, CounterSeries]:
    """The series, with whether something was observed in place of how much.

    The number of posts is always known, in one part or in several.
    """
    return {
        metric: replace(
            series,
            levels=[*series.levels],
            known=[
                int(amount > 0) if metric == "posts" else amount
                for amount in series.known
            ],
            bases=[*series.bases],
            baselines=[*series.baselines],
            snapshots=[int(amount > 0) for amount in series.snapshots],
        )
        for metric, series in by_metric.items()
    }


def answers(
    connection: Connection[TupleRow], selection: Selection
) -> tuple[Mapping[str, CounterSeries], Mapping[str, CounterSeries]]:
    """The answer, and the answer from the snapshots of all owners."""
    reader, (id_,) = Within(connection), selection.ids
    found = at_once(series_by_entity(reader, selection))[id_]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "ends_a_slot", lambda _: False)
        expected = at_once(series_by_entity(reader, selection))[id_]
    return numbers(found), numbers(expected)


@settings(SLOWLY, max_examples=part_of(120))
@given(
    random=st.randoms(use_true_random=False),
    rule=RULES,
    disturbances=st.integers(0, 12),
)
def test_sums_of_settled_owners_answer_what_all_snapshots_answer(
    connection: Connection[TupleRow],
    random: Random,
    rule: BaselineRule,
    disturbances: int,
):
    events = Tracking(random).all_days(disturbances)

    with connection.transaction(force_rollback=True):
        take_in(connection, [events], rule=rule)
        for entity, id_ in ENTITIES:
            for _ in range(3):
                last = random.choice(events)
                first_day = random.randint(-1, DAYS - 2)
                last_day = random.randint(first_day + 1, DAYS)
                selection = Selection(
                    organization_id=HOME,
                    entity=entity,
                    ids=[id_],
                    metrics=random.choice(
                        [["views", "likes"], ["followers"], ["posts"], RAW_METRICS]
                    ),
                    boundaries=[
                        BEGIN + timedelta(days=day)
                        for day in range(first_day, last_day + 1)
                    ],
                    at=last.position,
                    at_time=random.choice([last.recorded_at, last.recorded_at, None]),
                )
                found, expected = answers(connection, selection)

                assert found == expected, selection


def snapshot_ahead_of_its_time(log: Tracking) -> int:
    """A snapshot is recorded a day before the time at which it was observed."""
    log.videos["1"], log.posted["1"] = CREATORS[0], BEGIN
    log.discovered("1", CREATORS[0])
    log.observed(CREATORS[0], ["1"], log.now)
    log.observed(CREATORS[0], ["1"], log.now + timedelta(days=1))
    return len(log.history.events)


def observation_before_the_post(log: Tracking) -> int:
    """A video that was observed before it was posted is discovered later."""
    log.videos["1"], log.posted["1"] = CREATORS[0], BEGIN + timedelta(days=1)
    log.observed(CREATORS[0], ["1"], log.now)
    then = len(log.history.events)
    log.discovered("1", CREATORS[0])
    return then


def post_ahead_of_its_time(log: Tracking) -> int:
    """A video is discovered a day before the time at which it was posted."""
    log.videos["1"], log.posted["1"] = CREATORS[0], BEGIN + timedelta(days=1)
    log.discovered("1", CREATORS[0])
    return len(log.history.events)


def first_look_at_a_creator(log: Tracking) -> int:
    """A single video is a creator's, who is observed later, before it was posted."""
    log.videos["1"], log.posted["1"] = CREATORS[0], BEGIN + timedelta(days=2)
    log.discovered("1", CREATORS[0])
    log.happened(video_stream(PROJECT, "1"), e.VideoIncluded(organization_id=HOME))
    log.observed(None, ["1"], log.now)
    then = len(log.history.events)
    log.profile(CREATORS[0], log.now + timedelta(days=1))
    return then


@pytest.mark.parametrize(
    "happens",
    (
        snapshot_ahead_of_its_time,
        observation_before_the_post,
        post_ahead_of_its_time,
        first_look_at_a_creator,
    ),
)
def test_impossible_times_leave_the_answer_exact(
    connection: Connection[TupleRow], happens: Callable[[Tracking], int]
):
    log = Tracking(Random(7))  # noqa: S311
    log.happened(CREATORS[0], added("c"))
    then = happens(log)
    with connection.transaction(force_rollback=True):
        take_in(connection, [log.history.events], rule="posted_before_first_snapshot")
        some: list[Sequence[RawMetric]] = [RAW_METRICS, ["views"]]
        for metrics in some:
            selection = Selection(
                organization_id=HOME,
                entity="creator",
                ids=[CREATORS[0]],
                metrics=metrics,
                boundaries=[BEGIN + timedelta(days=day) for day in range(-1, 4)],
                at=then,
                at_time=log.history.events[then - 1].recorded_at,
            )
            found, expected = answers(connection, selection)

            assert found == expected, metrics
