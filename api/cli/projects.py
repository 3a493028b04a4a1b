"""``goatherd projects``: projects are created, changed, archived and restored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from msgspec import ValidationError, convert

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import (
    ChosenOrganizationOption,
    OnlyOrganizationOption,
    checked_name,
    chosen_organization,
    organization_and_project,
    project_named,
)
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from api.cli.organizations import change_own_organization
from api.http.plain_words import plain
from api.routes.projects import ProjectChange
from domain import commands as c
from domain.messages import copied
from domain.organization.commands import OrganizationCommand
from domain.organization.handlers.organizations import change_organization
from domain.organization.logo import Logo, logo_of
from domain.organization.plans import Plans
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.project_logos import keep_logo


def create(
    name: Annotated[str, Parameter(help="The name of the project.")],
    /,
    *,
    org: ChosenOrganizationOption = None,
    description: Annotated[
        str | None, Parameter(help="A text about the project.")
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create a project."""
    settings, name = read_settings(data_dir=data_dir), checked_name(name)
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
    command = c.CreateProject(project_id=new_id(), name=name, description=description)
    change_own_organization(settings, organization_id, command)
    if json:
        print_json({"id": command.project_id, "org_id": organization_id, "name": name})
        return
    print(f"Created the project {name}.")


def set_project(
    project: Annotated[str, Parameter(help="The project, by name or id.")],
    /,
    *,
    name: Annotated[str | None, Parameter(help="Another name.")] = None,
    description: Annotated[
        str | None, Parameter(help="A text about the project; an empty one clears it.")
    ] = None,
    client: Annotated[
        str | None,
        Parameter(help="The client whom reports name; an empty text clears it."),
    ] = None,
    comment: Annotated[
        str | None,
        Parameter(help="A text at the head of reports; an empty one clears it."),
    ] = None,
    color: Annotated[
        str | None,
        Parameter(help="The colour of reports as #RRGGBB; an empty text clears it."),
    ] = None,
    logo: Annotated[
        Path | None,
        Parameter(help="A PNG, JPEG or WebP picture, up to 1 MB, for reports."),
    ] = None,
    no_logo: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Print no logo any more."),
    ] = False,
    org: OnlyOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Change a project, and the head of its printed reports."""
    settings = read_settings(data_dir=data_dir)
    given = {
        "name": None if name is None else checked_name(name),
        "description": description,
        "client": client,
        "comment": comment,
        "color": color,
    }
    texts = {
        key: (text.strip() or None) for key, text in given.items() if text is not None
    }
    new_logo, content = _logo(logo)
    if not (texts or new_logo or no_logo):
        raise UsageError("Name something to change; --help lists it.")
    if new_logo and no_logo:
        raise UsageError("Choose one of --logo and --no-logo.")
    with fitting(settings) as connection:
        org_id = organization_and_project(connection, org, None)["org"]
        project_id, organization_id = project_named(connection, project, org=org_id)
    commands: list[c.ChangeProjectDetails | c.ChangeProjectLogo] = []
    if texts:
        commands.append(_changing_texts(project_id, texts))
    if new_logo or no_logo:
        commands.append(c.ChangeProjectLogo(project_id=project_id, logo=new_logo))
    with opened_store(settings) as store:
        changes = sum(
            _change(store, settings.all_plans, organization_id, command, content)
            for command in commands
        )
    if json:
        print_json({"id": project_id, "org_id": organization_id, "changes": changes})
        return
    print("Changed the project." if changes else "The project is so already.")


def archive(
    project: Annotated[str, Parameter(help="The project, by name or id.")],
    /,
    *,
    org: OnlyOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Archive a project: its creators are not scraped, and its history stays."""
    project_id, changes = _rest(project, org, data_dir, c.ArchiveProject)
    if json:
        print_json({"id": project_id, "changes": changes})
        return
    print("Archived the project." if changes else "The project is archived already.")


def restore(
    project: Annotated[str, Parameter(help="The project, by name or id.")],
    /,
    *,
    org: OnlyOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Let an archived project go on; its creators are scraped again."""
    project_id, changes = _rest(project, org, data_dir, c.RestoreProject)
    if json:
        print_json({"id": project_id, "changes": changes})
        return
    print("Restored the project." if changes else "The project is not archived.")


def _rest(
    project: str,
    org: str | None,
    data_dir: Path | None,
    command: type[c.ArchiveProject | c.RestoreProject],
) -> tuple[UUID, int]:
    """Return the id of the project, and the number of events of the command."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id = organization_and_project(connection, org, None)["org"]
        project_id, organization_id = project_named(connection, project, org=org_id)
    with opened_store(settings) as store:
        done = _change(
            store,
            settings.all_plans,
            organization_id,
            command(project_id=project_id),
            b"",
        )
    return project_id, done


def _logo(path: Path | None) -> tuple[Logo | None, bytes]:
    if path is None:
        return None, b""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    return logo_of(content), content


def _changing_texts(
    project_id: UUID, texts: Mapping[str, str | None]
) -> c.ChangeProjectDetails:
    """Return the command of a PATCH with these texts, within its lengths."""
    try:
        change = convert(texts, ProjectChange)
    except ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        raise UsageError(f"{place.rstrip('`')} {plain(message)}.") from None
    return copied(change, c.ChangeProjectDetails, project_id=project_id)


def _change(
    store: Store,
    plans: Plans,
    organization_id: UUID,
    command: OrganizationCommand,
    logo: bytes,
) -> int:
    """Execute a command, store the logo that it sets, and return its events' number."""
    done = execute(
        store,
        lambda: change_organization(organization_id, command, plans=plans),
        context=cli_context(),
        in_transaction=lambda cursor, done: keep_logo(cursor, done.events, logo),
    )
    return len(done.events)
