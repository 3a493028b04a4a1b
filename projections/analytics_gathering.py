"""Writing down what a slice of the log tells, for analytics to be rebuilt from."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.store import Recorded
from projections import analytics_looks as rows
from projections.analytics_fold import PROFILES, VIDEOS
from projections.analytics_hearing import Heard
from projections.analytics_looks import HerdKey, execute

_SUBJECTS = """
INSERT INTO analytics_subjects AS held
SELECT * FROM json_populate_recordset(NULL::analytics_subjects, %s::json)
ON CONFLICT (organization_id, id) DO UPDATE SET
    kind = coalesce(held.kind, excluded.kind),
    project_id = coalesce(held.project_id, excluded.project_id),
    position = coalesce(held.position, excluded.position),
    earliest_at = least(held.earliest_at, excluded.earliest_at),
    label = CASE WHEN excluded.label_position > held.label_position
        THEN excluded.label ELSE held.label END,
    label_position = greatest(held.label_position, excluded.label_position)
"""
# A change that is there twice is folded once.
_VIDEOS = """
INSERT INTO analytics_videos AS held
    (organization_id, id, is_there, is_counted, changes, is_raw)
SELECT organization_id, id, false, false, changes, true
FROM json_populate_recordset(NULL::analytics_videos, %s::json)
ON CONFLICT (organization_id, id) DO UPDATE SET is_raw = true,
    changes = (left(held.changes::text, -1) || ','
        || substr(excluded.changes::text, 2))::json
"""


def gather(cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
    """Write down what the facts tell; again makes no difference."""
    heard = Heard()
    heard.hear(facts)
    subjects = sorted(
        heard.subjects.values(), key=lambda row: (row.organization_id, row.id)
    )
    videos = [
        {
            "organization_id": UUID(int=organization),
            "id": UUID(int=video),
            "changes": heard.told[organization, video],
        }
        for organization, video in sorted(heard.told)
    ]
    if subjects:
        execute(cursor, _SUBJECTS, msgspec.json.encode(subjects).decode())
    if videos:
        execute(cursor, _VIDEOS, msgspec.json.encode(videos).decode())
    looks = [look for look in heard.looks if look.is_kept]
    rows.save_looks(cursor, looks)
    keys = {look.key for look in looks}
    for family, is_routed in ((VIDEOS, False), (PROFILES, True)):
        ours = [key for key in keys if key[1] == family.number]
        note_gathered(cursor, ours, is_routed=is_routed)


def note_gathered(
    cursor: Cursor[TupleRow], keys: Iterable[HerdKey], *, is_routed: bool
) -> None:
    """Note that there are looks of these owners that have not been worked out."""
    wanted = sorted(keys)
    if wanted:
        execute(
            cursor,
            """
            INSERT INTO analytics_gathered (organization_id, family, owner, is_routed)
            SELECT o, f, w, %s FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[])
                AS told (o, f, w) ON CONFLICT DO NOTHING
            """,
            is_routed,
            *rows.packed_keys(wanted),
        )
