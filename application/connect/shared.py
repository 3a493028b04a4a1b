"""Other creators that are connected with the same account, for one command."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import run_read
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store

_SHARING = """
SELECT DISTINCT other.creator_id FROM creator_connections AS own
JOIN creator_connections AS other USING (account, provider)
WHERE own.creator_id = %s AND own.state = 'connected'
AND other.state = 'connected' AND other.creator_id <> own.creator_id ORDER BY 1
"""


class SharedAccounts:
    """Creators with the same account as a creator: read for each try, then checked."""

    def __init__(self, store: Store, creator_id: UUID) -> None:
        self._store = store
        self._creator_id = creator_id
        self._known: Sequence[UUID] = ()

    def read(self) -> Sequence[UUID]:
        """Return the present ones, of any organization."""
        self._known = run_read(self._store.pool, lambda c: self._found(c.cursor()))
        return self._known

    def check(self, cursor: Cursor[TupleRow], _: object) -> None:
        """Look again in the transaction of the append.

        Raises:
            AppendConflictError: another creator connected the account since the read.
        """
        if {*self._found(cursor)} - {*self._known}:
            raise AppendConflictError

    def _found(self, cursor: Cursor[TupleRow]) -> list[UUID]:
        return [row[0] for row in cursor.execute(_SHARING, (self._creator_id,))]
