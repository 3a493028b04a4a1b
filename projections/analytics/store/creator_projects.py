"""Column project_id of creators' sums: the project that each creator is in.

Policies for people who are limited to some projects compare it. Looking each creator up
in analytics_subjects would cost them more than the sums themselves.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import uuids
from projections.analytics.fold.day_sums import DAY_SUMS
from projections.analytics.fold.entities import SubjectRow
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.store.keys import NOBODY, execute

CreatorProjects = Mapping[UUID, UUID]
"""The project that a creator is in, by the creator's id."""
_WITH_CHANGED = """
WITH changed AS MATERIALIZED (
    SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS given (o, i, p)
)"""
_UPDATE = """
UPDATE {table} AS held SET project_id = p
FROM changed {days} WHERE held.organization_id = o AND held.id = i {of_day}
"""
# An index finds the row of a creator's day, but not all days of a creator.
_DAYS = """
JOIN {totals} AS totals ON totals.organization_id = o AND totals.id = i
CROSS JOIN generate_series(totals.first_day, totals.last_day) AS each (n)
"""


def projects_of(keys: Iterable[CreatorKey], projects: CreatorProjects) -> list[UUID]:
    """Return the projects of creators in order, ``NOBODY`` where none is known."""
    return [projects.get(creator_id, NOBODY) for _, creator_id in keys]


def known_projects(subjects: Mapping[UUID, SubjectRow]) -> CreatorProjects:
    """Return the projects of those subjects that are in one."""
    return {id_: row.project_id for id_, row in subjects.items() if row.project_id}


def follow_projects(
    cursor: Cursor[TupleRow],
    before: Mapping[UUID, SubjectRow],
    after: Mapping[UUID, SubjectRow],
) -> None:
    """Change the stored sums of creators whose project has changed."""
    held = known_projects(before)
    changed = [
        (row.organization_id, id_, row.project_id)
        for id_, row in sorted(after.items())
        if row.project_id is not None and row.project_id != held.get(id_)
    ]
    if changed:
        columns = [uuids(list(one)) for one in zip(*changed, strict=True)]
        execute(cursor, _FOLLOW, *columns)


def _follow() -> str:
    """Return the statement that changes all tables with one round trip."""
    updates = [
        _UPDATE.format(table=table, days="", of_day="")
        for table in ("analytics_creator_posts", *(sums.totals for sums in DAY_SUMS))
    ]
    for sums in DAY_SUMS:
        days = _DAYS.format(totals=sums.totals)
        updates.append(
            _UPDATE.format(table=sums.days, days=days, of_day="AND held.day = n")
        )
    *parts, last = updates
    named = [f", part_{number} AS ({part})" for number, part in enumerate(parts)]
    return f"{_WITH_CHANGED}{''.join(named)} {last}"


_FOLLOW = _follow()
