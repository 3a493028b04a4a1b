"""The policies about videos: discover them, track them, report them missing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import assert_never
from uuid import UUID, uuid5

import psycopg
import structlog
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.move.single_videos import (
    FoundSingles,
    check_unobserved,
    singles_of_names,
)
from domain import events as e
from domain.analytics.buckets import end_of_slot, slot_of
from domain.creator.decider import creator_of
from domain.decisions import Handler
from domain.streams import video_stream
from domain.video.handlers.videos import (
    ListedVideo,
    discover_videos,
    move_window,
    report_missing,
)
from infra import arrays
from infra.eventstore.append import Context
from infra.eventstore.envelope import ENVELOPES
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import RecordedEvent, Store, open_envelopes, plain_events
from workers.policies import work_queue
from workers.policies.work_queue import PolicyTask

# The number of tasks that are done together, and of videos in one append.
DUE_AT_ONCE = 200
VIDEOS_AT_ONCE = 5_000

# These errors mean that the database has a problem, and not that a row is bad.
_OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError)

_READ = f"""
{ENVELOPES} WHERE notification_id = ANY(%b::bigint[]) ORDER BY notification_id
"""
_KNOWN = """
SELECT id FROM known_video
WHERE organization_id = %s AND id = ANY(%b::uuid[]) AND creator_id IS NOT NULL
"""
_OUTSIDE = """
SELECT id, posted_at FROM known_video
WHERE organization_id = %s AND creator_id = %s AND tracking_status = 'out_of_window'
  AND id > %s ORDER BY id LIMIT %s
"""
_CREATORS_OUTSIDE = """
SELECT DISTINCT creator_id FROM known_video
WHERE organization_id = %s AND tracking_status = 'out_of_window'
"""
_FIRST = UUID(int=0)
_KINDS: dict[str | None, e.VideoKind] = {"video": "video", "photo": "photo"}

_log = structlog.get_logger()


def do_due(store: Store, limit: int = DUE_AT_ONCE) -> int:
    """Do up to ``limit`` due tasks; return their number.

    A row is deleted after its append, so that a crash in between loses nothing: a
    repeated task changes nothing. Tasks that fail are delayed.
    """
    due = work_queue.take(store.pool, limit)
    for _, group in groupby(sorted(due, key=_together), key=_together):
        rows = list(group)
        kind = rows[0].kind
        try:
            _POLICIES[kind](store, rows)
        except _OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - one bad row must not hold up others
            _log.error(
                "video_policy_failed",
                kind=kind,
                positions=[row.position for row in rows],
                error=repr(error),
            )
            work_queue.put_off(store.pool, rows)
        else:
            work_queue.done(store.pool, rows)
    return len(due)


def _together(row: PolicyTask) -> tuple[str, str, str, int]:
    """Return the key of tasks that are done together, under one correlation id."""
    match row.kind:
        case "listed":
            return row.kind, str(row.creator_id), str(row.correlation_id), 0
        case "missing":
            return row.kind, str(row.scrape_id), str(row.correlation_id), 0
        case "window":
            return row.kind, str(row.subject), str(row.correlation_id), row.position
        case _:
            assert_never(row.kind)


def _discover(store: Store, rows: Sequence[PolicyTask]) -> None:
    """Add the videos that a creator's runs listed and the project does not have."""
    first = rows[0]
    listed = _listed(_snapshots(store, rows))
    for number, part in enumerate(_parts(_unknown(store, first, listed))):
        discovery = _Discovery(store, first, part)
        execute(
            store,
            discovery.handler,
            context=_context("policy:discovery", rows, part=number),
            in_transaction=discovery.in_transaction,
        )


class _Discovery:
    """The handler and the hook of one discovery; each try reads anew."""

    def __init__(
        self,
        store: Store,
        row: PolicyTask,
        listed: Sequence[ListedVideo],
    ) -> None:
        assert row.creator_id, "what is listed is of a creator"
        assert row.project_id, "what is listed is of a project"
        self._store = store
        self._organization_id = row.organization_id
        self._creator_id = row.creator_id
        self._project_id = row.project_id
        self._listed = listed
        self._found: FoundSingles | None = None

    def handler(self) -> Handler[None]:
        """Start a try, with the single videos of the creator's new project."""
        history = self._store.load(self._creator_id)[self._creator_id]
        creator = creator_of(plain_events(history))
        self._found = None
        if creator is not None and creator.project_id != self._project_id:
            with self._store.pool.connection() as connection:
                self._found = singles_of_names(
                    connection.cursor(binary=True),
                    [video.pseudonym for video in self._listed],
                    organization_id=self._organization_id,
                    origin_id=self._project_id,
                    project_id=creator.project_id,
                    since=_numbers_since(history),
                )
        return discover_videos(
            self._creator_id,
            self._listed,
            organization_id=self._organization_id,
            project_id=self._project_id,
            singles=() if self._found is None else self._found.singles,
        )

    def in_transaction(self, cursor: Cursor[TupleRow], done: Executed[None]) -> None:
        """Look in the append's transaction for observations since the try began.

        Raises:
            AppendConflictError: a single video was observed again.
        """
        if self._found is not None:
            check_unobserved(cursor, self._found, before=done.events[0].position)


def _numbers_since(history: Sequence[RecordedEvent]) -> datetime | None:
    """Return the time from which numbers count in a creator's project, if any."""
    since = None
    for recorded in history:
        if isinstance(recorded.event, e.CreatorMoved):
            stays = recorded.event.history == "stay"
            since = end_of_slot(slot_of(recorded.recorded_at)) if stays else None
    return since


def _snapshots(
    store: Store, rows: Sequence[PolicyTask]
) -> Iterator[tuple[UUID, e.VideoStatsSnapshotRecorded]]:
    positions = arrays.bigints([row.position for row in rows])
    with store.pool.connection() as connection, connection.cursor(binary=True) as at:
        found = at.execute(_READ, (positions,), prepare=True).fetchall()
    for recorded in open_envelopes(found, store.codec):
        assert isinstance(recorded.event, e.VideoStatsSnapshotRecorded)
        yield recorded.stream, recorded.event


def _listed(
    snapshots: Iterable[tuple[UUID, e.VideoStatsSnapshotRecorded]],
) -> list[ListedVideo]:
    """Return each video as the first run listed it, with details from later runs."""
    listed: dict[str, ListedVideo] = {}
    for scrape_id, event in snapshots:
        videos = zip(event.video_ids, event.tiktok_ids(), event.details(), strict=True)
        for pseudonym, video_id, (kind, title, posted_at, _, attributes) in videos:
            before = listed.get(pseudonym)
            if before is None:
                listed[pseudonym] = ListedVideo(
                    pseudonym=pseudonym,
                    tiktok_video_id=video_id,
                    scrape_id=scrape_id,
                    kind=_KINDS.get(kind),
                    title=title,
                    posted_at=posted_at,
                    attributes=attributes,
                )
            elif None in (
                *(before.tiktok_video_id, before.kind),
                *(before.title, before.posted_at, before.attributes),
            ):
                listed[pseudonym] = replace(
                    before,
                    tiktok_video_id=before.tiktok_video_id or video_id,
                    kind=before.kind or _KINDS.get(kind),
                    title=title if before.title is None else before.title,
                    posted_at=before.posted_at or posted_at,
                    attributes=before.attributes or attributes,
                )
    return list(listed.values())


def _unknown(
    store: Store, first: PolicyTask, listed: Sequence[ListedVideo]
) -> list[ListedVideo]:
    """Leave out videos that a creator has already, without loading their streams."""
    assert first.project_id
    streams = [
        video_stream(first.project_id, listed_video.pseudonym)
        for listed_video in listed
    ]
    with store.pool.connection() as connection, connection.cursor(binary=True) as at:
        known = {
            row[0]
            for row in at.execute(
                _KNOWN, (first.organization_id, arrays.uuids(streams)), prepare=True
            )
        }
    return [
        listed_video
        for stream, listed_video in zip(streams, listed, strict=True)
        if stream not in known
    ]


def _parts(listed: Sequence[ListedVideo]) -> Iterator[Sequence[ListedVideo]]:
    for start in range(0, len(listed), VIDEOS_AT_ONCE):
        yield listed[start : start + VIDEOS_AT_ONCE]


def _move(store: Store, rows: Sequence[PolicyTask]) -> None:
    """Track the videos that a changed window includes: a creator's, or all."""
    (row,) = rows
    creators = [row.creator_id] if row.creator_id else _creators_outside(store, row)
    for creator_id in creators:
        last = _FIRST
        while outside := _outside(store, row, creator_id, last):
            last = max(outside)
            execute(
                store,
                partial(
                    move_window,
                    creator_id,
                    outside,
                    organization_id=row.organization_id,
                ),
                context=_context("policy:window", rows, part=f"{creator_id} {last}"),
            )


def _creators_outside(store: Store, row: PolicyTask) -> list[UUID]:
    with store.pool.connection() as connection:
        found = connection.execute(_CREATORS_OUTSIDE, (row.organization_id,))
        return [creator_id for (creator_id,) in found]


def _outside(
    store: Store, row: PolicyTask, creator_id: UUID, last: UUID
) -> dict[UUID, datetime | None]:
    parameters = (row.organization_id, creator_id, last, VIDEOS_AT_ONCE)
    with store.pool.connection() as connection:
        return dict(connection.execute(_OUTSIDE, parameters).fetchall())


def _report(store: Store, rows: Sequence[PolicyTask]) -> None:
    """Report the videos that one run confirmed gone."""
    scrape_id = rows[0].scrape_id
    assert scrape_id, "a run confirmed it"
    missing = {row.subject: row.missing_since for row in rows if row.missing_since}
    execute(
        store,
        lambda: report_missing(missing, scrape_id=scrape_id),
        context=_context("policy:missing", rows),
    )


_POLICIES: dict[
    work_queue.PolicyKind, Callable[[Store, Sequence[PolicyTask]], None]
] = {
    "listed": _discover,
    "window": _move,
    "missing": _report,
}


def _context(actor: str, rows: Sequence[PolicyTask], *, part: object = 0) -> Context:
    """Return the context of an append; a row has the same command id on each try."""
    of = " ".join(f"{row.position}/{row.subject}" for row in rows)
    return Context(
        actor=actor,
        command_id=uuid5(rows[0].subject, f"{actor} {of} {part}"),
        correlation_id=rows[0].correlation_id,
    )
