"""``goatherd forget-texts``: the forgetting of earlier names and notes."""

from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import organization_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from application.erase.texts import ForgettingCommand, forgotten_by
from infra.eventstore.execute import execute


def forget_texts(
    of: Annotated[
        UUID,
        Parameter(
            name="id",
            help="The id of a campaign, project, API key, view, shared link, alert "
            "rule, report or channel, or ORG's own id.",
        ),
    ],
    /,
    *,
    org: Annotated[str, Parameter(help="The organization, by name or id.")],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Forget the earlier names and notes of an organization or of one of its things.

    The earlier texts cannot be read any more, not even as of the past, and nothing
    brings them back. The present ones stay, except those of a deleted campaign or view
    and of a revoked key. `goatherd erase --verify ID` searches for remains.
    """
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id = organization_named(connection, org)
    with opened_store(settings) as store:
        command = ForgettingCommand(store, of, organization_id=org_id)
        done = execute(
            store,
            command.handler,
            context=cli_context(),
            in_transaction=command.in_transaction,
        )
    answer = forgotten_by(done)
    if json:
        print_json(answer)
    elif answer.forgotten:
        print(f"The earlier texts of {of} are forgotten.")
    else:
        print(f"{of} has no earlier texts that differ from the present ones.")
