"""``goatherd bans lift-erased``: the ban of an erased account ends."""

from typing import Annotated

from cyclopts import Parameter

from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import ChosenOrganizationOption, chosen_organization
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from domain.creator.handlers.change import unban_erased
from domain.phrases import counted
from infra.eventstore.execute import execute


def lift_erased(
    handle: Annotated[str, Parameter(help="A handle that the erased account had.")],
    /,
    *,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Lift an organization's ban of an erased account, found by a handle it had."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
    with opened_store(settings) as store:
        done = execute(
            store,
            lambda: unban_erased(
                handle, organization_id=organization_id, names=store.names
            ),
            context=cli_context(),
        )
    if json:
        print_json({"lifted": done.result})
        return
    print(f"{counted(done.result, 'ban')} of erased accounts lifted.")
