"""``goatherd rebuild``: read models made again from the log, while people read them."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.databases import opened_store, redis_url
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import plain, print_json, progress_bar
from api.cli.rebuild_dry_run import DryRun, dry_run, print_dry_run, under
from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import Store
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild.errors import EXPECTED, NoPreviousTablesError
from projections.rebuild.rebuild import (
    CONNECTIONS,
    Rebuilt,
    cancel,
    rebuild,
    swap_dry_run,
)
from projections.rebuild.remote_workers import Notify, RemoteWorkers
from projections.rebuild.rollback import RolledBack, rollback
from projections.rebuild.state import Rebuild
from projections.rebuild.transitions import RebuildOptions
from projections.registry import PROJECTIONS


def rebuild_read_models(
    *names: Annotated[str, Parameter(help="Read models; all if none is named.")],
    force: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Swap even if the same rules gave other rows than the live ones.",
        ),
    ] = False,
    cancel: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Give up rebuilds that run."),
    ] = False,
    rollback: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Bring back the tables from before the last swap.",
        ),
    ] = False,
    distributed: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Let `goatherd work` processes, on any machine, do the work where it "
            "can be cut into slices: that of analytics.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Build and compare only, say what would change, and keep it for "
            "--swap or --cancel.",
        ),
    ] = False,
    swap: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Swap what a dry run built."),
    ] = False,
    baseline_rule: Annotated[
        BaselineRule | None,
        Parameter(
            help="The rule for which numbers of a video are not new (analytics only); "
            "the one in force if left out.",
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Build read models again from the event log, beside the ones that are read.

    The new tables are compared with the live ones and swapped in. Nobody has to stop;
    a rebuild that was cut off goes on where it was. With --distributed the workers of
    all machines do the work, and this process if none comes.
    """
    if cancel + rollback + force + dry_run + swap > 1:
        raise CommandError(
            "--force, --cancel, --rollback, --dry-run and --swap exclude each other."
        )
    if distributed and (cancel or rollback or dry_run or swap):
        raise CommandError("--distributed goes with a rebuild only.")
    chosen = _chosen(names)
    if rollback and not names:
        raise CommandError("Name the read models to bring back.")
    if baseline_rule is not None:
        if cancel or rollback or swap:
            raise CommandError("--baseline-rule goes with a rebuild or a dry run.")
        chosen = under(chosen, baseline_rule)
    act = _chosen_act(cancel=cancel, rollback=rollback, dry_run=dry_run, swap=swap)
    answers: list[object] = []
    failed: list[str] = []
    settings = read_settings(data_dir=data_dir)
    ring = None
    if distributed:
        from workers.rebuild_worker import rebuild_notifier

        ring = rebuild_notifier(redis_url(settings))
    with opened_store(settings, pool_size=CONNECTIONS) as store:
        for projection in chosen:
            try:
                answer = act(store, projection) if act else _rebuilt(
                    store,
                    projection,
                    force=force,
                    even_dry_run=baseline_rule is not None,
                    ring=ring,
                )  # fmt: skip
            except (*EXPECTED, NoPreviousTablesError) as error:
                # The others do not depend on it.
                print(f"goatherd: {plain(str(error))}", file=sys.stderr)
                failed.append(projection.name)
                answers.append({"name": projection.name, "error": str(error)})
                continue
            answers.append(answer)
            if json:
                continue
            if isinstance(answer, DryRun):
                print_dry_run(answer)
            else:
                print(_sentence(answer))
    if json:
        print_json(answers)
    if failed:
        raise CommandError(
            f"{len(failed)} of {len(chosen)} failed: {', '.join(failed)}."
        )


def _chosen(names: Sequence[str]) -> list[ReadModel]:
    known = {projection.name: projection for projection in PROJECTIONS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CommandError(
            f"There is no read model {unknown[0]!r}; there are {', '.join(known)}."
        )
    return [known[name] for name in names or known]


def _chosen_act(
    *, cancel: bool, rollback: bool, dry_run: bool, swap: bool
) -> Callable[[Store, ReadModel], object] | None:
    """Return what else is to be done than to rebuild."""
    if dry_run:
        return _dry_run
    if swap:
        return _swapped
    return _cancelled if cancel else _rolled_back if rollback else None


def _rebuilt(
    store: Store,
    projection: ReadModel,
    *,
    force: bool,
    even_dry_run: bool,
    ring: Notify | None,
) -> Rebuilt:
    def say(sentence: str) -> None:
        print(f"{projection.name}: {plain(sentence)}", file=sys.stderr)

    crew = None
    if ring and isinstance(projection, Sliced):
        crew = RemoteWorkers(ring, report=say)
    elif ring:
        say("it cannot be cut into slices, so this process rebuilds it alone.")
    with progress_bar(projection.name, total=1_000) as advance:
        return rebuild(
            store,
            projection,
            by="cli",
            options=RebuildOptions(force=force, may_swap_dry_run=even_dry_run),
            watch=_shown_on(advance),
            remote=crew,
        )


def _dry_run(store: Store, projection: ReadModel) -> DryRun:
    with progress_bar(projection.name, total=1_000) as advance:
        return dry_run(store, projection, watch=_shown_on(advance))


def _swapped(store: Store, projection: ReadModel) -> Rebuilt:
    with progress_bar(projection.name, total=1_000) as advance:
        return swap_dry_run(store, projection, by="cli", watch=_shown_on(advance))


def _shown_on(advance: Callable[[int], None]) -> Callable[[Rebuild], None]:
    shown = 0

    def show(state: Rebuild) -> None:
        nonlocal shown
        now = int(1_000 * state.part_done)
        advance(now - shown)
        shown = now

    return show


def _cancelled(store: Store, projection: ReadModel) -> dict[str, object]:
    return {"name": projection.name, "cancelled": cancel(store, projection)}


def _rolled_back(store: Store, projection: ReadModel) -> RolledBack:
    return rollback(store, projection)


def _sentence(answer: object) -> str:
    if isinstance(answer, Rebuilt):
        comparison = answer.comparison
        said = comparison.summary()
        if not comparison.is_strict:
            said = f"other rules or another position, so it may differ: {said}"
        assert answer.swap is not None, "no dry run"
        return (
            f"{answer.name}: swapped in at position {answer.position}, locked for "
            f"{answer.swap.locked_ms:.1f} ms. {plain(said)}"
        )
    if isinstance(answer, RolledBack):
        said = (
            f"{answer.name}: the tables from before are back, at version "
            f"{answer.version} and position {answer.position}."
        )
        if answer.is_followed:
            return said
        return f"{said} Only a release with version {answer.version} can follow them."
    assert isinstance(answer, dict)
    what = "cancelled" if answer["cancelled"] else "there is no rebuild to cancel"
    return f"{answer['name']}: {what}."
