"""Moves a creator to another project: reads the data of the decision, then decides."""

from collections.abc import Collection, Sequence
from typing import Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.connect.shared import SharedAccounts
from application.erase.records import of_the_account
from application.move.single_videos import (
    FoundSingles,
    PossibleMerge,
    check_unobserved,
    late_videos,
    possible_merges,
    singles_of,
)
from application.notifications.news import notify
from domain import commands as c
from domain.creator.decider import creator_of
from domain.creator.handlers.move import move_creator
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.events import ReportChanged
from infra.database import run_read
from infra.eventstore.execute import Executed
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import RecordedEvent, Store, plain_events
from projections.campaigns.leaving import single_videos

_POSITIONS: LiteralString = """
SELECT coalesce((SELECT position FROM projection WHERE name = 'reports'), 0),
       coalesce((SELECT max(notification_id) FROM goatherd_events), 0)
"""
_ABOUT: LiteralString = """
SELECT id FROM reports WHERE organization_id = %s AND scope_type = 'creator'
AND scope_id = %s AND removed_at IS NULL ORDER BY id
"""
_MADE: LiteralString = """
SELECT originator_id FROM goatherd_events
WHERE notification_id > %(since)s AND notification_id <= %(until)s
AND topic = 'report_made' AND position(%(creator)s in state) > 0
"""


class FoundReports(Struct, frozen=True, kw_only=True):
    """The reports about a creator as of a position."""

    ids: Sequence[UUID]
    position: int


def reports_about(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> FoundReports:
    """Return the reports about a creator, also those that the read model lacks."""
    row = cursor.execute(_POSITIONS).fetchone()
    known, head = row or (0, 0)
    found = cursor.execute(_ABOUT, (organization_id, creator_id)).fetchall()
    late = reports_made(cursor, creator_id, since=known, until=head)
    ids = dict.fromkeys([*(each[0] for each in found), *late])
    return FoundReports(ids=[*ids], position=head)


def reports_made(
    cursor: Cursor[TupleRow], creator_id: UUID, *, since: int, until: int
) -> list[UUID]:
    """Return the reports that were made about the creator between two positions."""
    params = {"since": since, "until": until, "creator": str(creator_id).encode()}
    return [row[0] for row in cursor.execute(_MADE, params)]


def tell_of_stopped(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """Let the bell tell people who see all projects which reports a move stopped."""
    for recorded in events:
        if isinstance(recorded.event, ReportChanged):
            notify(
                cursor,
                recorded.event.organization_id,
                kind="report",
                severity="warning",
                title="A report stopped, because its creator moved to another project",
                path=f"/reports/{recorded.stream}",
            )


_REFUSED = """
SELECT o.project_id, o.id, o.tiktok_handle, o.status,
       o.status <> 'removed' AND o.tiktok_handle = c.tiktok_handle
FROM creator_list c JOIN creator_list o ON o.organization_id = c.organization_id
    AND o.id <> c.id AND o.project_id <> c.project_id AND o.status <> 'erased'
    AND (o.tiktok_handle = c.tiktok_handle OR o.id = ANY(%(same)s))
WHERE c.organization_id = %(organization)s AND c.id = %(creator)s
ORDER BY o.project_id, o.id
"""


class RefusedProject(msgspec.Struct, frozen=True, kw_only=True):
    """A project that the creator can't move to, and the creator that is in the way."""

    project_id: UUID
    code: Literal["handle_taken", "account_in_project"]
    creator_id: UUID
    tiktok_handle: str
    status: str


class MoveEffects(msgspec.Struct, frozen=True, kw_only=True):
    """The projects that refuse a move, and its merges, project by project."""

    refused: Sequence[RefusedProject]
    merges: Sequence[PossibleMerge]


def effects_of_move(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> MoveEffects:
    """Return the projects that refuse a creator, and the merges of moves."""
    params = {
        "organization": organization_id,
        "creator": creator_id,
        "same": list(of_the_account(cursor, organization_id, creator_id)),
    }
    rows = cursor.execute(_REFUSED.encode(), params).fetchall()
    return MoveEffects(
        refused=[
            RefusedProject(
                project_id=row[0],
                code="handle_taken" if row[4] else "account_in_project",
                creator_id=row[1],
                tiktok_handle=row[2],
                status=row[3],
            )
            for row in rows
        ],
        merges=possible_merges(cursor, organization_id, creator_id),
    )


class MoveCommand:
    """The handler and the hook of one move, for ``execute``; each try reads anew."""

    def __init__(
        self,
        store: Store,
        creator_id: UUID,
        move: c.MoveCreator,
        *,
        organization_id: UUID,
        expected_versions: Collection[int] | None = None,
    ) -> None:
        self._store = store
        self._creator_id = creator_id
        self._move = move
        self._organization_id = organization_id
        self._expected_versions = expected_versions
        self._shared = SharedAccounts(store, creator_id)
        self._found: FoundSingles | None = None
        self._reports = FoundReports(ids=(), position=0)

    def handler(self) -> Handler[UUID]:
        """Start a try.

        Raises:
            NotFoundError: there is no such creator.
        """
        history = self._store.load(self._creator_id)[self._creator_id]
        creator = creator_of(plain_events(history))
        if creator is None or creator.organization_id != self._organization_id:
            raise NotFoundError("creator")

        def read(
            cursor: Cursor[TupleRow],
        ) -> tuple[Sequence[UUID], Sequence[UUID], FoundSingles, FoundReports]:
            return (
                single_videos(cursor, self._organization_id, self._creator_id),
                of_the_account(cursor, self._organization_id, self._creator_id),
                singles_of(
                    cursor,
                    organization_id=self._organization_id,
                    creator_id=self._creator_id,
                    origin_id=creator.origin_project_id,
                    project_id=self._move.project_id,
                    # A video that stays with the old project gets no more numbers.
                    with_observations=self._move.history == "whole",
                ),
                reports_about(cursor, self._organization_id, self._creator_id),
            )

        videos, same_user, found, self._reports = run_read(
            self._store.pool, lambda connection: read(connection.cursor(binary=True))
        )
        self._found = found
        return move_creator(
            self._creator_id,
            self._move,
            video_ids=videos,
            same_account=self._shared.read(),
            singles=found.singles,
            report_ids=self._reports.ids,
            same_user=same_user,
            organization_id=self._organization_id,
            names=self._store.names,
            expected_versions=self._expected_versions,
        )

    def in_transaction(self, cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        """Look in the append's transaction for events since the try began.

        Raises:
            AppendConflictError: another creator connected the account, a run observed
                a single video again, the project has another video that may be the
                creator's, or somebody made a report about the creator.
        """
        self._shared.check(cursor, done)
        assert self._found is not None, "a try began"
        before = done.events[0].position
        if late_videos(
            cursor,
            self._creator_id,
            self._move.project_id,
            since=self._found.position,
            before=before,
        ) or reports_made(
            cursor, self._creator_id, since=self._reports.position, until=before
        ):
            raise AppendConflictError
        check_unobserved(cursor, self._found, before=before)
        tell_of_stopped(cursor, done.events)
