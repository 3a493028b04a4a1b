"""``goatherd campaigns create | list``, as the routes of campaigns do."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from cyclopts import Parameter, validators
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import (
    cli_context,
    database_url,
    fitting,
    opened_store,
    rows_of,
)
from api.cli.kit.names import (
    OnlyOrganizationOption,
    OnlyProjectOption,
    ProjectOption,
    checked_name,
    organization_and_project,
    project_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_json, print_list
from api.routes.campaigns.schemas import NewCampaign, creating_commands
from api.web.kit.forms.numbers import read_count
from domain.analytics.targets import Progress, is_behind
from domain.campaign.handlers.campaigns import create_campaign
from domain.campaign.handlers.items import add_items
from domain.commands import CampaignItem
from domain.creator.handle import normalize_handle
from domain.errors import DomainError, InvalidHandleError
from domain.messages import TargetScope, copied
from domain.money import money
from domain.organization.plans import Limits
from domain.phrases import counted, joined
from infra.database import COMMAND_NAME
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.ids import new_id

_TRACKED = """
SELECT tiktok_handle, id FROM creator_list
WHERE organization_id = %s AND project_id = %s AND tiktok_handle = ANY(%s)
  AND status IN ('active', 'disabled')
"""


_CAMPAIGN_LIST = """
SELECT c.id, organization_id AS org_id, project_id, p.name AS project_name, c.name,
       creator_count AS creators, video_count AS videos, campaign_count AS campaigns,
       starts_on, ends_on, target_views, target_at, target_scope,
       target_posts, target_engagement, cost_minor, currency, c.created_at,
       o.time_zone
FROM campaigns c
LEFT JOIN (SELECT organization_id, id AS project_id, name FROM projects) p
    USING (organization_id, project_id)
LEFT JOIN organizations o USING (organization_id)
WHERE deleted_at IS NULL
  AND (%(org)s::uuid IS NULL OR organization_id = %(org)s)
  AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
ORDER BY org_id, project_id, c.created_at, c.id
"""


class CampaignSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign; its counts include only items that are directly in it.

    ``reached_views`` and the like are counted by ``target_scope``, null if nothing is
    known. ``effective_cpm_minor`` is the cost of 1,000 of these views, in the smallest
    unit of the currency. ``is_behind``: the campaign will miss a target at its present
    pace.
    """

    id: UUID
    org_id: UUID
    project_id: UUID
    project_name: str | None
    name: str
    creators: int
    videos: int
    campaigns: int
    starts_on: date | None
    ends_on: date | None
    target_views: int | None
    target_at: datetime | None
    target_scope: TargetScope
    target_posts: int | None
    target_engagement: int | None
    cost_minor: int | None
    currency: str | None
    created_at: datetime
    time_zone: str | None
    reached_views: int | None = None
    reached_posts: int | None = None
    reached_engagement: int | None = None
    effective_cpm_minor: float | None = None
    is_behind: bool = False


def create(
    name: Annotated[str, Parameter(help="The name of the campaign.")],
    /,
    *,
    project: ProjectOption,
    creator: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="The handle or profile of a creator of the project who is in it; "
            "repeat the option for several.",
        ),
    ] = None,
    starts_on: Annotated[
        date | None,
        Parameter(help="The first day, in the organization's time zone."),
    ] = None,
    ends_on: Annotated[date | None, Parameter(help="The last day.")] = None,
    target_views: Annotated[
        str | None,
        Parameter(
            help="The number of views that the campaign aims for, such as 2m or 2.5k."
        ),
    ] = None,
    target_posts: Annotated[
        str | None,
        Parameter(help="The number of videos that the campaign aims for."),
    ] = None,
    target_engagement: Annotated[
        str | None,
        Parameter(
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
    """Create a campaign in a project, with creators that the project tracks.

    Nothing is stored if a creator is not tracked there.
    """
    settings, name = read_settings(data_dir=data_dir), checked_name(name)
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise UsageError("The last day must not be before the first day.")
    data = NewCampaign(
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        target_views=_count("--target-views", target_views),
        target_scope=target_scope,
        target_posts=_count("--target-posts", target_posts),
        target_engagement=_count("--target-engagement", target_engagement),
        cost_minor=cost_minor,
        currency=currency,
    )
    campaign_id = new_id()
    with fitting(settings) as connection:
        project_id, organization_id = project_named(connection, project)
        items = _items(connection, organization_id, project_id, creator or [])
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
        if items:
            _fill(store, campaign_id, items, organization_id, name, settings.all_plans)
    if json:
        document = {"id": campaign_id, "project_id": project_id, "name": name}
        print_json({**document, "creators": len(items)})
        return
    members = f" with {counted(len(items), 'creator')}" if items else ""
    print(f"Created the campaign {name}{members}.")


def list_campaigns(
    *,
    org: OnlyOrganizationOption = None,
    project: OnlyProjectOption = None,
    behind: Annotated[
        bool,
        Parameter(
            negative="",
            help="List only campaigns that will miss a target at their present pace.",
        ),
    ] = False,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List campaigns with their items, days, targets, what is reached, and costs."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        named = organization_and_project(connection, org, project)
        names = ("campaigns", "analytics")
        wait_until_caught_up(connection, *names, what="this list is")
        found = rows_of(connection, CampaignSummary, _CAMPAIGN_LIST, named)
    found = asyncio.run(_with_progress(database_url(settings), found)) if found else []
    if behind:
        found = [one for one in found if one.is_behind]
    print_list(
        found,
        "name project=project_name creators videos campaigns first_day=starts_on "
        "last_day=ends_on views posts engagement counted=target_scope cost cpm",
        ids="id project_id" if ids else "",
        json=json,
        views=lambda one: _towards(one.reached_views, one.target_views),
        posts=lambda one: _towards(one.reached_posts, one.target_posts),
        engagement=lambda one: _towards(one.reached_engagement, one.target_engagement),
        cost=lambda one: _price(one.cost_minor, one.currency),
        cpm=lambda one: _price(one.effective_cpm_minor, one.currency),
    )


async def _with_progress(
    url: str, campaigns: Sequence[CampaignSummary]
) -> list[CampaignSummary]:
    from projections.analytics.summaries.target_counts import progress_of_campaigns
    from projections.analytics.summaries.target_days import CampaignTarget
    from projections.engine.snapshot_reader import snapshot

    progress: dict[UUID, Progress] = {}
    now = datetime.now(UTC)
    async with snapshot(url, "analytics", application_name=COMMAND_NAME) as (
        reader,
        _,
    ):
        for org_id in dict.fromkeys(one.org_id for one in campaigns):
            targets = [
                copied(one, CampaignTarget) for one in campaigns if one.org_id == org_id
            ]
            progress |= await progress_of_campaigns(reader, org_id, targets, now=now)
    return [
        replace(
            one,
            reached_views=progress[one.id].reached,
            reached_posts=progress[one.id].posts.reached,
            reached_engagement=progress[one.id].engagement.reached,
            effective_cpm_minor=progress[one.id].effective_cpm_minor,
            is_behind=is_behind(progress[one.id]),
        )
        for one in campaigns
    ]


def _towards(reached: int | None, target: int | None) -> str | None:
    """Return the reached number, and the target if there is one."""
    if target is None:
        return None if reached is None else str(reached)
    return f"{'?' if reached is None else reached} of {target}"


def _price(minor: float | None, currency: str | None) -> str | None:
    if minor is None or currency is None:
        return None
    return money(Decimal(str(minor)), currency)


def _fill(
    store: Store,
    campaign_id: UUID,
    items: Sequence[CampaignItem],
    organization_id: UUID,
    name: str,
    plans: Mapping[str, Limits],
) -> None:
    """Add the creators to the new campaign.

    Raises:
        CommandError: they were refused, for example by a limit of the plan.
    """
    try:
        execute(
            store,
            lambda: add_items(
                campaign_id, items, organization_id=organization_id, plans=plans
            ),
            context=cli_context(),
        )
    except DomainError as error:
        raise CommandError(
            f"The campaign {name} was created without its creators: {error}"
        ) from None


def _count(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else read_count(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}.") from None


def _items(
    connection: Connection[TupleRow],
    organization_id: UUID,
    project_id: UUID,
    texts: Sequence[str],
) -> list[CampaignItem]:
    """Return the creators of the project with these handles, each once.

    Raises:
        CommandError: a text is no handle, or the project tracks nobody with it.
    """
    if not texts:
        return []
    try:
        handles = list(dict.fromkeys(normalize_handle(text) for text in texts))
    except InvalidHandleError as error:
        raise CommandError(str(error)) from error
    wait_until_caught_up(connection, "creator_list", what="creators are")
    parameters = (organization_id, project_id, handles)
    found: dict[str, UUID] = dict(connection.execute(_TRACKED, parameters).fetchall())
    unknown = [f"@{handle}" for handle in handles if handle not in found]
    if unknown:
        are = "is" if len(unknown) == 1 else "are"
        raise CommandError(
            f"{joined(unknown)} {are} not tracked in this project: add them first with "
            f"`goatherd creators add {' '.join(unknown)}`."
        )
    return [CampaignItem("creator", found[handle]) for handle in handles]
