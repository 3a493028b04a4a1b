"""The rule of a rebuild, for read models that have several rules."""

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.engine.projection import ReadModel, Ruled
from projections.rebuild.shadow_tables import (
    next_schema,
    search_path_restored,
    use_schema,
)


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
