"""Data wiped in the transaction of an erasure: keys, and rows that repeat texts."""

import re
from uuid import UUID

from psycopg import Cursor
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from application.erase.search.terms import LONG_NAME, own_words
from domain.creator.handlers.erase import Erasure
from domain.events import SubjectErased
from infra.eventstore.execute import Executed
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import BusyError
from infra.keys.erasures import note_erasure
from infra.keys.keyring import destroy
from infra.keys.sealed_addresses import CREATOR_CONTACTS
from infra.keys.waiting_mails import drop_mails_with_creators
from projections.rebuild.swap import forget_previous

# Events after the read that belong to the erased data. Further appends wait for this
# one.
_CAME_MEANWHILE = """
SELECT EXISTS (
    SELECT FROM goatherd_events
    WHERE notification_id > %(head)s AND notification_id < %(first)s
    AND topic IN ('account_pinned', 'video_added', 'video_discovered',
                  'scrape_requested', 'annotation_added', 'campaign_joined',
                  'creator_auto_disabled')
    AND position(%(named)s::bytea IN state) > 0
)
"""
# The answer to a request with an Idempotency-Key is kept for a day. After the erasure
# the answer must not be given, and the request must not be repeated. A refusal has only
# the handle. An answer about a video, or about a note on it, has the video's id.
# Nothing can be appended meanwhile, so each answer is read only once, for any number of
# videos.
_ANSWERS = """
UPDATE idempotency SET status = 410, headers = '{}', body = ''
WHERE organization_id = %(organization)s AND status IS NOT NULL AND (
    EXISTS (SELECT FROM unnest(%(ids)s::bytea[]) AS id WHERE position(id IN body) > 0)
    OR convert_from(body, 'UTF8') ~* %(handles)s
    OR coalesce(
        substring(convert_from(body, 'UTF8') FROM '"scope_id":"([0-9a-f-]{36})"'),
        substring(convert_from(body, 'UTF8')
                  FROM '^{"data":{"id":"([0-9a-f-]{36})"'))::uuid
    IN (SELECT unnest(%(videos)s::uuid[])
        UNION SELECT id FROM videos
        WHERE organization_id = %(organization)s AND creator_id = ANY(%(creators)s)))
"""
# Nothing can be appended while this transaction waits, and a backup takes minutes.
DO_NOT_WAIT = "SET LOCAL lock_timeout = '300ms'"
TABLES_ARE_READ = (
    "Tables from before a rebuild are being read just now, as by a backup; "
    "try again after that."
)
# An endpoint may answer with what it got.
_WEBHOOK_ANSWERS = """
UPDATE webhook_deliveries SET answer = NULL
WHERE organization_id = %(organization)s AND answer IS NOT NULL
"""
# People write the reasons of decisions, and may name somebody in them.
_DEAD_LETTERS = """
WITH positions AS (
    SELECT notification_id AS position FROM goatherd_events AS e
    WHERE notification_id IN (SELECT position FROM dead_letter
                              UNION SELECT position FROM dead_letter_decision)
    AND (e.originator_id = ANY(%(ids)s)
        OR EXISTS (SELECT FROM unnest(%(texts)s::bytea[]) AS text
                   WHERE position(text IN e.state) > 0))
), letters AS (
    UPDATE dead_letter AS d SET error = 'erased'
    FROM positions WHERE positions.position = d.position
)
UPDATE dead_letter_decision AS d SET reason = 'erased'
FROM positions WHERE positions.position = d.position
"""


def wipe(
    cursor: Cursor[TupleRow],
    done: Executed[Erasure],
    *,
    organization_id: UUID,
    head: int,
) -> None:
    """Destroy the keys of erased creators, and wipe rows that repeat their texts.

    ``head`` is the position of the read models when the data was read. It runs in the
    transaction of the append.

    Raises:
        AppendConflictError: more data of the person was recorded since then.
        BusyError: somebody reads tables that swaps replaced.
    """
    erasure = done.result
    named = f'"organization_id":"{organization_id}"'.encode()
    row = cursor.execute(
        _CAME_MEANWHILE,
        {"head": head, "first": done.events[0].position, "named": named},
    ).fetchone()
    if row is not None and row[0]:
        raise AppendConflictError
    subjects = [str(each).encode() for each in erasure.subjects]
    cursor.execute(
        _ANSWERS,
        {
            "organization": organization_id,
            "ids": [str(each).encode() for each in erasure.creator_ids],
            "handles": _handles(erasure),
            "creators": list(erasure.creator_ids),
            "videos": list({*erasure.subjects} - {*erasure.creator_ids}),
        },
    )
    in_clear = [f'"{handle}"'.encode() for handle in erasure.handles]
    cursor.execute(
        _DEAD_LETTERS,
        {"ids": list(erasure.subjects), "texts": [*subjects, *in_clear]},
    )
    cursor.execute(_WEBHOOK_ANSWERS, {"organization": organization_id})
    drop_mails_with_creators(cursor, organization_id)
    destroy_and_note(cursor, done)
    # Tables that swaps replaced have the names as well. A rollback to them is not
    # possible any more.
    cursor.execute(DO_NOT_WAIT)
    try:
        forget_previous(cursor)
    except LockNotAvailable:
        raise BusyError(TABLES_ARE_READ) from None


def destroy_and_note(cursor: Cursor[TupleRow], done: Executed[Erasure]) -> None:
    """Destroy the keys of erased creators, and note the decision with them."""
    destroy(cursor, done.result.subjects)
    CREATOR_CONTACTS.remove(cursor, done.result.creator_ids)
    for recorded in done.events:
        if isinstance(recorded.event, SubjectErased):
            note_erasure(cursor, recorded.stream, recorded.event)


def _handles(erasure: Erasure) -> str:
    """Return a pattern of the handles as answers have them.

    Fields, states and short words may look like a handle, so short handles are only
    found where a handle stands.
    """
    handles = "|".join(map(re.escape, erasure.handles))
    own = own_words()
    anywhere = [
        re.escape(handle)
        for handle in erasure.handles
        if len(handle) >= LONG_NAME and handle not in own
    ]
    before = rf'(handle":"|@|%40|tiktok\.com/)({handles})'
    named = "|".join([before, *(rf"(?<![a-z0-9_.]){each}" for each in anywhere)])
    return rf"({named})(?!\.?[a-z0-9_-])"
