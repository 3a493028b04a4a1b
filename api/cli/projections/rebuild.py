"""``goatherd rebuild``: read models computed again, while people read them."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.databases import opened_store, redis_url
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, progress_bar
from api.cli.projections.rebuild_dry_run import (
    DryRun,
    dry_run,
    print_dry_run,
    with_rule,
)
from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import Store
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild.errors import EXPECTED
from projections.rebuild.rebuild import (
    CONNECTIONS,
    Rebuilt,
    Watch,
    cancel,
    rebuild,
    swap_dry_run,
)
from projections.rebuild.remote_workers import Notify, RemoteWorkers
from projections.rebuild.rollback import RolledBack, rollback
from projections.rebuild.state import Rebuild
from projections.rebuild.transitions import RebuildOptions
from projections.registry import PROJECTIONS

_Action = Literal["rebuild", "cancel", "rollback", "dry_run", "swap"]


class Cancelled(msgspec.Struct, frozen=True):
    """The answer to a cancellation: whether there was a rebuild to cancel."""

    name: str
    cancelled: bool


class Failed(msgspec.Struct, frozen=True):
    """A read model that could not be rebuilt, and the reason."""

    name: str
    error: str


_Result = Rebuilt | DryRun | RolledBack | Cancelled | Failed


def _flag(text: str) -> Parameter:
    return Parameter(negative="", show_default=False, help=text)


def rebuild_read_models(
    *names: Annotated[str, Parameter(help="Read models to rebuild; by default all.")],
    force: Annotated[
        bool,
        _flag("Swap even if the same rules gave other rows than the live tables have."),
    ] = False,
    cancel: Annotated[bool, _flag("Cancel running rebuilds.")] = False,
    rollback: Annotated[
        bool, _flag("Restore the tables from before the last swap.")
    ] = False,
    distributed: Annotated[
        bool,
        _flag(
            "Let `goatherd work` processes on any machine do the work that can be cut "
            "into slices: the work of analytics."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        _flag(
            "Only build and compare, show what would change, and keep the result for "
            "--swap or --cancel."
        ),
    ] = False,
    swap: Annotated[bool, _flag("Swap in the result of a dry run.")] = False,
    baseline_rule: Annotated[
        BaselineRule | None,
        Parameter(
            help="The rule that decides which numbers of a video are not new "
            "(analytics only); by default the rule in force.",
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Compute read models again from the event log, in shadow tables.

    The shadow tables are compared with the live tables and swapped in. No process has
    to stop, and an interrupted rebuild continues where it was. With --distributed the
    workers of all machines do the work, or this process if there are no workers.
    """
    if cancel + rollback + force + dry_run + swap > 1:
        raise UsageError(
            "--force, --cancel, --rollback, --dry-run and --swap exclude each other."
        )
    action: _Action = "rebuild"
    if cancel:
        action = "cancel"
    elif rollback:
        action = "rollback"
    elif dry_run:
        action = "dry_run"
    elif swap:
        action = "swap"
    if distributed and action != "rebuild":
        raise UsageError("--distributed needs a rebuild.")
    projections = _projections(names)
    if rollback and not names:
        raise UsageError("Name the read models to restore.")
    if baseline_rule is not None:
        if action not in {"rebuild", "dry_run"}:
            raise UsageError("--baseline-rule needs a rebuild or a dry run.")
        projections = with_rule(projections, baseline_rule)
    options = RebuildOptions(force=force, may_swap_dry_run=baseline_rule is not None)
    settings = read_settings(data_dir=data_dir)
    notify = None
    if distributed:
        from workers.rebuild_worker import rebuild_notifier

        notify = rebuild_notifier(redis_url(settings))
    results: list[_Result] = []
    with opened_store(settings, pool_size=CONNECTIONS) as store:
        for projection in projections:
            try:
                result = _carry_out(action, store, projection, options, notify)
            except EXPECTED as error:
                # The other read models do not depend on the rule.
                result = Failed(projection.name, str(error))
            results.append(result)
            if isinstance(result, Failed):
                print(f"goatherd: {plain(result.error)}", file=sys.stderr)
            elif not json:
                _print(result)
    if json:
        print_json(results)
    failed = [result.name for result in results if isinstance(result, Failed)]
    if failed:
        raise CommandError(
            f"{len(failed)} of {len(projections)} failed: {', '.join(failed)}."
        )


def _projections(names: Sequence[str]) -> list[ReadModel]:
    known = {projection.name: projection for projection in PROJECTIONS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"There is no read model {unknown[0]!r}; there are {', '.join(known)}."
        )
    return [known[name] for name in names or known]


def _carry_out(
    action: _Action,
    store: Store,
    projection: ReadModel,
    options: RebuildOptions,
    notify: Notify | None,
) -> _Result:
    match action:
        case "cancel":
            return Cancelled(projection.name, cancel(store, projection))
        case "rollback":
            return rollback(store, projection)
        case "dry_run":
            with _progress(projection) as watch:
                return dry_run(store, projection, watch=watch)
        case "swap":
            with _progress(projection) as watch:
                return swap_dry_run(store, projection, by="cli", watch=watch)
        case "rebuild":
            remote = _remote_workers(projection, notify) if notify else None
            with _progress(projection) as watch:
                return rebuild(
                    store,
                    projection,
                    by="cli",
                    options=options,
                    watch=watch,
                    remote=remote,
                )


def _remote_workers(projection: ReadModel, notify: Notify) -> RemoteWorkers | None:
    def report(text: str) -> None:
        print(f"{projection.name}: {plain(text)}", file=sys.stderr)

    if isinstance(projection, Sliced):
        return RemoteWorkers(notify, report=report)
    report("its work cannot be cut into slices, so this process does all of it.")
    return None


@contextmanager
def _progress(projection: ReadModel) -> Generator[Watch]:
    with progress_bar(projection.name, total=1_000) as advance:
        yield _shown_on(advance)


def _shown_on(advance: Callable[[int], None]) -> Watch:
    shown = 0

    def show(state: Rebuild) -> None:
        nonlocal shown
        now = int(1_000 * state.part_done)
        advance(now - shown)
        shown = now

    return show


def _print(result: Rebuilt | DryRun | RolledBack | Cancelled) -> None:
    match result:
        case DryRun():
            print_dry_run(result)
        case Rebuilt():
            assert result.swap is not None, "no dry run"
            summary = result.comparison.summary()
            if not result.comparison.is_strict:
                summary = (
                    f"other rules or another position, so it may differ: {summary}"
                )
            print(
                f"{result.name}: swapped in at position {result.position}, locked for "
                f"{result.swap.locked_ms:.1f} ms. {plain(summary)}"
            )
        case RolledBack(name=name, version=version):
            text = (
                f"{name}: the tables from before were restored, at version {version} "
                f"and position {result.position}."
            )
            if not result.is_followed:
                text += f" Only a release with version {version} can follow them."
            print(text)
        case Cancelled(name=name, cancelled=cancelled):
            state = "cancelled" if cancelled else "there is no rebuild to cancel"
            print(f"{name}: {state}.")
