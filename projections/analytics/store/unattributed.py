"""Table analytics_unattributed: observed videos that no event has added yet."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, uuids
from projections.analytics.fold.ownership import Unattributed
from projections.analytics.store.keys import execute


def load_unattributed(
    cursor: Cursor[TupleRow],
    numbers: Iterable[tuple[UUID, int]],
    owners: Iterable[tuple[UUID, UUID]],
) -> set[Unattributed]:
    """Return unattributed videos with these numbers or provisional owners."""
    found: set[Unattributed] = set()
    requested, provisional_owners = sorted(numbers), sorted(owners)
    if requested:
        rows = execute(
            cursor,
            """
            SELECT u.organization_id, u.number, u.provisional_owner
            FROM analytics_unattributed u
            JOIN unnest(%b::uuid[], %b::bigint[]) AS requested (o, n)
                ON u.organization_id = o AND u.number = n
            """,
            uuids([one[0] for one in requested]),
            bigints([one[1] for one in requested]),
        )
        found |= {(row[0], row[1], row[2]) for row in rows}
    if provisional_owners:
        rows = execute(
            cursor,
            """
            SELECT u.organization_id, u.number, u.provisional_owner
            FROM analytics_unattributed u
            JOIN unnest(%b::uuid[], %b::uuid[]) AS requested (o, w)
                ON u.organization_id = o AND u.provisional_owner = w
            """,
            uuids([one[0] for one in provisional_owners]),
            uuids([one[1] for one in provisional_owners]),
        )
        found |= {(row[0], row[1], row[2]) for row in rows}
    return found


def save_unattributed(
    cursor: Cursor[TupleRow], came: set[Unattributed], gone: set[Unattributed]
) -> None:
    """Insert videos without a known owner, and delete those with one."""
    names = "unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS input (o, n, w)"
    if gone:
        execute(
            cursor,
            f"""
            DELETE FROM analytics_unattributed USING {names}
            WHERE organization_id = o AND number = n AND provisional_owner = w
            """,
            *_packed(gone),
        )
    if came:
        execute(
            cursor,
            f"""
            INSERT INTO analytics_unattributed
                (organization_id, number, provisional_owner)
            SELECT o, n, w FROM {names} ON CONFLICT DO NOTHING
            """,
            *_packed(came),
        )


def _packed(unattributed: set[Unattributed]) -> tuple[object, object, object]:
    ones = sorted(unattributed)
    return (
        uuids([one[0] for one in ones]),
        bigints([one[1] for one in ones]),
        uuids([one[2] for one in ones]),
    )
