"""What else is wiped in the transaction of an erasure: keys, and what repeats texts."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.handlers.erase_creator import Erasure
from infra.eventstore.execute import Executed
from infra.eventstore.recorder import AppendConflictError
from infra.keys.keyring import destroy
from projections.rebuild.swap import forget_previous

# What would have belonged to it, had it been known. Appends wait for this one.
_CAME_MEANWHILE = """
SELECT EXISTS (
    SELECT FROM goatherd_events
    WHERE notification_id > %(head)s AND notification_id < %(first)s
    AND topic IN ('account_pinned', 'video_added', 'video_discovered',
                  'scrape_requested', 'annotation_added', 'campaign_joined')
    AND position(%(named)s::bytea IN state) > 0
)
"""
# The answer to a request with an Idempotency-Key is kept for a day. It may not be
# given again, and the request may not be done again.
_ANSWERS = """
UPDATE idempotency SET status = 410, headers = %(headers)s, body = %(body)s
WHERE organization_id = %(organization)s AND status IS NOT NULL AND EXISTS (
    SELECT FROM unnest(%(texts)s::bytea[]) AS text WHERE position(text IN body) > 0)
"""
_HEADERS = '{"content-type": "application/json"}'
_BODY = (
    b'{"data":null,"error":"What this answer was about is erased.",'
    b'"meta":{"code":"gone"}}'
)
_DEAD_LETTERS = """
UPDATE dead_letter d SET error = 'erased' FROM goatherd_events e
WHERE e.notification_id = d.position AND (e.originator_id = ANY(%(ids)s)
    OR EXISTS (SELECT FROM unnest(%(texts)s::bytea[]) AS text
               WHERE position(text IN e.state) > 0))
"""


def wipe(
    cursor: Cursor[TupleRow],
    done: Executed[Erasure],
    *,
    organization_id: UUID,
    head: int,
) -> None:
    """Destroy the keys of who is erased, and wipe what repeats its texts.

    ``head`` is the position that the read models had reached when they were asked what
    belongs to it. It runs in the transaction of the append.

    Raises:
        AppendConflictError: more came to belong to it since then.
    """
    erasure = done.result
    named = f'"organization_id":"{organization_id}"'.encode()
    row = cursor.execute(
        _CAME_MEANWHILE,
        {"head": head, "first": done.events[0].position, "named": named},
    ).fetchone()
    if row is not None and row[0]:
        raise AppendConflictError
    texts = _texts(erasure)
    cursor.execute(
        _ANSWERS,
        {
            "organization": organization_id,
            "headers": _HEADERS,
            "body": _BODY,
            "texts": texts,
        },
    )
    cursor.execute(_DEAD_LETTERS, {"ids": list(erasure.subjects), "texts": texts})
    # Tables that rebuilds took out have the names as well. They are there to go back
    # to, which ends here.
    forget_previous(cursor)
    destroy(cursor, erasure.subjects)


def _texts(erasure: Erasure) -> Sequence[bytes]:
    """Return what an answer or an event that is about it contains."""
    ids = (str(each).encode() for each in erasure.subjects)
    return [*ids, *(f'"{handle}"'.encode() for handle in erasure.handles)]
