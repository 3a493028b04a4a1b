"""The rule that a read model with several of them is rebuilt under."""

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.engine.projection import ReadModel, Ruled
from projections.rebuild.shadow_tables import (
    next_schema,
    search_path_restored,
    use_schema,
)


def can_go_on(projection: ReadModel, rule: str | None) -> bool:
    """Return whether a rebuild under ``rule`` is the one that was requested.

    Where no rule was noted, a release began it that knew of none.
    """
    if not isinstance(projection, Ruled):
        return True
    return rule is not None and projection.rule in {None, rule}


def begin_under(cursor: Cursor[TupleRow], projection: ReadModel) -> str | None:
    """Note in the shadow tables which rule they are built under, and return it.

    It is the one in force unless another was requested; None where there is but one.
    """
    if not isinstance(projection, Ruled):
        return None
    rule = projection.rule or projection.rule_of(cursor)
    with search_path_restored(cursor):
        use_schema(cursor, next_schema(projection.name))
        projection.begin_under(cursor, rule)
    return rule


def same_rule(cursor: Cursor[TupleRow], projection: ReadModel) -> bool:
    """Return whether the shadow tables are under the rule of the live ones."""
    if not isinstance(projection, Ruled):
        return True
    live = projection.rule_of(cursor)
    with search_path_restored(cursor):
        use_schema(cursor, next_schema(projection.name))
        return projection.rule_of(cursor) == live
