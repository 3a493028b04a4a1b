"""``goatherd export``: an organization's data as files."""

import asyncio
import gzip
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import aclosing, contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar, cast
from uuid import UUID

from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.export.formats import Format, Layout, writer_of
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
from domain.analytics.buckets import Granularity
from domain.analytics.metrics import Entity, Membership, Mode, RawMetric
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
        help="The file to write, compressed if its name ends with .gz; - is stdout.",
    ),
]

T = TypeVar("T")


def observations(
    *,
    org: OrganizationOption,
    project: OnlyProjectOption = None,
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

    _check_output(output, format_, json=json)
    with _log_of(org, project, data_dir) as log:
        span = log.position_range()
        pages = observations_of(log, span)
        written = _write(pages, OBSERVATIONS, span, format_=format_, output=output)
    _print_result(
        "observations", written, position=span.until, output=output, json=json
    )


def events(
    *,
    org: OrganizationOption,
    project: OnlyProjectOption = None,
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

    _check_output(output, format_, json=json)
    with _log_of(org, project, data_dir) as log:
        span = log.position_range()
        pages = log.events(span)
        written = _write(pages, EVENTS, span, format_=format_, output=output)
    _print_result("events", written, position=span.until, output=output, json=json)


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

    _check_output(output, format_, json=json)
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
            total = await count_of(reader, org_id, entity, project_id, tags=tags)
            pages = rows_of(reader, org_id, project_id, questions, days, tags=tags)
            with (
                _opened_output(output, format_) as file,
                writer_of(format_, file, layout_of(questions)) as writer,
                progress_bar("Exporting", total=total) as advance,
            ):
                async with aclosing(pages):
                    async for passed, rows in pages:
                        writer.write(rows)
                        written += len(rows)
                        advance(passed)
        return written, position

    written, position = asyncio.run(write())
    _print_result("rows", written, position=position, output=output, json=json)


def _chosen(
    connection: Connection[TupleRow], org: str, project: str | None
) -> tuple[UUID, UUID | None]:
    org_id = organization_named(connection, org)
    if project is None:
        return org_id, None
    return org_id, project_named(connection, project, org=org_id).id


@contextmanager
def _log_of(
    org: str, project: str | None, data_dir: Path | None
) -> Generator[OrganizationLog]:
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection, opened_store(settings) as store:
        org_id, project_id = _chosen(connection, org, project)
        yield OrganizationLog(connection, org_id, project_id, codec=store.codec)


def _write(
    pages: Iterable[tuple[int, Sequence[T]]],
    layout: Layout[T],
    span: PositionRange,
    *,
    format_: Format,
    output: Path,
) -> int:
    """Write all pages, and return the number of records.

    Raises:
        CommandError: an event in the log cannot be read, or the export was interrupted.
    """
    written = 0
    with (
        _opened_output(output, format_) as file,
        writer_of(format_, file, layout) as writer,
        progress_bar("Exporting", total=span.until - span.after) as advance,
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


def _print_result(
    what: str, written: int, *, position: int, output: Path, json: bool
) -> None:
    if json:
        print_json({what: written, "position": position, "output": str(output)})
        return
    # If stdout has the export itself, the result goes to stderr.
    print(
        f"Exported {written:,} {what}, up to position {position} of the log.",
        file=sys.stderr if output == STDOUT else sys.stdout,
    )


def _check_output(output: Path, format_: Format, *, json: bool) -> None:
    """Check that the format can be written there, and does not mix with the result.

    Raises:
        CommandError: the format cannot be written there.
    """
    if output != STDOUT:
        check_file(output)
        return
    if json:
        raise CommandError("--json needs --output FILE: stdout has the export itself.")
    if format_ == "parquet" and sys.stdout.isatty():
        raise CommandError(
            "Parquet is not for a terminal: give --output FILE, or redirect stdout."
        )


@contextmanager
def _opened_output(output: Path, format_: Format) -> Generator[BinaryIO]:
    """Open the file to write to, which gets its name when it is complete.

    A file whose name ends with .gz is compressed, except for Parquet, which is
    compressed already.

    Raises:
        CommandError: the export was interrupted; then no file has that name.
    """
    where = "stdout" if output == STDOUT else str(output)
    left = "is not whole" if output == STDOUT else "was not written"
    with interruptible(f"{where} {left}"):
        if output == STDOUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        with whole_file(output) as file:
            if output.suffix == ".gz" and format_ != "parquet":
                # Without a time or name in the header, the same rows give the same
                # bytes.
                with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield file
