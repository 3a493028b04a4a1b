"""Organizations and projects that options name, and names for new things."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.output import plain
from domain.creator.decider import CreatorState, creator_of
from domain.errors import NotFoundError
from infra.eventstore.store import Store, plain_events

OrganizationOption = Annotated[
    str, Parameter("--org", help="The organization's name or id.")
]
OnlyOrganizationOption = Annotated[
    str | None, Parameter("--org", help="Only this organization, by name or id.")
]
ChosenOrganizationOption = Annotated[
    str | None,
    Parameter(
        "--org", help="The organization, by name or id. A single one is the default."
    ),
]
ProjectOption = Annotated[
    str, Parameter("--project", help="The project, by name or id.")
]
OnlyProjectOption = Annotated[
    str | None, Parameter("--project", help="Only this project, by name or id.")
]

_NAMED_AT_MOST = 5
_LONGEST_NAME = 200

_ORGANIZATIONS = (
    "SELECT organization_id FROM organizations WHERE name = %s ORDER BY organization_id"
)
_ORGANIZATION = """
SELECT DISTINCT originator_id FROM goatherd_events
WHERE originator_id = %s AND topic = 'organization_created'
"""
# The ids come from the log, since the read model of projects may be behind it. The
# names in the log are sealed.
PROJECTS = """
SELECT created.id, organization_id, coalesce(name, '') AS name, created.created_at,
       archived_at
FROM (
    SELECT originator_id AS organization_id, recorded_at AS created_at,
           (convert_from(state, 'UTF8')::jsonb ->> 'project_id')::uuid AS id
    FROM goatherd_events WHERE topic = 'project_created'
      AND originator_id IN (SELECT organization_id FROM organizations
                            WHERE %(org)s::uuid IS NULL UNION ALL SELECT %(org)s)
) AS created LEFT JOIN projects USING (organization_id, id)
"""


class NamedProject(NamedTuple):
    """A project and its organization."""

    id: UUID
    organization_id: UUID


def organization_named(connection: Connection[TupleRow], given: str) -> UUID:
    """Return the id of the organization with that id or name.

    Raises:
        CommandError: none or several have the name.
    """
    organization_id = _as_id(given)
    if organization_id is None:
        rows = connection.execute(_ORGANIZATIONS, (given,)).fetchall()
    else:
        rows = connection.execute(_ORGANIZATION, (organization_id,)).fetchall()
    return _only([row[0] for row in rows], "organization", given, "orgs list")


def chosen_organization(connection: Connection[TupleRow], given: str | None) -> UUID:
    """Return the named organization, or the only one.

    Raises:
        CommandError: none or several have the name, or none is named and there are
            several.
    """
    if given is not None:
        return organization_named(connection, given)
    rows = connection.execute(
        "SELECT organization_id, name FROM organizations ORDER BY name"
    ).fetchall()
    if len(rows) == 1:
        return rows[0][0]
    if not rows:
        raise CommandError(
            "There is no organization yet: create one with `goatherd orgs create`."
        )
    names = ", ".join(repr(plain(name)) for _, name in rows[:_NAMED_AT_MOST])
    more = ", ..." if len(rows) > _NAMED_AT_MOST else ""
    raise CommandError(f"Choose an organization with --org: {names}{more}.")


def checked_name(name: str) -> str:
    """Return the name of a new thing without the blanks around it.

    Raises:
        CommandError: the name is blank, too long, or has control characters.
    """
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"A name has 1 to {_LONGEST_NAME} characters, all of them printable."
        )
    return name


def project_named(
    connection: Connection[TupleRow], given: str, *, org: UUID | None = None
) -> NamedProject:
    """Return the project with that id or name, in the organization or in any.

    Raises:
        CommandError: none or several have the name.
    """
    project_id = _as_id(given)
    if project_id is None:
        wait_until_caught_up(connection, "projects", what="names of projects are")
    found = {
        each: organization_id
        for each, organization_id, name, *_ in connection.execute(
            PROJECTS, {"org": org}
        )
        if (each == project_id if project_id else name == given)
    }
    chosen = _only(list(found), "project", given, "projects list")
    return NamedProject(id=chosen, organization_id=found[chosen])


def chosen_project(connection: Connection[TupleRow], given: str | None) -> NamedProject:
    """Return the project with that id or name, or the only one of the installation.

    Raises:
        CommandError: none or several have the name, or none is named and there are
            several.
    """
    if given is not None:
        return project_named(connection, given)
    found = connection.execute(PROJECTS, {"org": None}).fetchall()
    if len(found) != 1:
        raise CommandError(
            "Choose a project with --project: `goatherd projects list` shows all."
        )
    return NamedProject(id=found[0][0], organization_id=found[0][1])


def organization_and_project(
    connection: Connection[TupleRow], org: str | None, project: str | None
) -> dict[str, UUID | None]:
    """Return the ids that the options name, as ``org`` and ``project`` of a query.

    Raises:
        CommandError: none or several have the name.
    """
    org_id = None if org is None else organization_named(connection, org)
    found = project and project_named(connection, project, org=org_id)
    return {"org": org_id, "project": found.id if found else None}


def creator_with_id(store: Store, creator_id: UUID) -> CreatorState:
    """Return a creator of any organization.

    Raises:
        NotFoundError: no creator has this id.
    """
    creator = creator_of(plain_events(store.load(creator_id)[creator_id]))
    if creator is None:
        raise NotFoundError("creator")
    return creator


def _only(found: Sequence[UUID], kind: str, given: str, command: str) -> UUID:
    if not found:
        raise CommandError(
            f"There is no {kind} {plain(given)!r}: `goatherd {command}` shows all."
        )
    if len(found) > 1:
        ids = ", ".join(map(str, found[:_NAMED_AT_MOST]))
        more = ", ..." if len(found) > _NAMED_AT_MOST else ""
        raise CommandError(
            f"{len(found)} {kind}s are called {plain(given)!r}: name one by its id "
            f"({ids}{more})."
        )
    return found[0]


def _as_id(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None
