"""Lets the sums by day follow the deltas of the rollups."""

from collections.abc import Mapping

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.day_sums import DAY_SUMS, moves_of
from projections.analytics.fold.rollup_deltas import RollupDeltas
from projections.analytics.store.creator_days import save_creator_days
from projections.analytics.store.creator_posts import save_posts


def save_days(cursor: Cursor[TupleRow], rollups: Mapping[int, RollupDeltas]) -> None:
    """Add deltas, by metric group, to the sums by day.

    The rollups themselves have them already, if something was removed or came late.
    """
    for sums in DAY_SUMS:
        deltas = rollups[sums.metric_group.number]
        save_creator_days(cursor, sums, moves_of(deltas))
        if sums.metric_group.has_posts:
            save_posts(cursor, deltas.posts_of_creators())
