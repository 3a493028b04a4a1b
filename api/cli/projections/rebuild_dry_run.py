"""Dry runs of ``goatherd rebuild``: the changes that a rebuild would make."""

from collections.abc import Sequence

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.cli import UsageError
from api.cli.kit.output import plain, print_table
from domain.analytics.baselines import BaselineRule
from domain.phrases import counted
from infra.eventstore.store import Store
from projections.analytics.projection import AnalyticsProjection
from projections.analytics.read.explanations.rule_effects import (
    Effects,
    ProjectEffects,
    effects,
)
from projections.engine.projection import ReadModel
from projections.rebuild.compare import Comparison
from projections.rebuild.rebuild import Watch, rebuild
from projections.rebuild.transitions import RebuildOptions


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a dry run; ``effects`` is null if there is only one rule."""

    name: str
    version: int
    was_resumed: bool
    comparison: Comparison
    effects: Effects | None


def with_rule(projections: Sequence[ReadModel], rule: BaselineRule) -> list[ReadModel]:
    """Return the read models to rebuild, with that rule.

    Raises:
        CommandError: another read model than analytics is among them.
    """
    if not all(
        isinstance(projection, AnalyticsProjection) for projection in projections
    ):
        raise UsageError("--baseline-rule is only for analytics: name it.")
    return [AnalyticsProjection(rule)]


def dry_run(store: Store, projection: ReadModel, *, watch: Watch) -> DryRun:
    """Build shadow tables, compute what would change, and keep them for a swap."""
    found: list[Effects] = []

    def inspect(cursor: Cursor[TupleRow]) -> None:
        found.append(effects(cursor))

    is_analytics = isinstance(projection, AnalyticsProjection)
    done = rebuild(
        store,
        projection,
        by="cli",
        options=RebuildOptions(is_dry_run=True),
        inspect=inspect if is_analytics else None,
        watch=watch,
    )
    return DryRun(
        name=done.name,
        version=done.version,
        was_resumed=done.was_resumed,
        comparison=done.comparison,
        effects=found[-1] if found else None,
    )


def print_dry_run(answer: DryRun) -> None:
    """Print what would change, project by project, and how to continue."""
    found = answer.effects
    text = f"{answer.name}: built in shadow tables up to position "
    text += f"{answer.comparison.shadow_position}, and not swapped."
    if found is None:
        print(f"{text} {plain(answer.comparison.summary())}")
    else:
        print(f"{text} The live rule is {found.live_rule}, the new one {found.rule}.")
        _print_effects(found)
    print(
        f"`goatherd rebuild {answer.name} --swap` swaps it in, "
        f"`goatherd rebuild {answer.name} --cancel` drops it."
    )


def _named(project: ProjectEffects) -> tuple[object, ...]:
    # Every organization's first project may have the same name.
    return project.name, project.project_id, project.videos


def _print_effects(found: Effects) -> None:
    changing = [project for project in found.projects if project.is_any]
    if changing:
        print_table(
            (
                "project",
                "id",
                "videos",
                "metric",
                "live",
                "shadow",
                "difference",
            ),
            (
                (
                    *(_named(project) if number == 0 else ("", "", "")),
                    *(effect.metric, effect.live, effect.shadow),
                    f"{effect.difference:+}" if effect.difference else 0,
                )
                for project in changing
                for number, effect in enumerate(project.metrics)
            ),
        )
    same = len(found.projects) - len(changing)
    print(
        f"{len(changing)} of {counted(len(found.projects), 'project')} would change, "
        f"{same} as before."
    )
