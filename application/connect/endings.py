"""Ends stored connections after events, so that their tokens are given back."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.connect.rows import hold_connections
from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds

# Tokens that TikTok refuses are useless; the others are given back to TikTok.
_LOST = """
UPDATE creator_connections SET state = 'ended', ended_at = %(at)s, reason = %(reason)s,
    sealed = CASE WHEN %(give_back)s THEN sealed END,
    revoke_at = CASE WHEN %(give_back)s AND sealed IS NOT NULL THEN now() END
WHERE creator_id = %(creator)s AND provider = %(provider)s AND state = 'connected'
AND position < %(position)s
"""
_NOT_TRACKED = """
UPDATE connect_links SET revoked_at = %(at)s
WHERE creator_id = %(creator)s AND created_at < %(at)s
AND used_at IS NULL AND revoked_at IS NULL
"""
_NOT_ACCEPTED = """
UPDATE creator_connections SET state = 'ended', ended_at = %(at)s, revoke_at = now()
WHERE creator_id = %(creator)s AND consented_at < %(at)s
AND state IN ('unconfirmed', 'waiting')
"""
_NO_LINKS = "DELETE FROM connect_links WHERE creator_id = %(creator)s"
_NO_ROWS = """
DELETE FROM creator_connections WHERE creator_id = %(creator)s AND sealed IS NULL
"""
# The remaining tokens are deleted as soon as they are given back to TikTok.
_ERASED = """
UPDATE creator_connections SET state = 'ended', ended_at = %(at)s, reason = NULL,
    link_id = NULL, scopes = '{}', erased = true,
    revoke_at = coalesce(revoke_at, now())
WHERE creator_id = %(creator)s
"""
on = Folds[[Cursor[TupleRow], RecordedEvent], None]()


@on(e.CreatorConnectionLost)
def _lost(
    event: e.CreatorConnectionLost, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    values = {
        "creator": recorded.stream,
        "provider": event.provider,
        "position": recorded.position,
        "at": recorded.recorded_at,
        "reason": event.reason,
        "give_back": event.reason in {"revoked_here", "scope_missing"},
    }
    cursor.execute(_LOST, values)


@on(e.CreatorRemoved)
def _removed(
    _: e.CreatorRemoved, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    values = {"creator": recorded.stream, "at": recorded.recorded_at}
    cursor.execute(_NOT_TRACKED, values)
    cursor.execute(_NOT_ACCEPTED, values)


@on(e.SubjectErased)
def _erased(
    _: e.SubjectErased, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    values = {"creator": recorded.stream, "at": recorded.recorded_at}
    for statement in (_NO_LINKS, _NO_ROWS, _ERASED):
        cursor.execute(statement.encode(), values)


class ConnectionEndings:
    """The projection that ends stored connections; it begins none."""

    name = "connection_endings"
    version = 1
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """End the connection that each event ends; a newer one stays as it is."""
        for recorded in events:
            on.fold(recorded.event, cursor, recorded)


def end_with_append(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """End the connections that events end, in the transaction of their append.

    Raises:
        BusyError: a token of one of the creators is being refreshed.
    """
    ended = [each for each in events if each.event.stored_name in on.events]
    hold_connections(cursor, [each.stream for each in ended])
    ConnectionEndings().write(cursor, ended)
