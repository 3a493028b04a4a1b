"""/activity: what happened, by day, newest first."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.http.error_codes import Code
from api.web.activity.days import LABELS, by_day
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.csv_file import csv_file
from api.web.kit.forms.project_choices import all_projects, names_of, some_campaigns
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from projections.activity.queries import ActivityEntry
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator

PATH: Final = "/activity"
# The days that one click chooses: the first and the last, counted back from today.
_DAYS: Final[Mapping[str, tuple[str, int, int]]] = {
    "today": ("Today", 0, 0),
    "yesterday": ("Yesterday", 1, 1),
    "7d": ("Last 7 days", 6, 0),
    "28d": ("Last 28 days", 27, 0),
}


class ActivityQuery(PageQuery, frozen=True, kw_only=True):
    """The rows to show; an empty field does not filter.

    ``days`` is one of the choices of days, ``kinds`` are names with commas between.
    """

    days: str = ""
    kinds: str = ""
    project_id: str = ""
    campaign_id: str = ""
    creator_id: str = ""
    cursor: str = ""


class SubjectChip(Struct, frozen=True, kw_only=True):
    """The creator or campaign whose rows are shown, and the address without it."""

    text: str
    others: str
    href: str


class KindChoice(Struct, frozen=True, kw_only=True):
    """A kind to filter by, and the address with it chosen, or not any more."""

    label: str
    is_chosen: bool
    href: str


class ActivityPages(Controller):
    """The page of what happened, and its file."""

    @page_route(PATH, query=ActivityQuery)
    async def activity(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[ActivityQuery],
    ) -> Template:
        """Show what happened on the chosen days."""
        choices = _within_project(choices, page)
        projects, campaigns, creator, campaign = await asyncio.gather(
            all_projects(page),
            some_campaigns(page),
            _creator(page, choices.creator_id),
            _campaign(page, choices.campaign_id),
        )
        # The list has only the newest campaigns.
        if campaign is not None and campaign.id not in {one.id for one in campaigns}:
            campaigns.insert(0, campaign)
        context: dict[str, Any] = {
            "query": choices,
            "chips": _chips(choices, creator, campaign),
            "days": [],
            "more_url": None,
            "choices": [("", "All days"), *((n, d[0]) for n, d in _DAYS.items())],
            "kinds": _kinds(choices),
            "projects": projects,
            "campaigns": campaigns,
        }
        try:
            got = await page.get(PATH, list[ActivityEntry], **_api_query(page, choices))
        except ApiRefusedError as error:
            if error.code is not Code.INVALID_QUERY:
                raise
            return page.show("activity/page.html", context, error=error)
        following = got.meta["nextCursor"]
        context |= {
            "days": by_day(
                got.data,
                time_zone=page.time_zone,
                projects=names_of(projects)
                if not (choices.project_id or choices.campaign_id)
                else None,
            ),
            "more_url": following and PATH + choices.address(cursor=following),
        }
        return page.show("activity/page.html", context)

    @page_route(f"{PATH}.csv", query=ActivityQuery)
    async def file(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[ActivityQuery],
    ) -> Response[bytes]:
        """Return the chosen rows as a file."""
        choices = _within_project(choices, page)
        params = _api_query(page, choices)
        params.pop("cursor", None)
        got = await page.get_raw(PATH, **params, format="csv")
        return csv_file(got.body, disposition='attachment; filename="activity.csv"')


def _within_project(choices: ActivityQuery, page: PageContext) -> ActivityQuery:
    """Return the choices with the project; a creator's activity is in all projects."""
    project_id = "" if choices.creator_id else page.project_filter
    return replace(choices, project_id=project_id)


async def _creator(page: PageContext, text: str) -> Creator | None:
    """Return the chosen creator, None without one and for an unknown id."""
    try:
        return (await page.get(f"/creators/{UUID(text)}", Creator)).data
    except (ValueError, ApiRefusedError):
        return None


async def _campaign(page: PageContext, text: str) -> Campaign | None:
    """Return the chosen campaign, None without one and for an unknown id."""
    try:
        return (await page.get(f"/campaigns/{UUID(text)}", Campaign)).data
    except (ValueError, ApiRefusedError):
        return None


def _chips(
    choices: ActivityQuery, creator: Creator | None, campaign: Campaign | None
) -> list[SubjectChip]:
    """Return a creator's choices, which take the place of the lists to choose from."""
    if not choices.creator_id:
        return []
    chips = [
        SubjectChip(
            text=f"@{creator.tiktok_handle}" if creator else "One creator",
            others="show all creators",
            href=PATH + choices.address(creator_id="", cursor=""),
        )
    ]
    if choices.campaign_id:
        chips.append(
            SubjectChip(
                text=campaign.name if campaign else "One campaign",
                others="show the rows of no campaign, too",
                href=PATH + choices.address(campaign_id="", cursor=""),
            )
        )
    return chips


def _api_query(page: PageContext, choices: ActivityQuery) -> dict[str, str]:
    params = choices.pairs(days="")
    if choices.days in _DAYS:
        _, first, last = _DAYS[choices.days]
        today = datetime.now(ZoneInfo(page.time_zone)).date()
        params["since"] = str(today - timedelta(days=first))
        params["until"] = str(today - timedelta(days=last))
    return params


def _kinds(choices: ActivityQuery) -> list[KindChoice]:
    chosen = choices.kinds.split(",") if choices.kinds else []
    return [
        KindChoice(
            label=label,
            is_chosen=kind in chosen,
            href=PATH
            + choices.address(
                cursor="",
                kinds=",".join(
                    each for each in LABELS if (each in chosen) != (each == kind)
                ),
            ),
        )
        for kind, (label, _) in LABELS.items()
    ]
