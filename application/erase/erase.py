"""Erases a person: gathers all of their data, decides, appends and wipes."""

import time
from collections.abc import Callable, Collection
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.connect.erasure import erase_connections
from application.connect.sealing import ConnectionSeal
from application.erase.pictures import erase_pictures
from application.erase.records import NEEDED, head_of, records_of
from application.erase.sealed_list import ErasedValues, keep
from application.erase.values import ErasedValue, values_since, values_that_belong
from application.erase.wipe import wipe
from domain.creator.decider import creator_of
from domain.creator.handlers.erase import Erasure, erase_creator
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.messages import ErasedFigures
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store, plain_events
from infra.keys.master_key import MasterKey
from infra.keys.opened import opened_master_key
from infra.locks import AdvisoryLock
from projections.engine.reader import ProjectionBehindError

# The longest wait without progress towards the log's end, and the longest in all.
PATIENCE_SECONDS = 5.0
_LONGEST_SECONDS = 60.0
_POLL_SECONDS = 0.05
# Imports take this lock before each batch. Erasures share it.
_GO_FIRST = "SELECT pg_advisory_xact_lock_shared(%s)"
_DISTANCE = """
SELECT coalesce(sum(end_.position - p.position), 0)
FROM projection p, (
    SELECT coalesce(max(notification_id), 0) AS position FROM goatherd_events
) AS end_
WHERE p.name = ANY(%s)
"""


class ErasureCommand:
    """The handler and the hook of one erasure, for ``execute``.

    Each try reads the creator's data anew from the read models. The append fails, to be
    tried again, if more data was recorded since. While the command waits for the read
    models, imports store no further batch; ``on_wait`` is called when the wait begins.
    """

    def __init__(
        self,
        store: Store,
        creator_id: UUID,
        *,
        organization_id: UUID,
        confirm: str,
        figures: ErasedFigures,
        expected_versions: Collection[int] | None = None,
        only_removed: bool = False,
        on_wait: Callable[[], None] = lambda: None,
        ban: bool = False,
    ) -> None:
        self._store = store
        self._creator_id = creator_id
        self._organization_id = organization_id
        self._confirm = confirm
        self._figures: ErasedFigures = figures
        self._expected_versions = expected_versions
        self._only_removed = only_removed
        self._on_wait = on_wait
        self._ban = ban
        self._head = 0
        self._values: set[ErasedValue] = set()
        self._master_key: MasterKey | None = None
        self._seal = ConnectionSeal(store.pool, store.settings)

    def handler(self) -> Handler[Erasure]:
        """Start a try.

        Raises:
            NotFoundError: there is no such creator.
            ProjectionBehindError: a read model does not catch up with the log.
        """
        self._check_there()
        self._seal.make_ready()
        with (
            self._store.pool.connection() as connection,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            cursor.execute(_GO_FIRST, (AdvisoryLock.ERASE,))
            self._head = self._caught_up(cursor)
            codec = self._store.codec
            records = records_of(
                cursor,
                codec,
                self._store.names,
                organization_id=self._organization_id,
                creator_id=self._creator_id,
            )
            self._values = values_that_belong(connection, codec, records)
            self._master_key = opened_master_key(self._store.settings, connection)
        return erase_creator(
            self._creator_id,
            confirm=self._confirm,
            figures=self._figures,
            records=records,
            names=self._store.names,
            organization_id=self._organization_id,
            expected_versions=self._expected_versions,
            only_removed=self._only_removed,
            ban=self._ban,
        )

    def in_transaction(self, cursor: Cursor[TupleRow], done: Executed[Erasure]) -> None:
        """Wipe the other copies, in the transaction of the append.

        Erased values are kept for a day, sealed, so that a search can look for them.
        """
        assert self._master_key is not None
        since = values_since(
            cursor.connection,
            self._store.codec,
            done.result.subjects,
            position=self._head,
        )
        erased = ErasedValues(
            organization_id=self._organization_id,
            creator_ids=done.result.creator_ids,
            position=done.events[-1].position,
            values=self._values | since,
        )
        keep(cursor, self._creator_id, erased, self._master_key)
        erase_connections(cursor, done.events, self._seal)
        erase_pictures(cursor, erased.values, self._store.settings.data_dir)
        wipe(cursor, done, organization_id=self._organization_id, head=self._head)

    def _check_there(self) -> None:
        """Refuse an unknown creator before any wait."""
        history = self._store.load(self._creator_id)[self._creator_id]
        creator = creator_of(plain_events(history))
        if creator is None or creator.organization_id != self._organization_id:
            raise NotFoundError("creator")

    def _caught_up(self, cursor: Cursor[TupleRow]) -> int:
        """Wait for the read models while their distance to the log's end shrinks."""
        nearest: int | None = None
        nearer_at = began_at = time.monotonic()
        while True:
            try:
                return head_of(cursor)
            except ProjectionBehindError:
                now = time.monotonic()
                row = cursor.execute(_DISTANCE, ([*NEEDED],)).fetchone()
                distance = int(row[0]) if row else 0
                if nearest is None:
                    self._on_wait()
                elif distance < nearest:
                    nearer_at = now
                nearest = min(distance, distance if nearest is None else nearest)
                if now > min(nearer_at + PATIENCE_SECONDS, began_at + _LONGEST_SECONDS):
                    raise
                time.sleep(_POLL_SECONDS)
