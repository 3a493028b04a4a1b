"""Whether the keys that are kept are those of whom the log tells."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.eventstore.sealing import SUBJECT
from infra.keys.subject_text import SubjectText, subject_text

_SUBJECTS = """
SELECT DISTINCT substring(state FROM %s FOR %s) FROM goatherd_events
WHERE substring(state FROM 1 FOR 11) = '{"sealed":"'
"""
_KEPT = "SELECT subject, wrapped IS NOT NULL FROM subject_keys"
_ERASED = """
SELECT originator_id FROM goatherd_events WHERE topic = 'subject_erased'
UNION
SELECT jsonb_array_elements_text(
    convert_from(state, 'UTF8')::jsonb -> 'video_ids')::uuid
FROM goatherd_events WHERE topic = 'subject_erased'
"""


def erased_subjects(connection: Connection[TupleRow]) -> set[UUID]:
    """Return all subjects whose keys the log says were destroyed."""
    return {subject for (subject,) in connection.execute(_ERASED)}


def subjects_without_key(connection: Connection[TupleRow]) -> set[SubjectText]:
    """Return the subjects of sealed events of which table subject_keys knows nothing.

    What is sealed for one of them reads as if it were erased, until a new key is made
    for it, with which the old events cannot be read at all.
    """
    length = SUBJECT.stop - SUBJECT.start
    found = connection.execute(_SUBJECTS, (SUBJECT.start + 1, length))
    return {text for (text,) in found} - {*map(subject_text, _kept(connection))}


def erased_subjects_with_key(connection: Connection[TupleRow]) -> set[UUID]:
    """Return the subjects that were erased, and whose keys are there again."""
    kept = _kept(connection)
    return {each for each in erased_subjects(connection) if kept.get(each)}


def _kept(connection: Connection[TupleRow]) -> dict[UUID, bool]:
    """Return the subjects of the table, and whether each has its key."""
    return dict(connection.execute(_KEPT).fetchall())
