"""``goatherd orgs``: making organizations."""

from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.databases import cli_context, opened_store
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import print_json
from domain.organization.plans import UNLIMITED
from infra.handlers.organizations import make_organization
from projections.organizations.projection import ApiKeys

_LONGEST_NAME = 200


def create(
    name: Annotated[str, Parameter(help="What the organization is called.")],
    /,
    *,
    plan: Annotated[str, Parameter(help="Its plan.")] = UNLIMITED,
    time_zone: Annotated[
        str, Parameter(help="Its IANA time zone, in which its days begin.")
    ] = "UTC",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create an organization with a first project and a key with every scope.

    The key's text is shown here and never again.
    """
    settings = read_settings(data_dir=data_dir)
    if plan not in settings.all_plans:
        plans = ", ".join(sorted(settings.all_plans))
        raise CommandError(f"There is no plan {plan!r}: choose one of {plans}.")
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise CommandError(
            f"A name has 1 to {_LONGEST_NAME} characters, all of them printable."
        )
    with opened_store(settings) as store:
        made = make_organization(
            store,
            name=name,
            plan=plan,
            time_zone=time_zone,
            context=cli_context(),
            # In the same transaction, so that the key works at once.
            in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
        )
    if json:
        print_json(
            {
                "org_id": made.organization_id,
                "project_id": made.project_id,
                "api_key": made.key.text,
            }
        )
        return
    print(f"Organization {made.organization_id}")
    print(f"Project      {made.project_id}")
    print(f"API key      {made.key.text} (shown this once)")
