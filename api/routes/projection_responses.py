"""The answers about projections and their rebuilds."""

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from infra.structs import shared_fields
from projections.engine.dead_letters import DeadLetter, without_rows
from projections.rebuild.compare import Comparison
from projections.rebuild.state import Rebuild, RebuildStatus
from projections.registry import PROJECTIONS
from projections.status import ProjectionProgress, ProjectionStatus

READ_MODELS = {projection.name: projection for projection in PROJECTIONS}


class ComparedTable(Struct, frozen=True, kw_only=True):
    """A live and a new table: the number of rows of each, and the differences."""

    table: str
    rows: int
    shadow_rows: int
    hashed_rows: int
    different_rows: int
    differences: list[str]


class RebuildComparison(Struct, frozen=True, kw_only=True):
    """The comparison of the new tables with the live ones.

    If ``strict`` is true, both follow the same rules, and all rows must be equal.
    """

    strict: bool
    equal: bool
    position: int
    shadow_position: int
    tables: list[ComparedTable]


class RebuildState(Struct, frozen=True, kw_only=True):
    """The running or the last rebuild of a projection.

    ``position`` is the position that the new tables have reached, and ``head`` is the
    end of the log. ``part_done`` goes from 0 to 1. ``stage`` is the stage of its
    slices, null if none are left. ``error_position`` and ``error_event`` name the event
    that stopped the rebuild.
    """

    status: RebuildStatus
    version: int
    position: int
    head: int
    part_done: float
    events_per_second: float | None
    seconds_left: float | None
    stage: str | None
    slices: int
    slices_done: int
    comparison: RebuildComparison | None
    swap_ms: float | None
    error: str | None
    error_position: int | None
    error_event: str | None
    cancel_requested: bool
    forced: bool
    started_by: str
    started_at: datetime
    updated_at: datetime


class DeadLetters(Struct, frozen=True, kw_only=True):
    """The number of events that a projection could not apply, and the newest five."""

    count: int
    newest: list[DeadLetter]


class ProjectionState(ProjectionStatus, frozen=True, kw_only=True):
    """The state of a projection.

    ``lag_events`` is the number of positions that the projection lags behind, and
    ``lag_seconds`` is the age of the first event that is not applied yet; both are 0
    when the projection is caught up. ``heartbeat_seconds`` is the time since its
    follower last reported, null if it never did. ``rebuildable`` is true for a read
    model, which can be computed again from the log.
    """

    rebuildable: bool
    dead_letters: DeadLetters
    rebuild: RebuildState | None


EXAMPLE = ProjectionState(
    name="creator_list",
    version=1,
    position=51_207,
    head=51_207,
    lag_events=0,
    lag_seconds=0.0,
    status="following",
    heartbeat_seconds=1.2,
    rebuildable=True,
    dead_letters=DeadLetters(
        count=1,
        newest=[
            DeadLetter(
                position=48_110,
                name="goat_milked",
                error="UnknownEventError('goat_milked: no code knows that name')",
                failed_at=datetime(2026, 11, 24, 14, 30, tzinfo=UTC),
            )
        ],
    ),
    rebuild=RebuildState(
        status="building",
        version=1,
        position=20_000,
        head=51_207,
        part_done=0.39,
        events_per_second=18_500.0,
        seconds_left=1.7,
        stage=None,
        slices=0,
        slices_done=0,
        comparison=None,
        swap_ms=None,
        error=None,
        error_position=None,
        error_event=None,
        cancel_requested=False,
        forced=False,
        started_by="key:0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
        started_at=datetime(2026, 11, 24, 14, 31, tzinfo=UTC),
        updated_at=datetime(2026, 11, 24, 14, 31, 1, tzinfo=UTC),
    ),
)
"""A projection with a dead letter and a running rebuild, for the documentation."""


def projection_state(
    progress: ProjectionProgress, dead_letters: list[DeadLetter]
) -> ProjectionState:
    """Return a projection and its newest dead letters as clients read them."""
    return ProjectionState(
        **shared_fields(ProjectionStatus, progress),
        rebuildable=progress.name in READ_MODELS,
        dead_letters=DeadLetters(
            count=progress.dead_letters,
            newest=[
                msgspec.structs.replace(letter, error=without_rows(letter.error))
                for letter in dead_letters
            ],
        ),
        rebuild=None if progress.rebuild is None else _rebuild(progress.rebuild),
    )


def _rebuild(rebuild: Rebuild) -> RebuildState:
    return RebuildState(
        status=rebuild.status,
        version=rebuild.version,
        position=rebuild.position,
        head=rebuild.log_end,
        part_done=rebuild.part_done,
        events_per_second=rebuild.events_per_second,
        seconds_left=rebuild.seconds_left,
        stage=rebuild.stage,
        slices=rebuild.slices,
        slices_done=rebuild.slices_done,
        comparison=_comparison(rebuild.comparison),
        swap_ms=None if rebuild.swap_ms is None else round(rebuild.swap_ms, 1),
        error=None if rebuild.error is None else without_rows(rebuild.error),
        error_position=rebuild.error_position,
        error_event=rebuild.error_event,
        cancel_requested=rebuild.is_cancel_requested,
        forced=rebuild.is_forced,
        started_by=rebuild.started_by,
        started_at=rebuild.started_at,
        updated_at=rebuild.updated_at,
    )


def _comparison(stored: msgspec.Raw | None) -> RebuildComparison | None:
    if stored is None:
        return None
    found = msgspec.json.decode(stored, type=Comparison)
    return RebuildComparison(
        strict=found.is_strict,
        equal=found.is_equal,
        position=found.position,
        shadow_position=found.shadow_position,
        # The keys of the sample are left out: they are ids of any organization.
        tables=msgspec.convert(found.tables, list[ComparedTable], from_attributes=True),
    )
