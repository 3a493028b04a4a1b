"""Effects of another baseline rule, project by project."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from domain.analytics.baselines import DEFAULT_RULE, BaselineRule
from domain.analytics.metrics import VIDEO_METRICS, RawMetric
from projections.analytics.fold.creator_moves import divided_spans
from projections.analytics.fold.owner_state import BASELINE, COUNTED, OwnerState
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.store.creator_moves import MOVE_COLUMNS
from projections.analytics.store.owners import unpacked_state
from projections.rebuild.shadow_tables import live_schema, next_schema

_STATES_AT_ONCE = 500
_PROJECTS = """
SELECT organization_id, id, label FROM {}.analytics_subjects
WHERE kind = 'project' ORDER BY organization_id, id
"""
_MOVES = f"""
SELECT {MOVE_COLUMNS} FROM {{0}}.analytics_creator_moves m
JOIN {{0}}.analytics_subjects c
    ON c.organization_id = m.organization_id AND c.id = m.creator_id
WHERE c.kind = 'creator' ORDER BY m.organization_id, m.creator_id
"""
# States are compared video by video. At one position both have the same videos.
_STATES = """
SELECT l.organization_id, l.project_id, l.state, s.state
FROM {live}.analytics_owner_states l JOIN {shadow}.analytics_owner_states s
    USING (organization_id, metric_group, owner)
WHERE metric_group = {metric_group} AND l.project_id IS NOT NULL AND l.state <> s.state
"""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """The growth of a metric over all time, null if it is unknown.

    ``shadow`` is the growth in the tables of the dry run.
    """

    metric: RawMetric
    live: int | None
    shadow: int | None
    difference: int


class ProjectEffects(msgspec.Struct, frozen=True, kw_only=True):
    """The effect on one project.

    ``videos`` is the number of its counted videos with a baseline under only one of the
    two rules.
    """

    organization_id: UUID
    project_id: UUID
    name: str
    videos: int
    metrics: list[Effect]

    @property
    def is_any(self) -> bool:
        return self.videos > 0 or any(each.difference for each in self.metrics)


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """The effects of swapping in the shadow tables, and the rules of both."""

    live_rule: BaselineRule
    rule: BaselineRule
    projects: list[ProjectEffects]


ProjectKey = tuple[UUID, UUID]


def effects(cursor: Cursor[TupleRow]) -> Effects:
    """Compare the live tables of analytics with the shadow tables, at one position."""
    live, shadow = live_schema(cursor), next_schema("analytics")
    before, after = _rollups(cursor, live), _rollups(cursor, shadow)
    videos = _changed_baselines(cursor, live, shadow)
    projects = cursor.execute(_in(_PROJECTS, live)).fetchall()
    nothing: tuple[int | None, ...] = (None,) * len(VIDEO_METRICS)
    found: list[ProjectEffects] = []
    for organization_id, project_id, label in projects:
        key = organization_id, project_id
        metrics = [
            Effect(metric=metric, live=a, shadow=b, difference=(b or 0) - (a or 0))
            for metric, a, b in zip(
                VIDEO_METRICS,
                before.get(key, nothing),
                after.get(key, nothing),
                strict=True,
            )
        ]
        found.append(
            ProjectEffects(
                organization_id=organization_id,
                project_id=project_id,
                name=label,
                videos=videos.get(key, 0),
                metrics=metrics,
            )
        )
    return Effects(
        live_rule=_rule(cursor, live), rule=_rule(cursor, shadow), projects=found
    )


def _rule(cursor: Cursor[TupleRow], schema: str) -> BaselineRule:
    row = cursor.execute(_in("SELECT baseline FROM {}.analytics_rule", schema))
    (rule,) = row.fetchone() or (DEFAULT_RULE,)
    return rule


def _in(query: str, schema: str) -> sql.Composed:
    return sql.SQL(query).format(sql.Identifier(schema))  # pyright: ignore[reportArgumentType]


def _rollups(
    cursor: Cursor[TupleRow], schema: str
) -> dict[ProjectKey, tuple[int | None, ...]]:
    """Return the growth of each project over all time, metric by metric."""
    columns = ", ".join(
        f"CASE WHEN sum({metric}_known) > 0 THEN sum({metric}) - sum({metric}_base) END"
        for metric in VIDEO_METRICS
    )
    query = f"""
        SELECT organization_id, id, {columns}
        FROM {{0}}.{VIDEOS.rollup_table} JOIN {{0}}.analytics_subjects
            USING (organization_id, id)
        WHERE kind = 'project' GROUP BY organization_id, id
    """
    rows = [*cursor.execute(_in(query, schema)), *_divided(cursor, schema)]
    found: dict[ProjectKey, tuple[int | None, ...]] = {}
    for row in rows:
        key = row[0], row[1]
        held = found.get(key, (None,) * len(VIDEO_METRICS))
        found[key] = tuple(map(_sum, held, row[2:]))
    return found


def _divided(cursor: Cursor[TupleRow], schema: str) -> list[TupleRow]:
    """Return the growth of creators in projects whose stored sums leave them out."""
    spans = [
        (key[0], project_id, key[1], *span)
        for key, by_project in divided_spans(cursor.execute(_in(_MOVES, schema)))
        for project_id, its_spans in by_project.items()
        for span in its_spans
    ]
    columns = ", ".join(
        f"CASE WHEN sum({metric}_known) > 0 THEN coalesce("
        f"sum({metric} - {metric}_base) FILTER (WHERE slot > first), 0) END"
        for metric in VIDEO_METRICS
    )
    query = f"""
        SELECT organization_id, p, {columns}
        FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[])
            AS spans (o, p, c, first, last)
        JOIN {{0}}.{VIDEOS.rollup_table}
            ON organization_id = o AND id = c AND slot <= last
        GROUP BY organization_id, p
    """
    arrays = [[*column] for column in zip(*spans, strict=True)]
    return cursor.execute(_in(query, schema), arrays).fetchall() if spans else []


def _sum(one: int | None, other: Decimal | int | None) -> int | None:
    return one if other is None else (one or 0) + int(other)


def _changed_baselines(
    cursor: Cursor[TupleRow], live: str, shadow: str
) -> dict[ProjectKey, int]:
    """Return the number of videos that only one set of tables has a baseline for."""
    query = sql.SQL(_STATES).format(
        live=sql.Identifier(live),
        shadow=sql.Identifier(shadow),
        metric_group=sql.Literal(VIDEOS.number),
    )
    found: dict[ProjectKey, int] = {}
    for row in _some_at_a_time(cursor, query):
        ours, theirs = (_state_of_row(row[0], packed) for packed in row[2:])
        _, here, there = np.intersect1d(
            ours.video_numbers, theirs.video_numbers, return_indices=True
        )
        ones, others = ours.flags[here], theirs.flags[there]
        is_other = ((ones ^ others) & BASELINE != 0) & ((ones | others) & COUNTED != 0)
        key = row[0], row[1]
        found[key] = found.get(key, 0) + int(np.count_nonzero(is_other))
    return found


def _some_at_a_time(
    cursor: Cursor[TupleRow], query: sql.Composed
) -> Iterator[TupleRow]:
    with cursor.connection.cursor("goatherd_owner_states", binary=True) as states:
        states.itersize = _STATES_AT_ONCE
        yield from states.execute(query)


def _state_of_row(organization_id: UUID, packed: bytes) -> OwnerState:
    return unpacked_state(
        organization_id,
        VIDEOS.number,
        organization_id,
        packed,
        last=(0, 0),
        counters=VIDEOS.counters,
        project_id=None,
        creator_id=None,
    )
