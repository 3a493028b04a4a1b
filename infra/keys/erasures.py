"""Erasures that the keys record, so that older data don't bring a person back."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.events import SubjectErased
from domain.messages import ErasedFigures
from domain.phrases import counted
from infra.ids import new_id
from infra.restoring import RestoreUnfinishedError

# Only subjects that are persons: creators, and single videos of creators that were not
# known yet. The rows of destroyed keys are few, and each takes two reads of an index.
_UNAPPLIED: LiteralString = """
SELECT k.erasure, k.subject, k.erased_creator, k.erased_number, k.figures, first.topic
FROM subject_keys k JOIN goatherd_events first
    ON first.originator_id = k.subject AND first.originator_version = 1
    AND first.topic IN ('creator_added', 'video_added', 'video_discovered')
WHERE k.wrapped IS NULL AND NOT EXISTS (
    SELECT FROM goatherd_events e
    WHERE e.originator_id = coalesce(k.erased_creator, k.subject)
    AND e.topic = 'subject_erased')
ORDER BY k.erased_number NULLS LAST, k.erasure, k.subject
"""
_NOTE = """
UPDATE subject_keys SET erased_creator = %s, erased_number = %s, figures = %s
WHERE subject = ANY(%s) AND wrapped IS NULL
"""
_NOTE_LOGGED = """
UPDATE subject_keys AS k
SET erased_creator = e.creator, erased_number = e.number, figures = e.figures
FROM (
    SELECT originator_id AS creator, (body ->> 'number')::bigint AS number,
           body ->> 'figures' AS figures,
           ARRAY(SELECT jsonb_array_elements_text(body -> 'video_ids')::uuid) AS videos
    FROM (SELECT originator_id, convert_from(state, 'UTF8')::jsonb AS body
          FROM goatherd_events WHERE topic = 'subject_erased') AS erasures
) AS e
WHERE k.wrapped IS NULL AND (k.subject = e.creator OR k.subject = ANY(e.videos))
"""


class KnownErasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure that the keys record: a creator, with their single videos.

    ``video_ids`` are the videos in the log. ``number`` is None if the keys don't have
    it.
    """

    creator_id: UUID
    video_ids: Sequence[UUID]
    number: int | None
    figures: ErasedFigures

    @property
    def subjects(self) -> Sequence[UUID]:
        return (self.creator_id, *self.video_ids)


def note_erasure(cursor: Cursor[Any], creator_id: UUID, event: SubjectErased) -> None:
    """Note the decisions of an erasure with its destroyed keys."""
    subjects = [creator_id, *event.video_ids]
    cursor.execute(_NOTE, (creator_id, event.number, event.figures, subjects))


def note_logged_erasures(cursor: Cursor[Any]) -> None:
    """Note with all destroyed keys the erasures that the log has."""
    cursor.execute(_NOTE_LOGGED)


def unapplied_erasures(connection: Connection[TupleRow]) -> list[KnownErasure]:
    """Return the erasures that the keys record and the log lacks.

    There are some after older data were restored with newer keys.
    """
    rows = connection.execute(_UNAPPLIED).fetchall()
    # Earlier releases noted only which keys were destroyed together.
    together = {
        erasure: subject
        for erasure, subject, _, _, _, topic in reversed(rows)
        if topic == "creator_added"
    }
    videos: dict[UUID, list[UUID]] = defaultdict(list)
    decided: dict[UUID, tuple[int | None, ErasedFigures]] = {}
    for erasure, subject, creator, number, figures, topic in rows:
        is_creator = topic == "creator_added"
        creator_id = creator or (subject if is_creator else together.get(erasure))
        if creator_id is None:
            creator_id = together[erasure] = new_id()
        decided[creator_id] = number, figures or "anonymous"
        if not is_creator:
            videos[creator_id].append(subject)
    return [
        KnownErasure(
            creator_id=creator_id,
            video_ids=videos[creator_id],
            number=number,
            figures=figures,
        )
        for creator_id, (number, figures) in decided.items()
    ]


def check_erasures_applied(connection: Connection[TupleRow]) -> None:
    """Check that the log has every erasure that the keys record.

    Raises:
        RestoreUnfinishedError: the log lacks one.
    """
    if lacking := unapplied_erasures(connection):
        raise RestoreUnfinishedError(
            f"The keys of {counted(len(lacking), 'creator')} are destroyed, and the "
            "log does not say that they were erased, as after a restore of older data: "
            "run `goatherd restore --finish`, which erases them as the keys say. If "
            "nobody erased them, put their keys back from a file of keys."
        )
