"""Queries of annotations: their list, and those next to an answer of analytics."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.annotation.events import AnnotationScope
from domain.summaries import actor_id, actor_label
from projections.annotations.rows import AnnotationKind, AnnotationRow
from projections.engine.reader import Reader
from projections.people import ACTOR_NAMES

# One chart can't show more.
MOST_SHOWN = 500
_END = 2**63 - 1


class Annotation(Struct, frozen=True, kw_only=True):
    """A note or event on some days, both inclusive, about the thing ``scope_id``.

    Somebody wrote a ``note``. A ``system`` annotation follows from the log and cannot
    be changed. ``author`` names the person or process that wrote or caused it, null if
    there is none.
    """

    id: UUID
    scope: AnnotationScope
    scope_id: UUID
    starts_on: date
    ends_on: date
    text: str
    kind: AnnotationKind
    author: str | None
    version: int


class AnnotationFilter(Struct, frozen=True, kw_only=True):
    """Filters of annotations; None is any. Days are inclusive."""

    scope: AnnotationScope | None = None
    scope_id: UUID | None = None
    kind: AnnotationKind | None = None
    first: date | None = None
    last: date | None = None


_FIELDS = ("id", "scope", "scope_id", "starts_on", "ends_on", "text", "kind", "version")
_SELECT = f"""
SELECT {", ".join(f"a.{name}" for name in _FIELDS)}, a.actor, coalesce(k.name, m.name)
FROM annotations a
LEFT JOIN api_keys k ON k.organization_id = a.organization_id
    AND a.actor = 'key:' || k.id
LEFT JOIN members m ON m.organization_id = a.organization_id
    AND a.actor = 'person:' || m.person_id
WHERE a.organization_id = %(organization)s
AND (%(first)s::date IS NULL OR a.ends_on >= %(first)s)
AND (%(last)s::date IS NULL OR a.starts_on <= %(last)s)
"""
_PAGE = f"""
{_SELECT}
AND (%(scope)s::text IS NULL OR a.scope = %(scope)s)
AND (%(scope_id)s::uuid IS NULL OR a.scope_id = %(scope_id)s)
AND (%(kind)s::text IS NULL OR a.kind = %(kind)s)
AND (%(day)s::date IS NULL OR (a.starts_on, a.id) < (%(day)s, %(last_id)s))
ORDER BY a.starts_on DESC, a.id DESC LIMIT %(limit)s
""".encode()
# Ids are unique, so the kind of each id does not matter.
_SHOWN = f"""
{_SELECT}
AND a.position <= %(at)s AND a.scope_id IN (
    SELECT unnest(%(ids)s)
    UNION SELECT %(organization)s
    UNION SELECT project_id FROM creator_list
    WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
    UNION SELECT unnest(ARRAY[project_id, creator_id]) FROM videos
    WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
    UNION SELECT project_id FROM campaigns
    WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
)
ORDER BY a.starts_on DESC, a.id DESC LIMIT %(limit)s
""".encode()
_IS_SYSTEM = """
SELECT FROM annotations
WHERE organization_id = %s AND id = %s AND kind = 'system'
"""


async def page_of_annotations(
    reader: Reader,
    organization_id: UUID,
    requested: AnnotationFilter,
    *,
    limit: int,
    after: tuple[date, UUID] | None,
) -> list[Annotation]:
    """Return up to ``limit`` annotations of these days, by falling first day."""
    day, last_id = after or (None, None)
    params = {
        "organization": organization_id,
        "scope": requested.scope,
        "scope_id": requested.scope_id,
        "kind": requested.kind,
        "first": requested.first,
        "last": requested.last,
        "day": day,
        "last_id": last_id,
        "limit": limit,
    }
    return [
        _annotation(row) for row in await reader.rows(organization_id, _PAGE, params)
    ]


async def annotations_about(
    reader: Reader,
    organization_id: UUID,
    ids: Sequence[UUID],
    *,
    first: date,
    last: date,
    at: int | None = None,
) -> list[Annotation]:
    """Return the annotations of these days about these things and their owners.

    The owners are the project, the organization and a video's creator. Annotations from
    after the position ``at`` are left out. Among more than 500, the newest are
    returned, in the order of their first days.
    """
    params = {
        "organization": organization_id,
        "ids": list(ids),
        "first": first,
        "last": last,
        "at": _END if at is None else at,
        "limit": MOST_SHOWN,
    }
    rows = await reader.rows(organization_id, _SHOWN, params)
    return [_annotation(row) for row in reversed(rows)]


def is_system(
    cursor: Cursor[TupleRow], organization_id: UUID, annotation_id: UUID
) -> bool:
    return bool(cursor.execute(_IS_SYSTEM, (organization_id, annotation_id)).fetchall())


def annotation_from_row(cursor: Cursor[TupleRow], row: AnnotationRow) -> Annotation:
    id_ = actor_id(row.actor or "")
    params = {"organization": row.organization_id, "ids": [id_]}
    names = [] if id_ is None else cursor.execute(ACTOR_NAMES, params).fetchall()
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return Annotation(
        author=_author(row.actor, names[0][1] if names else None), **values
    )


def _annotation(values: TupleRow) -> Annotation:
    *fields, actor, name = values
    named: dict[str, Any] = dict(zip(_FIELDS, fields, strict=True))
    return Annotation(author=_author(actor, name), **named)


def _author(actor: str | None, name: str | None) -> str | None:
    if actor is None:
        return None
    id_ = actor_id(actor)
    known = {} if id_ is None or name is None else {id_: name}
    return actor_label(actor, known)
