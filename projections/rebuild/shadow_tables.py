"""Shadow tables: copies of the live ones in another schema, until they are swapped."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from projections.engine.projection import ReadModel, Ruled
from projections.rebuild.errors import CannotRebuildError

_LIVE = """
SELECT nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE pg_class.oid = to_regclass('projection')
"""
# These are not copied, because they would still refer to the replaced table.
_ATTACHED = """
WITH tables AS (
    SELECT oid, reltype, relname FROM pg_class
    WHERE relnamespace = to_regnamespace(quote_ident(%(live)s))
      AND relname = ANY(%(tables)s)
)
SELECT format('the trigger %%s on %%s', tgname, relname)
FROM pg_trigger JOIN tables ON tables.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT format('the foreign key %%s', conname) FROM pg_constraint
WHERE contype = 'f' AND (conrelid IN (SELECT oid FROM tables)
                         OR confrelid IN (SELECT oid FROM tables))
UNION ALL
SELECT DISTINCT format('a view or rule on %%s', relname)
FROM pg_depend JOIN tables ON tables.oid = refobjid
WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass
UNION ALL
SELECT format('the function %%s, which names the row type of %%s',
              objid::regprocedure, relname)
FROM pg_depend JOIN tables ON tables.reltype = refobjid
WHERE classid = 'pg_proc'::regclass AND refclassid = 'pg_type'::regclass
"""
# LIKE copies columns, defaults, constraints and indexes. These statements copy the
# rest: owner, options, names of indexes, row level security, grants.
_REST = """
WITH live AS (
    SELECT * FROM pg_class WHERE relname = ANY(%(tables)s)
      AND relnamespace = to_regnamespace(quote_ident(%(live)s))
), shadow AS (
    SELECT *, format('%%I.%%I', %(schema)s::text, relname) AS path
    FROM pg_class WHERE relname = ANY(%(tables)s)
      AND relnamespace = to_regnamespace(quote_ident(%(schema)s))
), indexes AS (
    SELECT indrelid, relname, form,
           row_number() OVER (PARTITION BY indrelid, form ORDER BY indexrelid) AS nth
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid, LATERAL (
        SELECT concat(indisunique, indisprimary,
                      substring(pg_get_indexdef(indexrelid) FROM ' USING .*')) AS form
    ) AS described
    WHERE indrelid IN (SELECT oid FROM live UNION ALL SELECT oid FROM shadow)
), made (turn, statement) AS (
    SELECT 0, format('ALTER TABLE %%s OWNER TO %%I', path, pg_get_userbyid(l.relowner))
    FROM live l JOIN shadow b USING (relname) WHERE l.relowner <> b.relowner
    UNION ALL
    SELECT 0, format('ALTER TABLE %%s SET (%%s)', path,
                     array_to_string(l.reloptions, ', '))
    FROM live l JOIN shadow USING (relname) WHERE l.reloptions IS NOT NULL
    UNION ALL
    SELECT 0, format('ALTER TABLE %%s ALTER COLUMN %%I SET STATISTICS %%s', path,
                     attname, attstattarget)
    FROM live l JOIN pg_attribute ON attrelid = l.oid JOIN shadow USING (relname)
    WHERE attnum > 0 AND attstattarget >= 0 AND NOT attisdropped
    UNION ALL
    SELECT 1, format('ALTER INDEX %%I.%%I RENAME TO %%I', %(schema)s::text, n.relname,
                     'goatherd moving ' || l.relname)
    FROM indexes l JOIN live ON live.oid = l.indrelid
    JOIN indexes n ON (n.form, n.nth) = (l.form, l.nth)
    JOIN shadow ON shadow.oid = n.indrelid AND shadow.relname = live.relname
    UNION ALL
    SELECT 2, format('ALTER INDEX %%I.%%I RENAME TO %%I', %(schema)s::text,
                     'goatherd moving ' || l.relname, l.relname)
    FROM indexes l JOIN live ON live.oid = l.indrelid
    UNION ALL
    SELECT 3, format('ALTER TABLE %%s ENABLE ROW LEVEL SECURITY', path)
    FROM live l JOIN shadow USING (relname) WHERE l.relrowsecurity
    UNION ALL
    SELECT 3, format('ALTER TABLE %%s FORCE ROW LEVEL SECURITY', path)
    FROM live l JOIN shadow USING (relname) WHERE l.relforcerowsecurity
    UNION ALL
    SELECT 3, concat(
        format('CREATE POLICY %%I ON %%s AS %%s FOR %%s TO ', polname, path,
               CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
               CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                           WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                           ELSE 'ALL' END),
        (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC'
                           ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
         FROM unnest(polroles) AS role),
        format(' USING (%%s)', nullif(pg_get_expr(polqual, polrelid), '')),
        ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
    FROM live l JOIN pg_policy ON polrelid = l.oid JOIN shadow USING (relname)
    -- Grants that come from this database's defaults are revoked first.
    UNION ALL
    SELECT DISTINCT 4, format('REVOKE ALL ON %%s FROM %%s', path,
                              CASE grantee WHEN 0 THEN 'PUBLIC'
                              ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM shadow, aclexplode(relacl) WHERE grantee <> relowner
    UNION ALL
    SELECT 5, format('GRANT %%s%%s ON %%s TO %%s%%s', privilege_type, of_column, path,
                     CASE grantee WHEN 0 THEN 'PUBLIC'
                     ELSE quote_ident(pg_get_userbyid(grantee)) END,
                     CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM (
        SELECT relname, relowner, '' AS of_column, acl.*
        FROM live, aclexplode(relacl) AS acl
        UNION ALL
        SELECT relname, relowner, format(' (%%I)', attname), acl.*
        FROM live JOIN pg_attribute ON attrelid = live.oid, aclexplode(attacl) AS acl
    ) AS granted JOIN shadow USING (relname) WHERE grantee <> granted.relowner
)
SELECT statement FROM made ORDER BY turn, statement
"""
# In milliseconds; 0 is any time.
SET_TIMEOUT = "SELECT set_config('statement_timeout', %s, false)"


def next_schema(name: str) -> str:
    return f"goatherd_next_{name}"


def previous_schema(name: str) -> str:
    """Return the schema of the tables that the last swap replaced."""
    return f"goatherd_old_{name}"


def live_schema(cursor: Cursor[TupleRow]) -> str:
    row = cursor.execute(_LIVE).fetchone()
    assert row is not None, "migrated"
    return row[0]


def create_shadow_tables(
    cursor: Cursor[TupleRow], tables: Sequence[str], *, schema: str
) -> None:
    """Create the schema anew, with an empty copy of each live table.

    Raises:
        CannotRebuildError: a table has something that would not be copied.
    """
    live = live_schema(cursor)
    attached = cursor.execute(
        _ATTACHED, {"live": live, "tables": list(tables)}
    ).fetchall()
    if attached:
        names = ", ".join(name for (name,) in attached)
        msg = f"Its tables cannot be swapped because of {names}."
        raise CannotRebuildError(msg)
    drop_schema(cursor, schema)
    made: list[sql.Composable] = [
        sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema))
    ]
    made += [
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
            sql.Identifier(schema, table), sql.Identifier(live, table)
        )
        for table in tables
    ]
    cursor.execute(sql.SQL("; ").join(made))
    values = {"live": live, "tables": list(tables), "schema": schema}
    rest = cursor.execute(_REST, values).fetchall()
    if rest:
        # A policy that names another one of these tables names the copy from now on.
        with search_path_restored(cursor):
            use_schema(cursor, schema)
            cursor.execute("; ".join(statement for (statement,) in rest))


def tables_in(cursor: Cursor[TupleRow], schema: str) -> list[str]:
    """Return the names of all tables of a schema; it need not exist."""
    rows = cursor.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,)
    ).fetchall()
    return [name for (name,) in rows]


def drop_schema(cursor: Cursor[TupleRow], schema: str) -> None:
    """Drop the schema with its tables, if it exists.

    It fails if something else depends on the tables.
    """
    wait_for_workers(cursor)
    tables = [sql.Identifier(schema, table) for table in tables_in(cursor, schema)]
    gone: list[sql.Composable] = []
    if tables:
        # Together, because policies of some name others.
        gone.append(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(tables)))
    gone.append(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
    cursor.execute(sql.SQL("; ").join(gone))


def wait_for_workers(cursor: Cursor[TupleRow]) -> None:
    """Let this transaction wait up to a minute for workers on slices."""
    cursor.execute("SET LOCAL lock_timeout = '1min'")
    cursor.execute("SET LOCAL statement_timeout = '1min'")


def use_schema(cursor: Cursor[TupleRow], schema: str) -> None:
    """Make table names refer to the schema first, until the transaction ends."""
    cursor.execute(
        "SELECT set_config('search_path', "
        "quote_ident(%s) || ', ' || current_setting('search_path'), true)",
        (schema,),
        prepare=True,
    )


@contextmanager
def search_path_restored(cursor: Cursor[TupleRow]) -> Generator[None]:
    """Restore the meaning of table names after the block."""
    path = cursor.execute("SELECT current_setting('search_path')").fetchone()
    assert path is not None
    yield
    cursor.execute("SELECT set_config('search_path', %s, true)", path)


def analyze(
    connection: Connection[TupleRow],
    tables: Sequence[str],
    *,
    schema: str,
    timeout_ms: int = 0,
) -> None:
    """Vacuum and analyze the tables of a schema, so that the planner knows them.

    They are not truncated, because that would wait for readers. ``timeout_ms`` is the
    longest time for a table, and 0 is any time.

    Raises:
        QueryCanceled: a table takes longer.
        LockNotAvailable: another statement has locked a table.
    """
    try:
        connection.execute(SET_TIMEOUT, (str(timeout_ms),))
        for table in tables:
            connection.execute(
                sql.SQL("VACUUM (ANALYZE, TRUNCATE false) {}").format(
                    sql.Identifier(schema, table)
                )
            )
    finally:
        # The connection may be of a pool.
        connection.execute("RESET statement_timeout")


def exchange_tables(
    cursor: Cursor[TupleRow], tables: Sequence[str], *, incoming: str, outgoing: str
) -> None:
    """Make the tables of the schema ``incoming`` the live ones.

    The former live tables are in ``outgoing`` afterwards, which may be the same schema.
    The caller has locked them all.
    """
    live = live_schema(cursor)
    moving = f"goatherd_moving_{incoming}"
    statements: list[sql.Composable] = [
        sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
            sql.Identifier(incoming), sql.Identifier(moving)
        ),
        sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(outgoing)),
    ]
    coming = [(moving, live, table) for table in tables_in(cursor, incoming)]
    going = [(live, outgoing, table) for table in tables]
    statements += [
        sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
            sql.Identifier(source, table), sql.Identifier(target)
        )
        for source, target, table in (*going, *coming)
    ]
    statements.append(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(moving)))
    cursor.execute(sql.SQL("; ").join(statements))


def can_go_on(projection: ReadModel, rule: str | None) -> bool:
    """Return whether a rebuild with the stored ``rule`` is the requested one.

    If no rule is stored, a release without rules began the rebuild.
    """
    if not isinstance(projection, Ruled):
        return True
    return rule is not None and projection.rule in {None, rule}


def begin_under(cursor: Cursor[TupleRow], projection: ReadModel) -> str | None:
    """Store the rule of the shadow tables in them, and return it.

    It is the current rule unless another was requested; None if there is only one.
    """
    if not isinstance(projection, Ruled):
        return None
    rule = projection.rule or projection.rule_of(cursor)
    with search_path_restored(cursor):
        use_schema(cursor, next_schema(projection.name))
        projection.begin_under(cursor, rule)
    return rule


def same_rule(cursor: Cursor[TupleRow], projection: ReadModel) -> bool:
    """Return whether the shadow tables have the same rule as the live ones."""
    if not isinstance(projection, Ruled):
        return True
    live = projection.rule_of(cursor)
    with search_path_restored(cursor):
        use_schema(cursor, next_schema(projection.name))
        return projection.rule_of(cursor) == live
