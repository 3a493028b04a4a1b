"""/projects/{id}/observations/preview and /import: history of elsewhere, as CSV."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from api.http.errors import ApiError, Code, FieldProblem, field_error, fields_error
from api.http.query import invalid_query
from api.http.reading.paging import behind
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import write_route
from api.http.writer import CommandWriter, Rows
from domain import commands as c
from domain.decisions import Decision, Handler
from domain.organization.decider import owner_of_open_project
from domain.phrases import counted
from infra.eventstore.execute import Executed, InTransaction, execute
from projections.engine.reader import ProjectionBehindError
from projections.videos.erased import was_anybody_erased
from workers.sources.recordings.csv_columns import ColumnsError, CsvColumns
from workers.sources.recordings.csv_file import CsvOptions, CsvTable, csv_options
from workers.sources.recordings.file_format import BadFileError, BadLineError
from workers.sources.recordings.import_creators import (
    ImportRefusedError,
    add_missing,
    check_missing,
    find_creators,
    note_end,
)
from workers.sources.recordings.import_preview import (
    NotedRows,
    PreviewLine,
    TooManyRowsError,
    bad_line,
    preview_import,
)
from workers.sources.recordings.import_recording import store_recording
from workers.sources.recordings.sorted_recording import SKEW, SortedRecording

MOST_BYTES = 10_000_000
MOST_ROWS = 100_000
MOST_HEADINGS = 200
_NAME = Path("file.csv")
_TYPES = ("text/csv",)
_ZONE = "SELECT time_zone FROM organizations WHERE organization_id = %s"
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")
_ERRORS = [
    Code.INVALID_BODY,
    Code.INVALID_QUERY,
    Code.PROJECT_ARCHIVED,
    Code.PROJECTION_BEHIND,
]

Map = Annotated[
    str | None,
    QueryParameter(
        max_length=5_000,
        description="The column of each field, such as "
        '`date=Day,video=Link,views="Total views"`. Left out for files that are known '
        "by their headings: those of TikTok Studio, Goatherd, Apify, EnsembleData and "
        "ScrapeCreators.",
    ),
]
CreatorOfRows = Annotated[
    str | None,
    QueryParameter(
        max_length=200, description="The handle of the creator that all rows have."
    ),
]
ObservedAt = Annotated[
    str | None,
    QueryParameter(
        max_length=40,
        description="The time at which all rows were seen, such as "
        "2026-11-29T18:00:00Z; without a zone it is of `tz`.",
    ),
]
LastDay = Annotated[
    date | None,
    QueryParameter(description="The last day of a file whose days have no year."),
]
ZoneOfDays = Annotated[
    str | None,
    QueryParameter(
        max_length=100,
        description="The IANA time zone of days and times without one; by default the "
        "organization's.",
    ),
]
CreateCreators = Annotated[
    bool,
    QueryParameter(
        description="Track creators that the project does not have yet. Their first "
        "scrapes are the scheduled ones."
    ),
]
SkipBadLines = Annotated[
    bool,
    QueryParameter(description="Leave out lines that cannot be read."),
]


class ImportColumn(Struct, frozen=True, kw_only=True):
    """A column of the file: its field, or the reason why it is not imported."""

    heading: str
    field: str | None
    reason: str | None


class PreviewedObservations(Struct, frozen=True, kw_only=True):
    """The columns and the first lines of a file, and the counts of an import of it.

    ``kind`` is the kind of file that was recognised by its headings, null with ``map``.
    ``lines`` are the first hundred lines, and ``bad_lines`` the first hundred that
    cannot be read, of ``bad_count``. A row can have two observations, of a video and
    of its creator. ``new_count`` would be stored, and ``there_already_count`` are
    stored. ``repeated_count`` are the same as others of the file,
    ``unknown_count`` have no creator in the project, and ``skipped_count`` are of
    accounts that were erased and are banned. With ``create_creators`` an import would
    track ``unknown_handles``.
    """

    kind: str | None
    columns: list[ImportColumn]
    lines: list[PreviewLine]
    bad_lines: list[PreviewLine]
    observation_count: int
    new_count: int
    there_already_count: int
    repeated_count: int
    unknown_count: int
    skipped_count: int
    bad_count: int
    unknown_handles: list[str]


class ImportedObservations(Struct, frozen=True, kw_only=True):
    """The result of an import: the number of observations of each kind.

    The counts mean the same as in the preview. ``bad_lines`` are the first hundred
    lines that were left out, of ``bad_count``. ``run_count`` is the number of scrapes
    that the import made of them.
    """

    observation_count: int
    stored_count: int
    there_already_count: int
    repeated_count: int
    skipped_count: int
    bad_count: int
    run_count: int
    created_handles: list[str]
    bad_lines: list[PreviewLine]


def provide_csv_options(
    request: Request,
    writer: NamedDependency[CommandWriter],
    map: Map = None,  # noqa: A002 - as the command line names it
    creator: CreatorOfRows = None,
    observed_at: ObservedAt = None,
    last_day: LastDay = None,
    tz: ZoneOfDays = None,
) -> CsvOptions:
    """Read the parameters that say what a CSV file means.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
    """
    at = None
    if observed_at is not None:
        try:
            at = datetime.fromisoformat(observed_at)
        except ValueError:
            message = "must be a time such as 2026-11-29T18:00:00Z"
            raise invalid_query("observed_at", message) from None
    if tz is None:
        row = Rows(writer.store).ask(
            lambda rows: rows.execute(_ZONE, (request.organization_id,)).fetchone()
        )
        tz = "UTC" if row is None else str(row[0])
    with _refusing():
        return csv_options(map, creator, at, last_day, tz, now=datetime.now(UTC))


_DEPENDENCIES = {"csv_options": Provide(provide_csv_options, sync_to_thread=True)}


class ObservationImportRoutes(Controller):
    """Observations from a CSV file: a preview, and the import."""

    path = "/projects/{project_id:uuid}/observations"
    tags = ("Creators",)
    dependencies = _DEPENDENCIES

    @write_route(
        post,
        "/preview",
        "previewObservations",
        errors=_ERRORS,
        status=200,
        files_taken=_TYPES,
        most_bytes=MOST_BYTES,
    )
    def preview(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        csv_options: NamedDependency[CsvOptions],
        create_creators: CreateCreators = False,  # noqa: FBT002
    ) -> Answer[PreviewedObservations]:
        """Show what an import of a CSV file would store, and store nothing.

        The body is the file itself, in UTF-8 with a row of headings: up to 10 MB and
        100,000 rows. Each column has the field that it is read as, or the reason why
        it is not imported. The room in the plan is not checked.
        """
        noted = NotedRows()

        def run(
            _: InTransaction[PreviewedObservations] | None,
        ) -> Executed[PreviewedObservations]:
            _check_project(request, writer, project_id)
            with _reading(request, csv_options, noted) as (columns, recording):
                found = find_creators(
                    writer.store, request.organization_id, project_id, recording
                )
                if create_creators:
                    check_missing(found.holders, creates=True)
                previewed = preview_import(
                    writer.store,
                    recording,
                    noted,
                    found,
                    creates=create_creators,
                    organization_id=request.organization_id,
                    project_id=project_id,
                    context=writer.context(request),
                )
                answer = PreviewedObservations(
                    kind=columns.title,
                    columns=_columns(columns),
                    lines=_renamed(previewed.lines),
                    bad_lines=_renamed(previewed.bad_lines),
                    observation_count=recording.observations,
                    new_count=previewed.new,
                    there_already_count=previewed.there_already,
                    repeated_count=previewed.repeated,
                    unknown_count=previewed.unknown,
                    skipped_count=previewed.skipped,
                    bad_count=recording.bad.count,
                    unknown_handles=found.holders.missing,
                )
            return Executed(answer, events=[], loaded={})

        return writer.answer(request, run, lambda _, done: Answer(done.result))

    @write_route(
        post,
        "/import",
        "importObservations",
        errors=[*_ERRORS, Code.LIMIT_REACHED],
        status=200,
        files_taken=_TYPES,
        most_bytes=MOST_BYTES,
    )
    def import_observations(
        self,
        request: Request,
        project_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        csv_options: NamedDependency[CsvOptions],
        create_creators: CreateCreators = False,  # noqa: FBT002
        skip_bad_lines: SkipBadLines = False,  # noqa: FBT002
    ) -> Answer[ImportedObservations]:
        """Store the observations of a CSV file with their own times.

        The body is as in the preview. Observations that are stored already stay, so
        that a file can be imported again, also after it has grown or after an import
        broke off. Nothing is stored if a line cannot be read, unless `skip_bad_lines`,
        or if a creator is unknown, unless `create_creators`.
        """
        done: list[ImportedObservations] = []

        def run(hook: InTransaction[UUID] | None) -> Executed[UUID]:
            _check_project(request, writer, project_id)
            noted = NotedRows()
            with _reading(request, csv_options, noted) as (_, recording):
                if recording.bad.count and not skip_bad_lines:
                    raise _bad_lines(recording.bad.count, recording.bad.first)
                return _store(
                    request,
                    writer,
                    project_id,
                    recording,
                    noted,
                    creates=create_creators,
                    hook=hook,
                    done=done,
                )

        return writer.answer(request, run, lambda _, __: Answer(done[-1]))


def _store(
    request: Request,
    writer: CommandWriter,
    project_id: UUID,
    recording: SortedRecording,
    noted: NotedRows,
    *,
    creates: bool,
    hook: InTransaction[UUID] | None,
    done: list[ImportedObservations],
) -> Executed[UUID]:
    store, organization_id = writer.store, request.organization_id
    context = writer.context(request)
    found = find_creators(store, organization_id, project_id, recording)
    check_missing(found.holders, creates=creates)
    # The import waits for erasures, too, and has creators added by then.
    was_anybody_erased(store.pool, organization_id)
    created = add_missing(
        store,
        found.holders,
        organization_id=organization_id,
        project_id=project_id,
        plans=writer.plans,
        context=context,
    )
    end = c.FinishImport(
        organization_id=organization_id,
        project_id=project_id,
        outcome="interrupted",
        observations=recording.observations,
        bad_lines=recording.bad.count,
        creators_added=len(created),
    )
    try:
        imported = store_recording(
            store,
            recording,
            found.holders.creators,
            organization_id=organization_id,
            project_id=project_id,
            context=context,
            advance=lambda _: None,
        )
    except BaseException:
        note_end(store, end, None, context=context)
        raise
    done.append(
        ImportedObservations(
            observation_count=imported.observations,
            stored_count=imported.stored,
            there_already_count=imported.there_already,
            repeated_count=imported.repeated,
            skipped_count=imported.left_out,
            bad_count=recording.bad.count,
            run_count=imported.runs,
            created_handles=created,
            bad_lines=_renamed([bad_line(each) for each in noted.bad]),
        )
    )
    end = msgspec.structs.replace(end, outcome="stored")
    return note_end(store, end, imported, context=context, in_transaction=hook)


def _check_project(request: Request, writer: CommandWriter, project_id: UUID) -> None:
    """Refuse a project that the request may not see, or that is archived."""

    def open_project() -> Handler[None]:
        histories = yield (request.organization_id,)
        owner_of_open_project(histories[request.organization_id], project_id)
        return Decision(None)

    execute(writer.store, open_project, context=writer.context(request))


@contextmanager
def _reading(
    request: Request, options: CsvOptions, noted: NotedRows
) -> Generator[tuple[CsvColumns, SortedRecording]]:
    """Read the file in the body of a request, and refuse what an import refuses."""
    content = request.body_that_was_read
    if not content.strip():
        raise field_error(Code.INVALID_BODY, "", "must be a CSV file, and is empty")
    with _refusing(), CsvTable(_NAME, options, content) as table:
        reads = noted.of(table, until=datetime.now(UTC) + SKEW, most=MOST_ROWS)
        recording = SortedRecording.of(reads, advance=lambda _: None)
        with recording:
            yield table.columns, recording


@contextmanager
def _refusing() -> Generator[None]:
    """Answer refusals of the import, which name options as the command line does."""
    try:
        yield
    except ColumnsError as error:
        text = re.sub(r"\A--[a-z-]+: ", "", str(error))
        if error.option is None:
            refusal = field_error(Code.INVALID_BODY, "", _plain(text))
        else:
            refusal = invalid_query(error.option, _plain(text).rstrip("."))
        if error.headings:
            refusal.meta["headings"] = error.headings[:MOST_HEADINGS]
        raise refusal from None
    except ImportRefusedError as error:
        text = _plain(str(error))
        if not error.creating_helps:
            raise field_error(Code.INVALID_BODY, "", text) from None
        raise invalid_query("create_creators", text.rstrip(".")) from None
    except BadFileError as error:
        raise field_error(Code.INVALID_BODY, "", error.reason) from None
    except TooManyRowsError:
        message = f"The file has more than {MOST_ROWS:,} rows: import it in parts."
        raise ApiError(Code.BODY_TOO_LARGE, message) from None
    except ProjectionBehindError as error:
        raise behind(error) from error


def _plain(text: str) -> str:
    """Return a text with the options named as the API names them."""
    return _OPTION.sub(lambda option: option[1].replace("-", "_"), text)


def _columns(columns: CsvColumns) -> list[ImportColumn]:
    read = [
        ImportColumn(heading=each.heading, field=each.field.name, reason=None)
        for each in columns.read
    ]
    return read + [
        ImportColumn(heading=heading, field=None, reason=reason)
        for heading, reason in columns.left_out.items()
    ]


def _renamed(lines: list[PreviewLine]) -> list[PreviewLine]:
    return [
        msgspec.structs.replace(line, error=_plain(line.error)) if line.error else line
        for line in lines
    ]


def _bad_lines(count: int, first: list[BadLineError]) -> ApiError:
    problems = [
        FieldProblem(f"/{error.line_number}", _plain(error.reason)) for error in first
    ]
    error = fields_error(Code.INVALID_BODY, problems)
    error.message = (
        f"{counted(count, 'line')} cannot be read, so nothing was stored; "
        f"skip_bad_lines leaves them out. {error.message}"
    )
    return error
