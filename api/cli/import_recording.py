"""``goatherd import``: observations of a recording, stored as events."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import psycopg
from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import chosen_project
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, progress_bar
from domain import commands as c
from domain.messages import ImportOutcome
from domain.phrases import counted
from infra.eventstore.append import Context
from infra.eventstore.store import Store
from infra.settings import Settings
from projections.engine.reader import ProjectionBehindError
from workers.sources.recordings.csv_columns import ColumnsError
from workers.sources.recordings.csv_file import CsvOptions, CsvTable, csv_options
from workers.sources.recordings.import_creators import (
    ImportRefusedError,
    add_missing,
    check_missing,
    find_creators,
    named_handles,
    note_end,
)
from workers.sources.recordings.import_recording import Imported, store_recording
from workers.sources.recordings.sorted_recording import (
    SKEW,
    BadLines,
    SortedRecording,
)

_NAMED_HANDLES = 100
_ZONE = "SELECT time_zone FROM organizations WHERE organization_id = %s"
_WAITS = "goatherd: The import waits for an erasure, and continues after it."


def import_recording(
    file: Annotated[
        Path,
        Parameter(
            help="A recording (.jsonl or .jsonl.gz), a folder of recordings, or a CSV "
            "file."
        ),
    ],
    /,
    *,
    project: Annotated[
        str | None,
        Parameter(
            help="The name or id of the creators' project. A single one is the default."
        ),
    ] = None,
    csv: Annotated[
        bool,
        Parameter(
            "--csv",
            negative="",
            show_default=False,
            help="Read a CSV file with a row of headings. Files that end with .csv are "
            "read so by themselves.",
        ),
    ] = False,
    map_: Annotated[
        str | None,
        Parameter(
            "--map",
            help="The column of each field, such as 'date=Day,video=Link,views=\"Total "
            "views\"'. Files of TikTok Studio, Goatherd, Apify, EnsembleData and "
            "ScrapeCreators are known by their headings.",
        ),
    ] = None,
    creator: Annotated[
        str | None,
        Parameter(help="The handle of the creator that all rows of the CSV file have."),
    ] = None,
    observed_at: Annotated[
        datetime | None,
        Parameter(help="The time at which all rows of the CSV file were seen."),
    ] = None,
    last_day: Annotated[
        date | None,
        Parameter(help="The last day of a CSV file whose days have no year."),
    ] = None,
    tz: Annotated[
        str | None,
        Parameter(
            help="The IANA time zone of days and times without one in the CSV file; by "
            "default the organization's."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        Parameter(
            "--dry-run",
            negative="",
            show_default=False,
            help="Print the observations as a recording, and store nothing.",
        ),
    ] = False,
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
    """Store the observations of a recording or a CSV file with their own times.

    Observations that are stored already stay unchanged, so that a recording can be
    imported again, also after it has grown. Nothing is stored if a line is invalid or a
    handle is unknown. Lines of accounts that were erased and banned are skipped.
    """
    settings = read_settings(data_dir=data_dir)
    context = cli_context()
    with fitting(settings) as connection:
        project_id, organization_id = chosen_project(connection, project)
        zone = tz or _zone_of(connection, organization_id)
    is_csv = csv or file.name.removesuffix(".gz").endswith((".csv", ".tsv"))
    stated = [map_, creator, observed_at, last_day, tz]
    if not is_csv and any(one is not None for one in stated):
        raise UsageError(
            "--map, --creator, --observed-at, --last-day and --tz are for CSV files: "
            "add --csv."
        )
    if is_csv:
        named = _csv_options(map_, creator, observed_at, last_day, zone)
        reading = _read_csv(file, named)
    else:
        reading = _read(file)
    with opened_store(settings) as store, reading as recording:
        if dry_run:
            _report_bad_lines(recording.bad, skip=skip_bad_lines)
            _print_lines(recording)
            return
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
        command = c.FinishImport(
            organization_id=self.organization_id,
            project_id=self.project_id,
            outcome=self.outcome,
            observations=self.observations,
            bad_lines=self.bad_lines,
            creators_added=self.creators_added,
        )
        note_end(store, command, self.imported, context=context)


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
    try:
        found = find_creators(store, organization_id, project_id, recording)
        holders, erased = found.holders, found.erased
        for handle, creator in found.joined.items():
            print(
                f"goatherd: @{handle} is the account of @{creator.handle}, and is "
                "stored with it.",
                file=sys.stderr,
            )
        check_missing(holders, creates=create_creators)
    except ImportRefusedError as error:
        raise CommandError(str(error)) from None
    created = add_missing(
        store,
        holders,
        organization_id=organization_id,
        project_id=project_id,
        plans=settings.all_plans,
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


def _read(file: Path) -> SortedRecording:
    with progress_bar("Reading", total=None) as advance:
        return SortedRecording.read(file, now=datetime.now(UTC), advance=advance)


@contextmanager
def _read_csv(file: Path, options: CsvOptions) -> Generator[SortedRecording]:
    """Read a CSV file as a recording, and say on stderr what is left out of it.

    Raises:
        CommandError: the file has columns that cannot be imported.
    """
    try:
        with CsvTable(file, options) as table:
            if table.columns.title is not None:
                print(f"goatherd: This is {table.columns.title}.", file=sys.stderr)
            left_out: dict[str, list[str]] = {}
            for heading, reason in table.columns.left_out.items():
                left_out.setdefault(reason, []).append(plain(heading))
            for reason, headings in left_out.items():
                print(
                    f"goatherd: Not imported: {', '.join(headings)} ({reason}).",
                    file=sys.stderr,
                )
            with progress_bar("Reading", total=None) as advance:
                reads = table.observations(until=datetime.now(UTC) + SKEW)
                recording = SortedRecording.of(reads, advance=advance)
    except ColumnsError as error:
        raise CommandError(plain(str(error))) from None
    with recording:
        yield recording


def _csv_options(
    mapping: str | None,
    creator: str | None,
    observed_at: datetime | None,
    last_day: date | None,
    zone_name: str,
) -> CsvOptions:
    try:
        return csv_options(
            mapping, creator, observed_at, last_day, zone_name, now=datetime.now(UTC)
        )
    except ColumnsError as error:
        raise UsageError(str(error)) from None


def _zone_of(connection: Connection[TupleRow], organization_id: UUID) -> str:
    row = connection.execute(_ZONE, (organization_id,)).fetchone()
    return "UTC" if row is None else row[0]


def _print_lines(recording: SortedRecording) -> None:
    for location in recording.groups():
        for line, _ in recording.lines(location):
            print(line.decode())


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
        print(f"Creators added:    {len(created):,} ({named_handles(created)})")
    if brought_back:
        print(f"Tracked again:     {named_handles(brought_back)}, removed before")
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
