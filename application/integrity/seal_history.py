"""Seals history: rewrites, once, events that earlier releases stored in the clear."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.integrity.log import (
    in_groups,
    recorded_roots,
    sealing_notes,
    trees_at,
)
from application.integrity.make_root import measured
from application.integrity.rewritten_events import (
    BrokenHistoryError,
    ClearEvent,
    RewrittenChains,
    SealedBodies,
)
from application.integrity.signing import InstallationSigner, Signer
from domain.events import STORED_NAMES
from domain.integrity.events import HistorySealed
from domain.integrity.handlers import record_note
from domain.integrity.roots import LogContent, is_over, time_text
from domain.integrity.sealing_note import note_text, unsigned_note
from domain.subjects import TEXT_EVENTS, personal_fields
from infra.database import COMMAND_NAME, NO_HURRY
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.locks import AdvisoryLock

TEXT_NAMES = [event.stored_name for event in TEXT_EVENTS]

_AT_ONCE = 2_000
_TAKE_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_STATE = """
SELECT until, position, events, ends_at, before, only_texts FROM history_sealing
WHERE finished_at IS NULL
"""
_CLEAR = """
SELECT count(*) FROM goatherd_events
WHERE notification_id <= %s AND notification_id > %s AND topic = ANY(%s)
AND substring(state FROM 1 FOR 11) <> convert_to('{"sealed":"', 'UTF8')
"""
_HAS_CLEAR = """
SELECT EXISTS (
    SELECT FROM goatherd_events JOIN history_sealing ON finished_at IS NULL
    AND notification_id > position AND notification_id <= until
    WHERE originator_id = ANY(%s) AND topic = ANY(%s)
    AND substring(state FROM 1 FOR 11) <> convert_to('{"sealed":"', 'UTF8')
)
"""
_BEGIN = """
UPDATE history_sealing SET before = %s, ends_at = %s WHERE finished_at IS NULL
"""
_ADVANCE = """
UPDATE history_sealing SET position = %s, events = events + %s
WHERE finished_at IS NULL
"""
_FINISH = """
UPDATE history_sealing SET finished_at = clock_timestamp() WHERE finished_at IS NULL
"""
_ROWS = """
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at,
       actor, correlation_id, causation_id, digest
FROM goatherd_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""
_REWRITE = """
UPDATE goatherd_events AS e SET state = u.state, digest = u.digest
FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS u (position, state, digest)
WHERE e.notification_id = u.position
"""
_ALLOW = "ALTER TABLE goatherd_events DISABLE TRIGGER goatherd_events_append_only"
_REFUSE = "ALTER TABLE goatherd_events ENABLE TRIGGER goatherd_events_append_only"
# All other processes except the server's own.
_OTHERS = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name LIKE 'goatherd%%' AND application_name <> %s
"""


class ClearHistory(msgspec.Struct, frozen=True):
    """History from before personal data were sealed: its end, and the progress so far.

    ``only_texts`` says that it has no data of tracked people any more, but only names
    and notes that tenants gave their own things.
    """

    until: int
    position: int
    events: int
    ends_at: int | None
    before: Any
    only_texts: bool


def clear_history(connection: Connection[TupleRow]) -> ClearHistory | None:
    """Return the history that is not sealed yet, None if there is none."""
    row = connection.execute(_STATE).fetchone()
    return None if row is None else ClearHistory(*row)


def clear_events(connection: Connection[TupleRow]) -> int:
    """Return the number of events with personal fields in the clear."""
    state = clear_history(connection)
    if state is None:
        return 0
    names = TEXT_NAMES if state.only_texts else _personal_names()
    values = (state.until, state.position, names)
    row = connection.execute(_CLEAR, values).fetchone()
    return 0 if row is None else row[0]


def _personal_names() -> list[str]:
    """Return the stored names of events that may name a person."""
    return [name for name, kind in STORED_NAMES.items() if personal_fields(kind)]


def has_clear_events(
    connection: Connection[TupleRow], streams: Collection[UUID]
) -> bool:
    """Tell whether one of the streams has events that are not sealed yet.

    An event counts if it could name a person, even if its own texts are empty.
    """
    row = connection.execute(_HAS_CLEAR, (list(streams), _personal_names())).fetchone()
    return row is not None and row[0]


def others_at_work(connection: Connection[TupleRow]) -> list[str]:
    return [name for (name,) in connection.execute(_OTHERS, (COMMAND_NAME,))]


def rewrite_history(
    store: Store, *, advance: Callable[[int], None] = lambda _: None
) -> bool:
    """Seal the clear events; return False if there was none.

    After an interruption, the next call continues. ``advance`` is called with the
    number of read events after each part.

    Raises:
        BrokenHistoryError: an event does not fit its chain; earlier ones are sealed.
    """
    with store.pool.connection() as connection:
        state = _begun(connection)
        if state is None:
            return False
        advance(state.position)
        while (read := _seal_part(connection, store)) > 0:
            advance(read)
    return True


def seal_all(
    store: Store,
    connection: Connection[TupleRow],
    *,
    advance: Callable[[int], None],
    context: Context,
) -> HistorySealed:
    """Seal all that is in the clear, and return the note of it.

    ``connection`` is in autocommit. ``advance`` is as in ``rewrite_history``.

    Raises:
        BrokenHistoryError: an event does not fit its chain; those before it are sealed.
    """
    signer = InstallationSigner(store.pool, store.settings).open()
    rewrite_history(store, advance=advance)
    # Until then the earlier rows are in the table's file.
    connection.execute("VACUUM (FULL, ANALYZE) goatherd_events")
    return note_sealing(store, signer, context=context)


def note_sealing(store: Store, signer: Signer, *, context: Context) -> HistorySealed:
    """Record that history was sealed, after ``rewrite_history``; return the note."""
    with store.pool.connection() as connection:
        state = clear_history(connection)
        assert state is not None, "history was rewritten before"
        note = _note(connection, state, signer)
    execute(store, lambda: record_note(note), context=context, in_transaction=_finish)
    return note


def _begun(connection: Connection[TupleRow]) -> ClearHistory | None:
    """Return the history to seal, as of the beginning of the sealing."""
    with connection.transaction():
        connection.execute(NO_HURRY)
        state = clear_history(connection)
        if state is None or state.before is not None:
            return state
        _check_roots(connection)
        before = measured(connection, 0, cuts=_cuts(connection))
        text = msgspec.json.encode(before).decode()
        connection.execute(_BEGIN, (text, before.position))
    return clear_history(connection)


def _check_roots(connection: Connection[TupleRow]) -> None:
    """Check that the log still holds all roots since the previous sealing.

    The note states it, because older roots cannot be compared any more. The caller has
    begun a transaction.

    Raises:
        BrokenHistoryError: a root does not hold.
    """
    after = max((each.at for each in sealing_notes(connection)), default=0)
    roots = [each.root for each in recorded_roots(connection) if each.at > after]
    for group in in_groups(roots):
        trees = trees_at(connection, [root.position for root in group])
        for root, tree in zip(group, trees, strict=True):
            if not is_over(root, tree):
                raise BrokenHistoryError(
                    f"The log up to position {root.position} is not what the root of "
                    f"{time_text(root.signed_at)} says: see `goatherd verify`."
                )


def _cuts(connection: Connection[TupleRow]) -> list[int]:
    notes = [each.note.position for each in sealing_notes(connection)]
    return notes + [each.root.position for each in recorded_roots(connection)]


def _seal_part(connection: Connection[TupleRow], store: Store) -> int:
    """Rewrite clear events among the next ones; return the number of events read."""
    with connection.transaction():
        connection.execute(NO_HURRY)
        connection.execute(_TAKE_LOCK, (AdvisoryLock.APPEND,))
        state = clear_history(connection)
        if state is None:
            return 0
        rows = connection.cursor(binary=True).execute(_ROWS, (state.position, _AT_ONCE))
        events = [ClearEvent(*row) for row in rows]
        if not events:
            return 0
        bodies = SealedBodies(connection, store, until=state.until).sealed(events)
        rewritten = RewrittenChains(connection, events, bodies).rewritten()
        if rewritten:
            connection.execute(_ALLOW)
            connection.cursor(binary=True).execute(
                _REWRITE,
                (
                    [position for position, _, _ in rewritten],
                    [body for _, body, _ in rewritten],
                    [digest for _, _, digest in rewritten],
                ),
            )
            connection.execute(_REFUSE)
        connection.execute(_ADVANCE, (events[-1].position, len(rewritten)))
    return len(events)


def _note(
    connection: Connection[TupleRow], state: ClearHistory, signer: Signer
) -> HistorySealed:
    before = msgspec.convert(state.before, LogContent)
    with connection.transaction():
        connection.execute(NO_HURRY)
        after = measured(connection, 0, until=before.position, cuts=_cuts(connection))
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        recorded = recorded_roots(connection)
        roots = [each.root for each in recorded if each.at <= before.position]
    note = unsigned_note(
        before, after, events=state.events, roots=roots, key=signer.key, at=row[0]
    )
    return replace(note, signature=signer.sign(note_text(note)))


def _finish(cursor: Cursor[TupleRow], _: Executed[None]) -> None:
    cursor.execute(_FINISH)
    # These digests would let a reader try texts and find out which one was stored.
    cursor.execute("TRUNCATE history_sealing_streams")
