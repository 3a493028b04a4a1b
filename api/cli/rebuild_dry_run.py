"""Dry runs of ``goatherd rebuild``: what other rules would change, and nothing else."""

from collections.abc import Sequence

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.output import plain, print_table
from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import Store
from projections.analytics.projection import Analytics
from projections.analytics.queries.rule_effects import Effects, ProjectEffects, effects
from projections.engine.projection import ReadModel
from projections.rebuild.compare import Comparison
from projections.rebuild.rebuild import Watch, rebuild
from projections.rebuild.transitions import RebuildOptions


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was built and compared; ``effects`` is null where there is but one rule."""

    name: str
    version: int
    was_resumed: bool
    comparison: Comparison
    effects: Effects | None


def under(projections: Sequence[ReadModel], rule: BaselineRule) -> list[ReadModel]:
    """Return what is to be rebuilt, told to work under a rule.

    Raises:
        CommandError: something else than analytics is to be rebuilt.
    """
    if not all(isinstance(projection, Analytics) for projection in projections):
        raise CommandError("--baseline-rule is for analytics alone: name it.")
    return [Analytics(rule)]


def dry_run(store: Store, projection: ReadModel, *, watch: Watch) -> DryRun:
    """Build a read model beside, look at what would change, and leave it there."""
    seen: list[Effects] = []

    def look(cursor: Cursor[TupleRow]) -> None:
        seen.append(effects(cursor))

    is_analytics = isinstance(projection, Analytics)
    done = rebuild(
        store,
        projection,
        by="cli",
        options=RebuildOptions(is_dry_run=True),
        inspect=look if is_analytics else None,
        watch=watch,
    )
    return DryRun(
        name=done.name,
        version=done.version,
        was_resumed=done.was_resumed,
        comparison=done.comparison,
        effects=seen[-1] if seen else None,
    )


def print_dry_run(answer: DryRun) -> None:
    """Show what would change, project by project, and how to go on."""
    found = answer.effects
    said = f"{answer.name}: built beside up to position "
    said += f"{answer.comparison.shadow_position}, and not swapped."
    if found is None:
        print(f"{said} {plain(answer.comparison.summary())}")
    else:
        print(f"{said} Live is {found.live_rule}, beside is {found.rule}.")
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
                "new live",
                "new beside",
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
        f"{len(changing)} of {len(found.projects)} projects would change, "
        f"{same} stay as they are."
    )
