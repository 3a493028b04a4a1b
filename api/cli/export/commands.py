"""``goatherd export``: an organization's data as files."""

import asyncio
import gzip
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from cyclopts import Parameter, validators
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.export.day_files import DayFiles, check_folder
from api.cli.export.formats import Format, Layout, Writer, writer_of
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import database_url, fitting, opened_store
from api.cli.kit.names import (
    OnlyProjectOption,
    OrganizationOption,
    organization_named,
    project_named,
)
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, progress_bar
from api.cli.kit.whole_file import check_file, interruptible, whole_file
from application.webhooks.positions_of_times import first_position_at
from domain.analytics.buckets import Granularity, midnight
from domain.analytics.metrics import Entity, Membership, Mode, RawMetric
from domain.phrases import counted
from infra.database import COMMAND_NAME
from infra.eventstore.codec import UnknownEventError
from projections.event_log import OrganizationLog, PositionRange

STDOUT = Path("-")

AsFormat = Annotated[
    Format,
    Parameter("--format", help="JSON Lines, CSV, or Parquet."),
]
Output = Annotated[
    Path,
    Parameter(
        "--output",
        help="The file to write, compressed if its name ends with .gz; - is stdout. "
        "The folder with --split.",
    ),
]
AfterPosition = Annotated[
    int,
    Parameter(
        validator=validators.Number(gte=0),
        show_default=False,
        help="Write only what came after this position of the log, as the previous "
        "export has printed it.",
    ),
]
FirstDay = Annotated[
    date | None,
    Parameter(
        "--from", help="Write only what was recorded on this day or later, in UTC."
    ),
]
ByDay = Annotated[
    Literal["day"] | None,
    Parameter(help="Write a file for each day, in UTC, into the folder of --output."),
]

T = TypeVar("T")


def observations(
    *,
    org: OrganizationOption,
    project: OnlyProjectOption = None,
    after: AfterPosition = 0,
    from_: FirstDay = None,
    split: ByDay = None,
    format_: AsFormat = "jsonl",
    output: Output = STDOUT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Write the observations of creators and videos, and the results of failed scrapes.

    As JSON Lines the export is a recording that `goatherd import` reads.
    """
    from api.cli.export.layouts import OBSERVATIONS
    from workers.sources.recordings.export_recording import (
        observations as observations_of,
    )

    target = _Target(output, format_, split, after)
    target.check(json=json)
    with _log_of(org, project, data_dir, after, from_) as (log, span):
        pages = observations_of(log, span)
        written = _write(pages, OBSERVATIONS, span, target)
    _print_result("observations", written, position=span.until, to=target, json=json)


def events(
    *,
    org: OrganizationOption,
    project: OnlyProjectOption = None,
    after: AfterPosition = 0,
    from_: FirstDay = None,
    split: ByDay = None,
    format_: AsFormat = "jsonl",
    output: Output = STDOUT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Write every event of the organization, in the order of the log.

    Banned handles belong to the installation and are left out, and so are the digests
    of keys.
    """
    from api.cli.export.layouts import EVENTS

    target = _Target(output, format_, split, after)
    target.check(json=json)
    with _log_of(org, project, data_dir, after, from_) as (log, span):
        written = _write(log.events(span), EVENTS, span, target)
    _print_result("events", written, position=span.until, to=target, json=json)


def analytics(
    *,
    org: OrganizationOption,
    entity: Annotated[
        Entity, Parameter(help="The entities to export numbers of.")
    ] = "creator",
    metric: Annotated[
        str,
        Parameter(help="The metric to export, or several metrics with commas between."),
    ] = "views",
    mode: Annotated[
        Mode | None,
        Parameter(
            help="The mode, as docs/analytics.md describes; by "
            "default the metric's usual one."
        ),
    ] = None,
    base_metric: Annotated[
        RawMetric | None,
        Parameter(help="The metric whose growth growth_rate_pop measures."),
    ] = None,
    membership: Annotated[
        Membership,
        Parameter(
            help="The way in which members of campaigns count: dated counts what "
            "members gained while they were members."
        ),
    ] = "current",
    granularity: Annotated[
        Granularity, Parameter(help="The unit of time that a row stands for.")
    ] = "day",
    from_: Annotated[
        date | None,
        Parameter(
            "--from", help="The first day; by default 29 days before the last day."
        ),
    ] = None,
    to: Annotated[
        date | None, Parameter(help="The last day; by default today.")
    ] = None,
    tz: Annotated[
        str | None, Parameter(help="An IANA time zone; by default the organization's.")
    ] = None,
    project: OnlyProjectOption = None,
    tag: Annotated[
        str | None,
        Parameter(
            help="Export only creators or videos with this tag, or with all of A,B."
        ),
    ] = None,
    after: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=0),
            show_default=False,
            help="Write only rows that are new or differ from those as of this "
            "position of the log, as the previous export has printed it.",
        ),
    ] = 0,
    split: Annotated[
        Literal["day"] | None,
        Parameter(
            help="Write a file for each day of the rows into the folder of --output."
        ),
    ] = None,
    format_: AsFormat = "jsonl",
    output: Output = STDOUT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Write metrics over time, for every creator, video, project or campaign.

    The columns and numbers are those of the CSV of GET /analytics.
    """
    from api.cli.export.series import (
        Days,
        check_days,
        layout_of,
        questions_of,
        rows_of,
        tags_of,
    )
    from projections.analytics.read.entity_ids import count_of
    from projections.engine.snapshot_reader import snapshot

    target = _Target(output, format_, split, after)
    target.check(json=json)
    questions = questions_of(
        entity=entity,
        metrics=metric,
        mode=mode,
        base_metric=base_metric,
        membership=membership,
    )
    days = Days(first=from_, last=to, granularity=granularity, tz=tz)
    check_days(days)
    tags = tags_of(entity, tag)
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id, project_id = _chosen(connection, org, project)
        needed = ["analytics", *(["creator_list", "videos"] if tags else [])]
        wait_until_caught_up(connection, *needed, what="these numbers are")

    async def write() -> tuple[int, int]:
        written = 0
        async with snapshot(
            database_url(settings), "analytics", application_name=COMMAND_NAME
        ) as (reader, position):
            _check_after(after, position)
            total = await count_of(reader, org_id, entity, project_id, tags=tags)
            pages = rows_of(
                *(reader, org_id, project_id, questions, days), tags=tags, after=after
            )
            with (
                target.opened(layout_of(questions)) as writer,
                progress_bar("Exporting", total=total) as advance,
            ):
                async with aclosing(pages):
                    async for passed, rows in pages:
                        writer.write(rows)
                        written += len(rows)
                        advance(passed)
        return written, position

    written, position = asyncio.run(write())
    _print_result("rows", written, position=position, to=target, json=json)


def _chosen(
    connection: Connection[TupleRow], org: str, project: str | None
) -> tuple[UUID, UUID | None]:
    org_id = organization_named(connection, org)
    if project is None:
        return org_id, None
    return org_id, project_named(connection, project, org=org_id).id


@contextmanager
def _log_of(
    org: str,
    project: str | None,
    data_dir: Path | None,
    after: int,
    first_day: date | None,
) -> Generator[tuple[OrganizationLog, PositionRange]]:
    """Yield the log of the organization, and the positions to export.

    Raises:
        CommandError: ``after`` lies beyond the end of the log.
    """
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection, opened_store(settings) as store:
        org_id, project_id = _chosen(connection, org, project)
        log = OrganizationLog(connection, org_id, project_id, codec=store.codec)
        begin = after
        if first_day is not None:
            begins_at = midnight(first_day, ZoneInfo("UTC"))
            first = first_position_at(connection.cursor(), begins_at)
            begin = max(after, first - 1)
        span = log.position_range(after=begin)
        _check_after(after, span.until)
        yield log, span


def _check_after(after: int, end: int) -> None:
    if after > end:
        raise CommandError(f"--after: must not lie beyond position {end} of the log.")


def _write(
    pages: Iterable[tuple[int, Sequence[T]]],
    layout: Layout[T],
    span: PositionRange,
    target: "_Target",
) -> int:
    """Write all pages, and return the number of records.

    Raises:
        CommandError: an event in the log cannot be read, or the export was interrupted.
    """
    written = 0
    with (
        target.opened(layout) as writer,
        progress_bar("Exporting", total=max(0, span.until - span.after)) as advance,
    ):
        try:
            for passed, records in pages:
                if records:
                    writer.write(records)
                    written += len(records)
                advance(passed)
        except UnknownEventError as error:
            raise CommandError(str(error)) from error
    return written


@dataclass
class _Target:
    """The file, or the folder of files, that an export is written to."""

    output: Path
    format: Format
    split: Literal["day"] | None
    after: int
    names: list[str] | None = None

    def check(self, *, json: bool) -> None:
        """Check that the format can be written there, and does not mix with the result.

        Raises:
            CommandError: the format cannot be written there.
        """
        if self.split is not None and self.output == STDOUT:
            raise UsageError("--split needs --output FOLDER, for the files.")
        if self.split is not None:
            check_folder(self.output, self.format, after=self.after)
            return
        if self.output != STDOUT:
            check_file(self.output)
            return
        if json:
            raise UsageError(
                "--json needs --output FILE: stdout has the export itself."
            )
        if self.format == "parquet" and sys.stdout.isatty():
            raise UsageError(
                "Parquet is not for a terminal: give --output FILE, or redirect stdout."
            )

    @contextmanager
    def opened(self, layout: Layout[T]) -> Generator[Writer[T]]:
        """Open it for writing; each file gets its name when it is complete.

        A file whose name ends with .gz is compressed, except for Parquet, which is
        compressed already.

        Raises:
            CommandError: the export was interrupted; then no incomplete file has a
                name.
        """
        where = "stdout" if self.output == STDOUT else str(self.output)
        is_whole = self.output != STDOUT and self.split is None
        left = "was not written" if is_whole else "is not whole"
        with interruptible(f"{where} {left}"):
            if self.split is not None:
                files = DayFiles(self.output, self.format, layout, after=self.after)
                with files as writer:
                    yield writer
                self.names = sorted(files.names)
                return
            with (
                _opened(self.output, self.format) as file,
                writer_of(self.format, file, layout) as writer,
            ):
                yield writer


def _print_result(
    what: str, written: int, *, position: int, to: _Target, json: bool
) -> None:
    files = {} if to.names is None else {"files": to.names}
    if json:
        print_json(
            {what: written, "position": position, "output": str(to.output), **files}
        )
        return
    into = "" if to.names is None else f" into {counted(len(to.names), 'file')}"
    # If stdout has the export itself, the result goes to stderr.
    print(
        f"Exported {written:,} {what}{into}, up to position {position} of the log.",
        file=sys.stderr if to.output == STDOUT else sys.stdout,
    )


@contextmanager
def _opened(output: Path, format_: Format) -> Generator[BinaryIO]:
    if output == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(output) as file:
        if output.suffix == ".gz" and format_ != "parquet":
            # Without a time or name in the header, the same rows give the same bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                yield cast("BinaryIO", packed)
        else:
            yield file
