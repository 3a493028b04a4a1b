"""analytics_herds: herds in and out of their rows."""

from collections.abc import Iterable, Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, moments, uuids
from projections.analytics_fold import FAMILIES
from projections.analytics_herds import Herd, herd_of, instant_of, moment_of, packed
from projections.analytics_looks import NOBODY, HerdKey, execute, packed_keys


def load_herds(
    cursor: Cursor[TupleRow], keys: Iterable[HerdKey]
) -> dict[HerdKey, Herd]:
    """Return these herds, as far as there are any."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = execute(
        cursor,
        """
        SELECT o, f, w, project_id, creator_id, observed_at, position, herd
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS wanted (o, f, w)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_herds WHERE organization_id = o AND family = f
            AND owner = w LIMIT 1
        ) found
        """,
        *packed_keys(wanted),
    )
    return {
        (row[0], row[1], row[2]): herd_of(
            row[0],
            row[1],
            row[2],
            row[7],
            last=(instant_of(row[5]), row[6]),
            counters=FAMILIES[int(row[1])].counters,
            project_id=row[3],
            creator_id=row[4],
        )
        for row in rows
    }


def save_herds(cursor: Cursor[TupleRow], herds: Sequence[Herd]) -> None:
    """Insert the herds, or replace what was kept of them."""
    if not herds:
        return
    execute(
        cursor,
        """
        INSERT INTO analytics_herds (organization_id, family, owner, project_id,
            creator_id, observed_at, position, herd)
        SELECT o, f, w, nullif(j, %s), nullif(c, %s), a, p, b
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[], %b::uuid[], %b::uuid[],
            %b::timestamptz[], %b::bigint[], %b::bytea[])
            AS told (o, f, w, j, c, a, p, b)
        ON CONFLICT (organization_id, family, owner) DO UPDATE SET
            project_id = excluded.project_id, creator_id = excluded.creator_id,
            observed_at = excluded.observed_at, position = excluded.position,
            herd = excluded.herd
        """,
        NOBODY,
        NOBODY,
        *packed_keys([herd.key for herd in herds]),
        uuids([herd.project_id or NOBODY for herd in herds]),
        uuids([herd.creator_id or NOBODY for herd in herds]),
        moments([moment_of(herd.last[0]) for herd in herds]),
        bigints([herd.last[1] for herd in herds]),
        blobs(packed(herds)),
    )


def delete_herd(cursor: Cursor[TupleRow], key: HerdKey) -> None:
    """Delete a herd of which nothing is kept any more."""
    query = """
    DELETE FROM analytics_herds WHERE organization_id = %s AND family = %s
    AND owner = %s
    """
    execute(cursor, query, *key)
