"""Rules: under which of its rules a read model is rebuilt, and what is read now."""

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.engine.projection import ReadModel, Ruled
from projections.rebuild.shadow_tables import next_schema, use_schema


class DryRunPendingError(Exception):
    """A dry run waits to be swapped or cancelled; nobody said which."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A dry run of {name} waits: swap it or cancel it first.")


class NoDryRunError(Exception):
    """There is nothing that a dry run built and that this release could swap."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No dry run of {name} waits to be swapped.")


def can_go_on(projection: ReadModel, rule: str | None) -> bool:
    """Tell whether a rebuild under ``rule`` is the one that was asked for.

    Where no rule was noted, a release began it that knew of none.
    """
    if not isinstance(projection, Ruled):
        return True
    return rule is not None and projection.rule in {None, rule}


def begin_under(cursor: Cursor[TupleRow], projection: ReadModel) -> str | None:
    """Write down beside under which rule that is built; None where there is but one.

    Unless another was asked for, that is the rule in force.
    """
    if not isinstance(projection, Ruled):
        return None
    rule = projection.rule or projection.rule_of(cursor)
    path = _path(cursor)
    use_schema(cursor, next_schema(projection.name))
    projection.begin_under(cursor, rule)
    _look_back(cursor, path)
    return rule


def same_rule(cursor: Cursor[TupleRow], projection: ReadModel) -> bool:
    """Tell whether the tables beside are under the rule of the live ones."""
    if not isinstance(projection, Ruled):
        return True
    live, path = projection.rule_of(cursor), _path(cursor)
    use_schema(cursor, next_schema(projection.name))
    beside = projection.rule_of(cursor)
    _look_back(cursor, path)
    return live == beside


def _path(cursor: Cursor[TupleRow]) -> str:
    row = cursor.execute("SELECT current_setting('search_path')").fetchone()
    assert row is not None
    return row[0]


def _look_back(cursor: Cursor[TupleRow], path: str) -> None:
    cursor.execute("SELECT set_config('search_path', %s, true)", (path,))
