"""Ends the connections of erased creators, in the transaction of the erasure."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.connect.endings import end_with_append
from application.connect.sealing import ConnectionSeal, Tokens
from domain import events as e
from infra.eventstore.store import RecordedEvent

_LEFT = """
SELECT id, sealed FROM creator_connections
WHERE creator_id = ANY(%s) AND sealed IS NOT NULL
"""
_KEEP = "UPDATE creator_connections SET sealed = %s WHERE id = %s"


def erase_connections(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent], seal: ConnectionSeal
) -> None:
    """End the stored connections of the creators that ``events`` erase.

    Links are deleted, and tokens are not used for reading any more. The remaining
    tokens are needed to give the consent back, and do not identify the person. ``seal``
    must be ready, because nothing else may wait for a connection here.

    Raises:
        BusyError: a token of one of them is being refreshed.
    """
    erased = [each for each in events if isinstance(each.event, e.SubjectErased)]
    end_with_append(cursor, erased)
    left = cursor.execute(_LEFT, ([each.stream for each in erased],)).fetchall()
    for connection_id, sealed in left:
        tokens = seal.open(connection_id, sealed)
        kept = Tokens(
            access=tokens.access, refresh=tokens.refresh, open_id="", username=""
        )
        cursor.execute(_KEEP, (seal.seal(connection_id, kept), connection_id))
