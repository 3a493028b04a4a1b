"""Read models keep nothing of an erased person, after any history."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from api.system.all_projections import ALL_PROJECTIONS
from domain import events as e
from domain.streams import membership_stream, video_stream
from domain.video.attributes import Sound, VideoAttributes
from infra.eventstore.store import RecordedEvent
from projections.analytics.store.videos import enable_arrays
from projections.creator_history.unreadable import without_person
from projections.registry import PROJECTIONS
from tests.kit.depth import part_of
from tests.kit.histories import (
    HOME,
    PROJECT,
    SECOND,
    History,
    added,
    connected,
    connection_lost,
    failed,
    found,
    noted,
    requested,
    snapshot,
    stats,
    succeeded,
)
from tests.projections.analytics.test_batches import cut

WORD = "billie"
ERASED, OTHER = UUID(int=0xC0), UUID(int=0xC1)
CREATORS = (ERASED, OTHER)
ADDED_BY_HAND = "900"
CAMPAIGN = UUID(int=0xCA)
SETTINGS = settings(
    deadline=None,
    max_examples=part_of(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OURS: dict[str, Any] = {"organization_id": HOME}


def personal(creator: UUID) -> str:
    return f"{WORD}{creator.int}"


class Story(History):
    """A history of two creators, each with texts that name it."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, UUID] = {}
        self.run = 0
        self.happened(
            HOME,
            e.OrganizationCreated(name="Home", plan="unlimited", time_zone="UTC"),
            e.ProjectCreated(project_id=PROJECT, name="First"),
            e.ProjectCreated(project_id=SECOND, name="Second"),
        )
        campaign = e.CampaignCreated(project_id=PROJECT, name="Spring", **OURS)
        self.happened(CAMPAIGN, campaign)
        for one in CREATORS:
            self.happened(one, added(personal(one), readme=personal(one), tags=["b"]))
        self.happened(self.by_hand(OTHER), self._added(OTHER))

    def by_hand(self, creator: UUID) -> UUID:
        return video_stream(PROJECT, f"{ADDED_BY_HAND}{creator.int}")

    def _added(self, creator: UUID) -> e.VideoAdded:
        return e.VideoAdded(
            project_id=PROJECT,
            tiktok_video_id=f"{ADDED_BY_HAND}{creator.int}",
            handle=personal(creator),
            kind="video",
            tags=[personal(creator)],
            **OURS,
        )

    def step(self, kind: str, creator: UUID, number: int) -> None:
        text = f"{personal(creator)} {number}"
        self.run += 1
        run = UUID(int=0x5C0 + self.run)
        match kind:
            case "profile" | "rounded":
                self.happened(run, requested(creator, handle=personal(creator)))
                seen = snapshot(
                    creator,
                    day=number,
                    follower_count=900 + 100 * number,
                    display_name=text,
                    avatar_url=f"https://p.example/{text}",
                    user_id=personal(creator),
                    precision="rounded" if kind == "rounded" else "exact",
                )
                self.happened(run, seen, succeeded(creator, day=number))
            case "videos":
                self._videos(run, creator, number, text)
            case "by hand":
                if self.by_hand(creator) not in self.known.values():
                    self.happened(self.by_hand(creator), self._added(creator))
                    self.known[text] = self.by_hand(creator)
            case "failed":
                self.happened(run, requested(creator, handle=personal(creator)))
                self.happened(run, msgspec.structs.replace(failed(creator), error=text))
            case "renamed":
                change = e.HandleChanged(old=personal(creator), new=text, **OURS)
                self.happened(creator, change)
            case "noted":
                details = e.CreatorDetailsChanged(
                    display_name=text, metadata={"n": text}, tags=[text], **OURS
                )
                self.happened(creator, details)
                note = UUID(int=0xA000 + self.run)
                self.happened(note, noted("creator", creator))
            case "video noted":
                hers = (k for k in self.known if str(creator.int) in k)
                for video in {self.known[name] for name in hers}:
                    change = e.VideoDetailsChanged(readme=text, tags=[text], **OURS)
                    self.happened(video, change)
            case "connected":
                self.happened(creator, connected() if number else connection_lost())
            case "moved":
                move = e.CreatorMoved(
                    old_project_id=PROJECT,
                    new_project_id=SECOND if number % 2 else PROJECT,
                    history="whole",
                    **OURS,
                )
                self.happened(creator, move)
            case _:
                item: dict[str, Any] = {"item_type": "creator", "item_id": creator}
                self.happened(CAMPAIGN, e.CampaignItemAdded(**item, **OURS))
                joined = e.CampaignJoined(campaign_id=CAMPAIGN, **item, **OURS)
                self.happened(membership_stream(creator), joined)

    def _videos(self, run: UUID, creator: UUID, number: int, text: str) -> None:
        ids = [f"{creator.int}{n}" for n in range(1, 2 + number % 3)]
        seen = stats(
            *ids,
            day=number,
            views=number,
            titles=(text,) * len(ids),
            thumbnail_urls=(f"https://p.example/{text}",) * len(ids),
            attributes={
                name: VideoAttributes(sound=Sound(title=text), hashtags=(text,))
                for name in ids
            },
        )
        seen = msgspec.structs.replace(seen, creator_id=creator)
        run_of_videos = msgspec.structs.replace(
            requested(creator, handle=personal(creator)), job_type="video_stats"
        )
        self.happened(run, run_of_videos)
        self.happened(run, seen, succeeded(creator, day=number))
        # The last of them is listed, and not found yet.
        for one in ids[:2]:
            name = f"{creator.int} {one}"
            if name not in self.known:
                self.known[name] = video_stream(PROJECT, one)
                video = found(creator, one, title=text, handle=personal(creator))
                self.happened(self.known[name], video)

    def erase(self, figures: e.ErasedFigures) -> None:
        erased = e.SubjectErased(
            number=7, figures=figures, video_ids=(self.by_hand(ERASED),), **OURS
        )
        self.happened(ERASED, erased)


KINDS = (
    *("profile", "rounded", "videos", "videos", "by hand", "failed", "renamed"),
    *("noted", "video noted", "moved", "campaign", "connected"),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(CREATORS), st.integers(0, 9)),
    min_size=4,
    max_size=25,
)
LATER = st.lists(
    st.tuples(st.sampled_from(KINDS), st.just(OTHER), st.integers(0, 9)), max_size=8
)


def unreadable(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The events as they are read after the erasure."""
    hers = {
        one.stream
        for one in events
        if isinstance(one.event, e.VideoDiscovered) and one.event.creator_id == ERASED
    } | {ERASED, video_stream(PROJECT, f"{ADDED_BY_HAND}{ERASED.int}")}
    return [
        msgspec.structs.replace(one, event=without_person(one.event, handle="erased"))
        if not isinstance(one.event, e.ScrapeSucceeded)
        and (one.stream in hers or getattr(one.event, "creator_id", None) == ERASED)
        else one
        for one in events
    ]


def followed(
    connection: Connection[TupleRow], batches: Sequence[Sequence[RecordedEvent]]
) -> dict[str, list[str]]:
    """The rows of all tables after these batches, and after nothing again."""
    names = {cls: name for name, cls in e.STORED_NAMES.items()}
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        enable_arrays(cursor)
        cursor.execute("SET LOCAL timezone TO 'UTC'")
        for projection in ALL_PROJECTIONS:
            if projection.name == "analytics":
                continue
            for batch in batches:
                its = [o for o in batch if names[type(o.event)] in projection.events]
                if its:
                    projection.write(cursor, its)
        return {
            table: [
                row[0]
                for row in cursor.execute(
                    f"SELECT t::text FROM {table} t ORDER BY 1".encode()  # noqa: S608
                )
            ]
            for table in TABLES
        }


READ_MODELS = [
    table for each in PROJECTIONS if each.name != "analytics" for table in each.tables
]
OF_WORKERS = [
    *("creator_identity", "list_turn", "scrape_job", "verdict_streak", "known_video"),
    *("policy_task", "scrape_schedule", "scheduled_video"),
]
TABLES = [*READ_MODELS, *OF_WORKERS]


@SETTINGS
@given(
    steps=STEPS,
    later=LATER,
    figures=st.sampled_from(("anonymous", "drop")),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_rows_of_who_is_erased_follow_from_the_erasure_alone(
    connection: Connection[TupleRow],
    steps: list[tuple[str, UUID, int]],
    later: list[tuple[str, UUID, int]],
    figures: e.ErasedFigures,
    sizes: list[int],
):
    story = Story()
    for step in steps:
        story.step(*step)
    story.erase(figures)
    for step in later:
        story.step(*step)

    # A batch that is written twice changes nothing.
    twice = [batch for batch in cut(story.events, sizes) for _ in range(2)]
    live = followed(connection, twice)
    rebuilt = followed(connection, [unreadable(story.events)])

    for table in READ_MODELS:
        assert rebuilt[table] == live[table], table
    for table in TABLES:
        found_there = [row for row in live[table] if personal(ERASED) in row]
        assert not found_there, table
    text = "\n".join(live["videos"] + live["video_figures"])
    assert (str(ERASED) not in text) or figures == "anonymous"


@pytest.mark.parametrize("figures", ("anonymous", "drop"))
def test_what_others_list_later_reaches_no_row_of_who_is_erased(
    connection: Connection[TupleRow], figures: e.ErasedFigures
):
    # As in a log from before videos were named anew after an erasure.
    story = Story()
    story.step("videos", ERASED, 2)
    story.step("videos", ERASED, 3)
    story.erase(figures)
    erased = len(story.events)
    for name in (f"{ERASED.int}1", f"{ERASED.int}3", f"{ADDED_BY_HAND}{ERASED.int}"):
        seen = stats(name, day=9, views=77, titles=("Later",))
        story.happened(UUID(int=9), msgspec.structs.replace(seen, creator_id=OTHER))

    then = followed(connection, [story.events[:erased]])
    later = followed(connection, cut(story.events, [1]))

    assert later["video_figures"] == then["video_figures"]
    assert later["erased_videos"] == then["erased_videos"] != []
