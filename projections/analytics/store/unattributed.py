"""Table analytics_unattributed: observed videos that no event has added yet."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import Packed, bigints, uuids
from projections.analytics.fold.ownership import Unattributed
from projections.analytics.store.statements import delete_rows, execute, save_rows


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
    if gone:
        delete_rows(cursor, "analytics_unattributed", _columns_of(gone))
    if came:
        save_rows(cursor, "analytics_unattributed", _columns_of(came))


def _columns_of(unattributed: set[Unattributed]) -> dict[str, Packed]:
    some = sorted(unattributed)
    return {
        "organization_id": uuids([one[0] for one in some]),
        "number": bigints([one[1] for one in some]),
        "provisional_owner": uuids([one[2] for one in some]),
    }
