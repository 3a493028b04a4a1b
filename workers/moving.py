"""Move a creator to another project: read what the decision needs, then decide."""

from collections.abc import Collection
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain.decisions import Handler
from domain.handlers.move_creator import move_creator
from infra.database import run_read
from infra.eventstore.store import Store
from projections.campaigns.leaving import single_videos
from workers.connections.shared import SharedAccounts


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

    def handler(self) -> Handler[UUID]:
        """Start a try."""
        videos = run_read(
            self._store.pool,
            lambda connection: single_videos(
                connection.cursor(binary=True), self._organization_id, self._creator_id
            ),
        )
        return move_creator(
            self._creator_id,
            self._move,
            video_ids=videos,
            same_account=self._shared.read(),
            organization_id=self._organization_id,
            names=self._store.names,
            expected_versions=self._expected_versions,
        )

    def in_transaction(self, cursor: Cursor[TupleRow], done: object) -> None:
        """Look in the append's transaction who shares an account with the creator.

        Raises:
            AppendConflictError: somebody else connected the account since.
        """
        self._shared.check(cursor, done)
