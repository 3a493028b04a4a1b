"""Searches every table of the database, and its statistics, for erased values."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from application.erase.search.terms import CELL_END, SearchTerms
from application.erase.search.time_limit import TimeLimit
from application.erase.values import ErasedValue
from projections.rebuild.shadow_tables import SET_TIMEOUT

LOG = "goatherd_events"
Finds = Counter[tuple[str, str]]

_ROWS_AT_ONCE = 2_000
_COLUMNS = """
SELECT n.nspname, c.relname, greatest(c.reltuples, 0)::bigint,
    array_agg(a.attname::text ORDER BY a.attnum),
    array_agg(CASE WHEN e.typname IN ('int8', 'numeric') THEN 'numbers'
              ELSE coalesce(e.typname, t.typname)::text END ORDER BY a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE c.relkind IN ('r', 'm')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT starts_with(n.nspname, 'pg_temp')
GROUP BY c.oid, n.nspname, c.relname, c.reltuples ORDER BY 1, 2
"""
_INDEXES = """
SELECT schemaname || '.' || indexname FROM pg_indexes
WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1
"""
_STATISTICS = """
SELECT schemaname::text, tablename::text, attname::text,
    coalesce(most_common_vals::text::text[], '{}')
        || coalesce(histogram_bounds::text::text[], '{}'),
    coalesce(most_common_elems::text::text[], '{}')
FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_HAVE_OTHERS = """
SELECT EXISTS (SELECT FROM {table} WHERE {organization} <> {own} AND {has})
"""
_OF_OTHERS = """
WITH others AS (
    SELECT * FROM creator_list
    WHERE organization_id = %(organization)s AND id <> ALL(%(erased)s::uuid[])
    AND status <> 'erased'
), their_videos AS (
    SELECT * FROM videos
    WHERE organization_id = %(organization)s
    AND (creator_id IS NULL OR creator_id <> ALL(%(erased)s::uuid[]))
)
SELECT DISTINCT text FROM unnest(%(texts)s::text[]) AS text
WHERE text IN (SELECT unnest(ARRAY[tiktok_handle, display_name, scraped_display_name,
                                   description, readme, avatar_url]) FROM others)
OR text IN (SELECT unnest(ARRAY[user_id, sec_uid]) FROM creator_identity
            WHERE creator_id IN (SELECT id FROM others))
OR text IN (SELECT unnest(ARRAY[v.tiktok_video_id, v.tiktok_handle, v.title,
                                v.description, v.readme]) FROM their_videos v)
OR text IN (SELECT unnest(ARRAY[title, thumbnail_url]) FROM video_figures
            WHERE organization_id = %(organization)s
            AND (creator_id IS NULL OR creator_id <> ALL(%(erased)s::uuid[])))
"""
# Types without text.
_WITHOUT_TEXT = frozenset(
    {"bool", "uuid", "date", "timestamp", "timestamptz", "interval", "xid", "xid8"}
    | {"float4", "float8", "int2", "int4"}
)
_NUMBERS = frozenset({"int8", "numeric"})
_ORGANIZATION = "organization_id"


class SearchedTable(NamedTuple):
    """A table, its approximate number of rows, and its columns with their types."""

    schema: str
    name: str
    rows: int
    columns: dict[str, str]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def has_texts(self) -> bool:
        """Tell whether a column may have a text."""
        return not _WITHOUT_TEXT.union(_NUMBERS).issuperset(self.columns.values())


def tables_of(connection: Connection[TupleRow]) -> list[SearchedTable]:
    """Return every table of the database, in all schemas but PostgreSQL's own."""
    return [
        SearchedTable(schema, name, rows, dict(zip(columns, types, strict=True)))
        for schema, name, rows, columns, types in connection.execute(_COLUMNS)
    ]


def indexes_of(connection: Connection[TupleRow]) -> list[str]:
    """Return the names of all indexes, which have the values of their tables."""
    return [name for (name,) in connection.execute(_INDEXES)]


def search_table(
    connection: Connection[TupleRow],
    table: SearchedTable,
    terms: SearchTerms,
    *,
    organization_id: UUID,
    advance: Callable[[int], None],
    limit: TimeLimit,
) -> Finds:
    """Return the number of a table's rows with values, by place and kind.

    Rows of other organizations are left out, because they may know the same person.

    Raises:
        SearchTooLongError: the time of ``limit`` is over.
        QueryCanceled: the time of ``limit`` ends during a statement.
        LockNotAvailable: another statement has locked the table.
    """
    finds = Finds()
    for part in _parts(connection, table, organization_id, limit):
        found = terms.found_in(CELL_END.join(map(_text, part)))
        if found:
            finds += _by_row(table, part, terms)
        advance(len(part))
    return finds


def keep_within(connection: Connection[TupleRow], limit: TimeLimit) -> None:
    """Let the next statement take at most the time that is left.

    Raises:
        SearchTooLongError: the time is over.
    """
    connection.execute(SET_TIMEOUT, (str(limit.left_ms()),))


class SampleFinds(NamedTuple):
    """The finds in samples of ``columns``; ``of_others`` are of other organizations."""

    columns: int
    left: Finds
    of_others: Finds


def search_statistics(
    connection: Connection[TupleRow],
    tables: Collection[SearchedTable],
    terms: SearchTerms,
    *,
    organization_id: UUID,
    limit: TimeLimit,
) -> SampleFinds:
    """Search the planner's samples of values, which are of all organizations.

    A sample that is the value of a row of another organization is theirs, because the
    rows of the erased person's organization were searched one by one.

    Raises:
        SearchTooLongError: the time of ``limit`` is over.
        QueryCanceled: the time of ``limit`` ends during a statement.
        LockNotAvailable: another statement has locked a table.
    """
    known = {(table.schema, table.name): table for table in tables}
    left, of_others, columns = Finds(), Finds(), 0
    keep_within(connection, limit)
    for schema, name, column, values, members in connection.execute(
        _STATISTICS
    ).fetchall():
        columns += 1
        limit.left_ms()
        if not terms.found_in(CELL_END.join([*values, *members])):
            continue
        table = known.get((schema, name))
        for texts, is_member in ((values, False), (members, True)):
            for text in texts:
                kinds = {value.kind for value in terms.found_in(text)}
                is_theirs = (
                    kinds
                    and table is not None
                    and _ORGANIZATION in table.columns
                    and _have_others(
                        connection,
                        table,
                        column,
                        text,
                        is_member=is_member,
                        organization_id=organization_id,
                        limit=limit,
                    )
                )
                finds = of_others if is_theirs else left
                place = f"statistics of {schema}.{name}.{column}"
                finds.update((place, kind) for kind in kinds)
    return SampleFinds(columns, left, of_others)


def _have_others(
    connection: Connection[TupleRow],
    table: SearchedTable,
    column: str,
    text: str,
    *,
    is_member: bool,
    organization_id: UUID,
    limit: TimeLimit,
) -> bool:
    """Tell whether a row of another organization has a value, or a member of one."""
    has = "{text} = ANY({column}::text[])" if is_member else "{column}::text = {text}"
    query = sql.SQL(_HAVE_OTHERS).format(
        table=sql.Identifier(table.schema, table.name),
        organization=sql.Identifier(_ORGANIZATION),
        own=sql.Literal(organization_id),
        has=sql.SQL(has).format(column=sql.Identifier(column), text=sql.Literal(text)),
    )
    keep_within(connection, limit)
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _by_row(
    table: SearchedTable, rows: Sequence[TupleRow], terms: SearchTerms
) -> Finds:
    finds = Finds()
    for row in rows:
        kinds = {value.kind for value in terms.found_in(_text(row))}
        finds.update((table.full_name, kind) for kind in kinds)
    return finds


def _parts(
    connection: Connection[TupleRow],
    table: SearchedTable,
    organization_id: UUID,
    limit: TimeLimit,
) -> Iterator[list[TupleRow]]:
    columns = _texts_in(table)
    if not columns:
        return
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(columns), sql.Identifier(table.schema, table.name)
    )
    if table.name == LOG:
        query += sql.SQL(
            " WHERE position(convert_to({}, 'UTF8') IN state) > 0"
            ' OR position(\'"organization_id":"\'::bytea IN state) = 0'
        ).format(sql.Literal(f'"{_ORGANIZATION}":"{organization_id}"'))
    elif _ORGANIZATION in table.columns:
        query += sql.SQL(" WHERE {} = {}").format(
            sql.Identifier(_ORGANIZATION), sql.Literal(organization_id)
        )
    with connection.transaction(), connection.cursor(name="search") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        keep_within(connection, limit)
        cursor.execute(query)
        keep_within(connection, limit)
        while part := cursor.fetchmany(_ROWS_AT_ONCE):
            yield part
            keep_within(connection, limit)


def _texts_in(table: SearchedTable) -> list[sql.Composable]:
    """Return the selected columns of a table: bytes as they are, the rest as text."""
    selected: list[sql.Composable] = []
    for name, kind in table.columns.items():
        column = sql.Identifier(name)
        if kind == "bytea":
            selected.append(column)
        elif kind in _NUMBERS:
            # Smaller numbers are not ids on TikTok.
            selected.append(
                sql.SQL("CASE WHEN abs({0}) >= 1e9 THEN {0}::text END").format(column)
            )
        elif kind not in _WITHOUT_TEXT:
            selected.append(sql.SQL("{}::text").format(column))
    return selected


def _text(row: Sequence[Any]) -> str:
    return CELL_END.join(
        cell if isinstance(cell, str) else _decoded(cell)
        for cell in row
        if cell is not None
    )


def _decoded(cell: object) -> str:
    assert isinstance(cell, bytes)
    return cell.decode(errors="replace")


def values_of_others(
    connection: Connection[TupleRow],
    values: Collection[ErasedValue],
    *,
    organization_id: UUID,
    creator_ids: Collection[UUID],
    limit: TimeLimit,
) -> set[ErasedValue]:
    """Return the values that other tracked creators of the organization have, too.

    Raises:
        SearchTooLongError: the time of ``limit`` is over.
        QueryCanceled: the time of ``limit`` ends during the statement.
        LockNotAvailable: another statement has locked a table.
    """
    keep_within(connection, limit)
    rows = connection.execute(
        _OF_OTHERS,
        {
            "texts": [value.text for value in values],
            "organization": organization_id,
            "erased": [*creator_ids],
        },
    )
    theirs = {text for (text,) in rows}
    return {value for value in values if value.text in theirs}
