"""Queries of activity: what happened, newest first, each with its sentence."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.activity import ActivityKind
from domain.activity_sentences import Named, activity_sentence
from domain.summaries import actor_id, actor_label
from projections.activity.batch import SubjectType
from projections.engine.reader import Reader

ActivityPlace = tuple[datetime, UUID]
"""The sort key of rows: the time and an id."""


class ActivitySubject(msgspec.Struct, frozen=True, kw_only=True):
    """The thing that something happened to.

    ``name`` is its present name: a creator's handle, a video's title. It is null if
    there is none.
    """

    type: SubjectType
    id: UUID
    name: str | None


class ActivityEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: its kind, time and subject, and a sentence for people.

    ``data`` has the ids of the project and the creator, if there are any, and the
    values of the kind, which docs/activity.md lists.
    """

    kind: ActivityKind
    at: datetime
    subject: ActivitySubject
    summary: str
    data: dict[str, Any]


class ActivityFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The rows to return; None is any.

    Both ends are inclusive. A campaign's rows are those of its members, too.
    """

    kinds: tuple[ActivityKind, ...] | None = None
    since: datetime | None = None
    until: datetime
    project_id: UUID | None = None
    campaign_id: UUID | None = None
    creator_id: UUID | None = None


_CONDITIONS = {
    "kinds": "kind = ANY(%(kinds)s)",
    "since": "at >= %(since)s",
    # A creator that moved is in the activity of both projects, for people who may see
    # both.
    "project_id": "(project_id = %(project_id)s OR from_project_id = %(project_id)s "
    "AND EXISTS (SELECT FROM projects p WHERE p.organization_id = %(organization)s "
    "AND p.id = from_project_id))",
    "campaign_id": "(subject_id = %(campaign_id)s "
    "OR subject_id IN (SELECT item_id FROM inside) "
    "OR creator_id IN (SELECT item_id FROM inside))",
    "creator_id": "creator_id = %(creator_id)s",
    "after": "(at, id) < (%(after_at)s, %(after_id)s)",
}
_INSIDE = """
inside AS (
    SELECT item_type, item_id FROM campaign_items
    WHERE organization_id = %(organization)s AND campaign_id = %(campaign_id)s
    UNION
    SELECT i.item_type, i.item_id FROM inside
    JOIN campaign_items i ON i.organization_id = %(organization)s
    AND inside.item_type = 'campaign' AND i.campaign_id = inside.item_id
),
"""
_NAMED = """
SELECT a.id, a.kind, a.at, a.subject_type, a.subject_id, a.project_id,
       q.id, a.creator_id, a.actor, a.data, c.tiktok_handle,
       CASE a.subject_type WHEN 'creator' THEN c.tiktok_handle
                           WHEN 'video' THEN coalesce(v.title, f.title)
                           WHEN 'campaign' THEN g.name
                           WHEN 'project' THEN p.name ELSE o.name END,
       p.name, q.name, coalesce(v.tiktok_handle, c.tiktok_handle), n.text,
       n.starts_on, n.ends_on, coalesce(k.name, m.name)
FROM page a
LEFT JOIN creator_list c
    ON c.organization_id = %(organization)s AND c.id = a.creator_id
LEFT JOIN videos v ON a.subject_type = 'video'
    AND v.organization_id = %(organization)s AND v.id = a.subject_id
LEFT JOIN video_figures f ON a.subject_type = 'video'
    AND f.organization_id = %(organization)s AND f.id = a.subject_id
LEFT JOIN campaigns g ON a.subject_type = 'campaign'
    AND g.organization_id = %(organization)s AND g.id = a.subject_id
LEFT JOIN projects p ON p.organization_id = %(organization)s AND p.id = a.project_id
LEFT JOIN projects q
    ON q.organization_id = %(organization)s AND q.id = a.from_project_id
LEFT JOIN organizations o ON o.organization_id = %(organization)s
LEFT JOIN annotations n ON a.kind = 'note'
    AND n.organization_id = %(organization)s AND n.id = a.id
LEFT JOIN api_keys k ON k.organization_id = %(organization)s
    AND a.actor = 'key:' || k.id
LEFT JOIN members m ON m.organization_id = %(organization)s
    AND a.actor = 'person:' || m.person_id
ORDER BY a.at DESC, a.id DESC
"""


def activity_query(
    organization_id: UUID,
    requested: ActivityFilter,
    *,
    limit: int,
    after: ActivityPlace | None,
) -> tuple[bytes, dict[str, object]]:
    """Return the query of a page, and its parameters."""
    given = {
        name: value
        for name in requested.__struct_fields__
        if (value := getattr(requested, name)) is not None
    }
    if after is not None:
        given["after"], (given["after_at"], given["after_id"]) = True, after
    conditions = [text for name, text in _CONDITIONS.items() if name in given]
    where = "".join(f" AND {each}" for each in conditions)
    inside = _INSIDE if "campaign_id" in given else ""
    query = f"""
WITH RECURSIVE {inside} page AS MATERIALIZED (
    SELECT * FROM activity
    WHERE organization_id = %(organization)s AND at <= %(until)s{where}
    ORDER BY at DESC, id DESC LIMIT %(limit)s
) {_NAMED}"""
    kinds = None if requested.kinds is None else [*requested.kinds]
    parameters = {"organization": organization_id, "limit": limit, "kinds": kinds}
    return query.encode(), {**given, **parameters}


async def page_of_activity(
    reader: Reader,
    organization_id: UUID,
    requested: ActivityFilter,
    *,
    limit: int,
    after: ActivityPlace | None = None,
) -> list[tuple[ActivityPlace, ActivityEntry]]:
    """Return up to ``limit`` rows and their sort keys, newest first."""
    query, parameters = activity_query(
        organization_id, requested, limit=limit, after=after
    )
    rows = await reader.rows(organization_id, query, parameters)
    return [placed_entry(row) for row in rows]


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the query, in the order of its columns."""

    id: UUID
    kind: ActivityKind
    at: datetime
    subject_type: SubjectType
    subject_id: UUID
    project_id: UUID | None
    from_project_id: UUID | None
    creator_id: UUID | None
    actor: str
    data: dict[str, Any]
    creator: str | None
    name: str | None
    project: str | None
    from_project: str | None
    handle: str | None
    text: str | None
    starts_on: Any
    ends_on: Any
    by: str | None


def placed_entry(values: Any) -> tuple[ActivityPlace, ActivityEntry]:  # noqa: ANN401 - a row of the database
    """Return the sort key and the entry of a row of ``activity_query``."""
    row = _Read(**dict(zip(_Read.__struct_fields__, values, strict=True)))
    data = _data(row)
    by = actor_id(row.actor)
    known = {by: row.by} if by and row.by else {}
    named = Named(
        subject_type=row.subject_type,
        name=row.name,
        handle=row.creator or row.handle,
        project=row.project,
        from_project=row.from_project,
        by=actor_label(row.actor, known) if row.actor else "",
    )
    subject = ActivitySubject(type=row.subject_type, id=row.subject_id, name=row.name)
    entry = ActivityEntry(
        kind=row.kind,
        at=row.at,
        subject=subject,
        summary=activity_sentence(row.kind, data, named),
        data=data,
    )
    return (row.at, row.id), entry


def _data(row: _Read) -> dict[str, Any]:
    data = {name: value for name, value in row.data.items() if value is not None}
    data.pop("created_at", None)
    if row.kind == "note":
        days = {"starts_on": row.starts_on, "ends_on": row.ends_on}
        data |= {"annotation_id": row.id, "text": row.text, **days}
    if row.kind == "moved":
        data |= {
            "old_project_id": row.from_project_id,
            "new_project_id": row.project_id,
        }
    ids = {"project_id": row.project_id, "creator_id": row.creator_id}
    return data | {name: each for name, each in ids.items() if each is not None}
