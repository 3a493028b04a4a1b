"""``goatherd campaigns create``: as ``POST /projects/{id}/campaigns``."""

from datetime import date
from typing import Annotated

from cyclopts import Parameter, validators

from api.cli import CommandError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import ProjectOption, checked_name, project_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from api.routes.campaigns.schemas import NewCampaign, creating_commands
from domain.campaign.handlers.campaigns import create_campaign
from domain.messages import TargetScope
from infra.eventstore.execute import execute
from infra.ids import new_id

_COUNT = validators.Number(gte=1, lte=2**53 - 1)


def create(
    name: Annotated[str, Parameter(help="The name of the campaign.")],
    /,
    *,
    project: ProjectOption,
    starts_on: Annotated[
        date | None,
        Parameter(help="The first day, in the organization's time zone."),
    ] = None,
    ends_on: Annotated[date | None, Parameter(help="The last day.")] = None,
    target_views: Annotated[
        int | None,
        Parameter(
            validator=_COUNT, help="The number of views that the campaign aims for."
        ),
    ] = None,
    target_posts: Annotated[
        int | None,
        Parameter(
            validator=_COUNT, help="The number of videos that the campaign aims for."
        ),
    ] = None,
    target_engagement: Annotated[
        int | None,
        Parameter(
            validator=_COUNT,
            help="The number of likes, comments, shares and saves together that the "
            "campaign aims for.",
        ),
    ] = None,
    target_scope: Annotated[
        TargetScope,
        Parameter(
            help="The views that count towards the target: those gained in the "
            "campaign's days, all views of videos posted in them, or all views of all "
            "time."
        ),
    ] = "gained",
    cost_minor: Annotated[
        int | None,
        Parameter(
            validator=validators.Number(gte=0, lte=2**53 - 1),
            help="The cost in the smallest unit of the currency, such as cents.",
        ),
    ] = None,
    currency: Annotated[
        str | None,
        Parameter(help="The currency of the cost, a code of ISO 4217 such as EUR."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create a campaign in a project."""
    settings, name = read_settings(data_dir=data_dir), checked_name(name)
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise CommandError("The last day must not be before the first day.")
    data = NewCampaign(
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        target_views=target_views,
        target_scope=target_scope,
        target_posts=target_posts,
        target_engagement=target_engagement,
        cost_minor=cost_minor,
        currency=currency,
    )
    campaign_id = new_id()
    with fitting(settings) as connection:
        project_id, organization_id = project_named(connection, project)
    commands = creating_commands(
        data, organization_id=organization_id, project_id=project_id
    )
    with opened_store(settings) as store:
        execute(
            store,
            lambda: create_campaign(
                campaign_id,
                commands,
                organization_id=organization_id,
                project_id=project_id,
                plans=settings.all_plans,
            ),
            context=cli_context(),
        )
    if json:
        print_json({"id": campaign_id, "project_id": project_id, "name": name})
        return
    print(f"Created the campaign {name}.")
