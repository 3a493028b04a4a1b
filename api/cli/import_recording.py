"""``goatherd import``: observations of a recording, stored as events."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import psycopg
from cyclopts import Parameter

from api.cli import CommandError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import project_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, progress_bar
from domain import commands as c
from domain.creator.handlers.add import RequestedCreator, add_creators
from domain.messages import ImportOutcome
from domain.phrases import counted
from domain.scrape.handlers.ends import finish_import
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.settings import Settings
from projections.engine.reader import ProjectionBehindError
from workers.sources.recordings.holders import (
    Holders,
    find_by_account,
    find_holders,
    leave_out_erased,
)
from workers.sources.recordings.import_recording import Imported, store_recording
from workers.sources.recordings.sorted_recording import BadLines, SortedRecording

_NAMED_HANDLES = 100
_WAITS = "goatherd: The import waits for an erasure, and continues after it."


def import_recording(
    file: Annotated[
        Path,
        Parameter(help="A recording (.jsonl or .jsonl.gz), or a folder of recordings."),
    ],
    /,
    *,
    project: Annotated[str, Parameter(help="The name or id of the creators' project.")],
    create_creators: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Track creators that the project does not have yet.",
        ),
    ] = False,
    skip_bad_lines: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Skip lines that are not valid observations.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Store the observations of a recording with their own times.

    Observations that are stored already stay unchanged, so that a recording can be
    imported again, also after it has grown. Nothing is stored if a line is invalid or a
    handle is unknown. Lines of accounts that were erased and banned are skipped.
    """
    settings = read_settings(data_dir=data_dir)
    context = cli_context()
    with fitting(settings) as connection:
        project_id, organization_id = project_named(connection, project)
    with opened_store(settings) as store, _read(file) as recording:
        end = _ImportEnd(
            organization_id, project_id, recording.observations, recording.bad.count
        )
        try:
            _store(
                store,
                recording,
                end,
                settings=settings,
                create_creators=create_creators,
                skip_bad_lines=skip_bad_lines,
                context=context,
                json=json,
            )
        finally:
            # The import is over, also by Ctrl-C or without the database.
            with suppress(psycopg.Error):
                end.note(store, context)


@dataclass
class _ImportEnd:
    """The end of an import: refused, until it begins to store."""

    organization_id: UUID
    project_id: UUID
    observations: int
    bad_lines: int
    outcome: ImportOutcome = "refused"
    imported: Imported | None = None
    creators_added: int = 0

    def note(self, store: Store, context: Context) -> None:
        """Append the end of the import to the log."""
        counts: dict[str, int] = {}
        if self.imported is not None:
            counts = {
                name: getattr(self.imported, name)
                for name in ("stored", "there_already", "left_out", "runs")
            }
        command = c.FinishImport(
            organization_id=self.organization_id,
            project_id=self.project_id,
            outcome=self.outcome,
            observations=self.observations,
            bad_lines=self.bad_lines,
            creators_added=self.creators_added,
            **counts,
        )
        import_id = new_id()
        execute(store, lambda: finish_import(import_id, command), context=context)


def _store(
    store: Store,
    recording: SortedRecording,
    end: _ImportEnd,
    *,
    settings: Settings,
    create_creators: bool,
    skip_bad_lines: bool,
    context: Context,
    json: bool,
) -> None:
    organization_id, project_id = end.organization_id, end.project_id
    _report_bad_lines(recording.bad, skip=skip_bad_lines)
    holders = find_holders(store, project_id, recording.handles)
    _find_by_older_handles(store, project_id, holders, recording)
    erased = leave_out_erased(store, organization_id, holders, recording)
    _join_accounts(store, organization_id, project_id, holders, recording)
    created: list[str] = []
    if holders.missing:
        if not create_creators:
            raise CommandError(_why_unknown(holders))
        created = _create(
            store,
            holders,
            organization_id=organization_id,
            project_id=project_id,
            settings=settings,
            context=context,
        )
    end.creators_added, end.outcome = len(created), "interrupted"
    with progress_bar("Storing", total=recording.observations) as advance:
        try:
            imported = store_recording(
                store,
                recording,
                holders.creators,
                organization_id=organization_id,
                project_id=project_id,
                context=context,
                advance=advance,
                on_wait=lambda: print(_WAITS, file=sys.stderr),
            )
        except ProjectionBehindError as error:
            raise CommandError(
                "The rest is not stored: the list of videos has not applied the "
                "last erasure. Start `goatherd project`, and import the recording "
                "again once it has caught up."
            ) from error
    end.imported, end.outcome = imported, "stored"
    _print_result(
        imported,
        recording.bad,
        created,
        brought_back=holders.removed,
        erased=erased,
        json=json,
    )


def _find_by_older_handles(
    store: Store, project_id: UUID, holders: Holders, recording: SortedRecording
) -> None:
    """Find creators that the project has under another handle of the same account."""
    for handle in [*holders.missing]:
        older = recording.older_handles(handle)
        found = find_holders(store, project_id, older).creators if older else {}
        if found and handle not in holders.renamed:
            holders.creators[handle] = next(iter(found.values()))
            holders.missing.remove(handle)


def _join_accounts(
    store: Store,
    organization_id: UUID,
    project_id: UUID,
    holders: Holders,
    recording: SortedRecording,
) -> None:
    """Store observations of a known account with its creator, and report it.

    Raises:
        CommandError: that creator was removed.
    """
    accounts = {each: recording.account(each) for each in recording.handles}
    seen = {handle: account for handle, account in accounts.items() if account}
    joined = find_by_account(store, organization_id, project_id, holders, seen)
    for handle, creator in joined.items():
        if creator.status == "removed":
            raise CommandError(
                f"Nothing was stored: @{handle} is the account of @{creator.handle}, "
                "who was removed. Restore that creator first, by adding the handle."
            )
        print(
            f"goatherd: @{handle} is the account of @{creator.handle}, and is stored "
            "with it.",
            file=sys.stderr,
        )


def _read(file: Path) -> SortedRecording:
    with progress_bar("Reading", total=None) as advance:
        return SortedRecording.read(file, now=datetime.now(UTC), advance=advance)


def _report_bad_lines(bad: BadLines, *, skip: bool) -> None:
    """Name the first invalid lines on stderr.

    Raises:
        CommandError: there are invalid lines, which must not be skipped.
    """
    for error in bad.first:
        print(f"goatherd: {plain(str(error))}", file=sys.stderr)
    if more := bad.count - len(bad.first):
        print(f"goatherd: and {more:,} invalid lines more.", file=sys.stderr)
    if bad.count and not skip:
        raise CommandError(
            f"{bad.count:,} of the lines are invalid, so nothing was stored; "
            "--skip-bad-lines skips them."
        )


def _create(
    store: Store,
    holders: Holders,
    *,
    organization_id: UUID,
    project_id: UUID,
    settings: Settings,
    context: Context,
) -> list[str]:
    """Track the missing handles, and return their creators by handle."""
    if holders.banned:
        raise CommandError(
            f"{_handles(holders.banned)} may not be tracked here, so nothing was "
            "stored; `goatherd bans remove` lifts a ban."
        )
    if holders.renamed:
        raise CommandError(f"Nothing was stored. {_why_renamed(holders.renamed)}")
    # They are tracked in mode auto, without bounds, and the imported scrapes are their
    # first ones.
    additions = execute(
        store,
        lambda: add_creators(
            [
                RequestedCreator(tiktok_handle=handle, tracking_start_date=None)
                for handle in holders.missing
            ],
            fresh_ids=[new_id() for _ in holders.missing],
            organization_id=organization_id,
            project_id=project_id,
            plans=settings.all_plans,
            now=datetime.now(UTC),
            command_id=context.command_id,
            names=store.names,
            job_types=(),
            all_or_none=True,
        ),
        context=context,
    )
    created: list[str] = []
    for result in additions.result:
        assert result.creator_id is not None, "all were added, or none"
        assert result.tiktok_handle is not None, "as above"
        holders.creators[result.tiktok_handle] = result.creator_id
        created.append(result.tiktok_handle)
    return created


def _why_unknown(holders: Holders) -> str:
    missing = _handles(holders.missing)
    sentences = [
        f"Nothing was stored: the project has no {missing}.",
        "--create-creators adds them.",
    ]
    if holders.renamed:
        return f"{sentences[0]} {_why_renamed(holders.renamed)}"
    if holders.removed:
        sentences.append(f"It would restore {_handles(holders.removed)}.")
    if holders.banned:
        sentences.append(f"It could not add {_handles(holders.banned)}: banned.")
    return " ".join(sentences)


def _why_renamed(renamed: Mapping[str, str]) -> str:
    """Say that a creator must not be added anew under a former handle."""
    old, new = next(iter(renamed.items()))
    more = (
        f", like {counted(len(renamed) - 1, 'other handle')}"
        if len(renamed) > 1
        else ""
    )
    return (
        f"@{old} is a former handle of @{new}{more}: write the present handle into the "
        "recording, or add the former one first if it belongs to another account "
        "now."
    )


def _handles(names: Sequence[str]) -> str:
    named = ", ".join(f"@{name}" for name in names[:_NAMED_HANDLES])
    more = len(names) - _NAMED_HANDLES
    return f"{named} and {more:,} more" if more > 0 else named


def _print_result(
    imported: Imported,
    bad: BadLines,
    created: Sequence[str],
    *,
    brought_back: Sequence[str],
    erased: int,
    json: bool,
) -> None:
    if json:
        print_json(
            {
                "observations": imported.observations,
                "stored": imported.stored,
                "there_already": imported.there_already,
                "repeated": imported.repeated,
                "bad_lines": bad.count,
                "erased_accounts": erased,
                "erased_lines": imported.left_out,
                "runs": imported.runs,
                "creators_created": created,
                "position": imported.position,
            }
        )
        return
    if created:
        print(f"Creators added:    {len(created):,} ({_handles(created)})")
    if brought_back:
        print(f"Tracked again:     {_handles(brought_back)}, removed before")
    print(
        f"Stored:            {counted(imported.stored, 'observation')} "
        f"({counted(imported.runs, 'run')})"
    )
    print(f"There already:     {imported.there_already:,}")
    print(f"Repeated:          {imported.repeated:,}")
    if erased:
        print(
            f"{counted(erased, 'account')} {'was' if erased == 1 else 'were'} erased "
            f"and banned: {counted(imported.left_out, 'line')} skipped."
        )
    if bad.count:
        print(f"Bad, left out:     {bad.count:,}")
