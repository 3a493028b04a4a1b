"""Table analytics_creator_posts: the quarter-hours of creators' counted posts."""

from collections import Counter
from collections.abc import Mapping, Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import texts, uuids
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.store.creator_projects import (
    CreatorProjects,
    projects_of,
)
from projections.analytics.store.keys import NOBODY, columns_of, execute
from projections.analytics.store.statements import delete_rows

_KEYS = "unnest(%b::uuid[], %b::uuid[])"


def save_posts(
    cursor: Cursor[TupleRow],
    moved: Mapping[CreatorKey, Sequence[tuple[int, int]]],
    projects: CreatorProjects,
) -> None:
    """Add posts at their quarter-hours, or remove those with the sign -1."""
    if not moved:
        return
    keys = columns_of(moved)
    rows = execute(
        cursor,
        f"""
        SELECT organization_id, id, slots FROM {_KEYS} AS requested (o, i)
        JOIN analytics_creator_posts ON organization_id = o AND id = i
        """,
        *keys,
    )
    held = {(row[0], row[1]): row[2] for row in rows}
    changed: dict[CreatorKey, str] = {}
    gone: list[CreatorKey] = []
    for key, posts in moved.items():
        amounts = Counter[int](held.get(key, ()))
        for slot, sign in posts:
            amounts[slot] += sign
        slots = sorted((+amounts).elements())
        if slots:
            changed[key] = f"{{{','.join(map(str, slots))}}}"
        elif key in held:
            gone.append(key)
    if changed:
        execute(
            cursor,
            f"""
            INSERT INTO analytics_creator_posts
                (organization_id, id, project_id, slots)
            SELECT o, i, nullif(p, '{NOBODY}'), s::int[]
            FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[])
                AS input (o, i, p, s)
            ON CONFLICT (organization_id, id) DO UPDATE
            SET project_id = excluded.project_id, slots = excluded.slots
            """,
            *columns_of(changed),
            uuids(projects_of(changed, projects)),
            texts(list(changed.values())),
        )
    if gone:
        organizations, ids = columns_of(gone)
        key = {"organization_id": organizations, "id": ids}
        delete_rows(cursor, "analytics_creator_posts", key)
