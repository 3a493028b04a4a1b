"""``goatherd projects create``: as ``POST /projects``."""

from typing import Annotated

from cyclopts import Parameter

from api.cli.kit.databases import fitting
from api.cli.kit.names import (
    ChosenOrganizationOption,
    checked_name,
    chosen_organization,
)
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from api.cli.organizations import change_own_organization
from domain import commands as c
from infra.ids import new_id


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
