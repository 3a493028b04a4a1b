"""projects: one row for each project, for the list and a project's page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied, set_fields
from domain.organization.decider import PROJECT_DETAILS, PROJECT_TEXTS
from domain.organization.logo import Logo
from domain.texts import texts_after
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.folds import Folds
from projections.engine.reader import Reader, newest_first
from projections.engine.table import Table

ProjectStatus = Literal["active", "archived", "all"]


class ProjectRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A project; ``version`` counts its own events, not those of its stream."""

    organization_id: UUID
    id: UUID
    name: str
    description: str | None
    client: str | None = None
    comment: str | None = None
    color: str | None = None
    logo: dict[str, Any] | None = None
    archived_at: datetime | None = None
    version: int = 1
    position: int
    created_at: datetime
    updated_at: datetime


on = Folds[[ProjectRow | None, RecordedEvent], ProjectRow | None]()


@on(e.ProjectCreated)
def _created(
    event: e.ProjectCreated, row: ProjectRow | None, recorded: RecordedEvent
) -> ProjectRow | None:
    return row or copied(
        event,
        ProjectRow,
        organization_id=recorded.stream,
        id=event.project_id,
        position=recorded.position,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


@on(e.ProjectDetailsChanged)
def _details_changed(
    event: e.ProjectDetailsChanged, row: ProjectRow | None, recorded: RecordedEvent
) -> ProjectRow | None:
    return _changed(row, recorded, **set_fields(event, PROJECT_DETAILS))


@on(e.ProjectLogoChanged)
def _logo_changed(
    event: e.ProjectLogoChanged, row: ProjectRow | None, recorded: RecordedEvent
) -> ProjectRow | None:
    return _changed(row, recorded, logo=msgspec.to_builtins(event.logo))


@on(e.ProjectArchived)
def _archived(
    event: e.ProjectArchived,  # noqa: ARG001 - as folds are called
    row: ProjectRow | None,
    recorded: RecordedEvent,
) -> ProjectRow | None:
    return _changed(row, recorded, archived_at=recorded.recorded_at)


@on(e.ProjectRestored)
def _restored(
    event: e.ProjectRestored,  # noqa: ARG001 - as folds are called
    row: ProjectRow | None,
    recorded: RecordedEvent,
) -> ProjectRow | None:
    return _changed(row, recorded, archived_at=None)


def _changed(
    row: ProjectRow | None,
    recorded: RecordedEvent,
    **fields: Any,  # noqa: ANN401
) -> ProjectRow | None:
    if row is None or row.position >= recorded.position:
        return row
    return replace(
        row,
        **fields,
        version=row.version + 1,
        position=recorded.position,
        updated_at=recorded.recorded_at,
    )


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, row: ProjectRow | None, recorded: RecordedEvent
) -> ProjectRow | None:
    # Events of other things change no row here.
    if row is None or row.position >= recorded.position:
        return row
    texts = texts_after(event, PROJECT_TEXTS)
    return replace(row, **texts, position=recorded.position)


def fold_project(row: ProjectRow | None, recorded: RecordedEvent) -> ProjectRow | None:
    return on.fold(recorded.event, row, recorded)


class Projects:
    """Keeps the table projects."""

    name = "projects"
    version = 1
    tables = ("projects",)
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their projects' rows, and save each changed row once."""
        _TABLE.fold(cursor, events, key=_key, fold=fold_project)


_TABLE = Table(ProjectRow, name="projects")


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    if isinstance(event, e.EarlierTextsForgotten):
        return event.organization_id, event.of
    return recorded.stream, event.project_id


# As clients read it


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A group of creators for one programme.

    ``client``, ``comment`` and ``logo`` are at the head of its printed reports.
    ``color`` is that of its reports as #RRGGBB, null for the usual one. A project that
    was archived at ``archived_at`` rests: nothing in it is scraped.
    """

    id: UUID
    org_id: UUID
    name: str
    description: str | None
    client: str | None
    comment: str | None
    color: str | None
    logo: Logo | None
    archived_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS = (
    "id, organization_id, name, description, client, comment, color, logo, "
    "archived_at, version, created_at, updated_at"
)
_ONE = f"""
SELECT {_COLUMNS} FROM projects
WHERE organization_id = %(organization)s AND id = %(id)s
""".encode()
_NAMES = b"SELECT id, name FROM projects WHERE organization_id = %(organization)s"
_PAGE = f"""
SELECT {_COLUMNS} FROM projects WHERE organization_id = %(organization)s
AND (%(status)s = 'all' OR (archived_at IS NULL) = (%(status)s = 'active'))
{newest_first("created_at")}
""".encode()


async def one_project(
    reader: Reader, organization_id: UUID, project_id: UUID
) -> Project | None:
    """Return one project of an organization, None if there is none with the id."""
    params = {"organization": organization_id, "id": project_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return next(iter(_projects(rows)), None)


async def project_names(reader: Reader, organization_id: UUID) -> dict[UUID, str]:
    """Return the names of all projects of an organization, by their ids."""
    return dict(
        await reader.rows(organization_id, _NAMES, {"organization": organization_id})
    )


async def page_of_projects(
    reader: Reader,
    organization_id: UUID,
    *,
    status: ProjectStatus,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Project]:
    """Return up to ``limit`` projects after the given one, newest first."""
    rows = await reader.page(
        organization_id, _PAGE, limit=limit, after=after, status=status
    )
    return _projects(rows)


def project_from_row(row: ProjectRow) -> Project:
    """Return a row as clients read it."""
    return copied(row, Project, org_id=row.organization_id, logo=_logo(row.logo))


def _projects(rows: Sequence[TupleRow]) -> list[Project]:
    return [
        replace(project, logo=_logo(project.logo)) for project in structs(Project, rows)
    ]


def _logo(stored: object) -> Logo | None:
    return msgspec.convert(stored, Logo | None)
