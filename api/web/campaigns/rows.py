"""The rows of the list of campaigns, read for each project, and the same as a file."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from api.http.query import invalid_query
from api.routes.aggregate.campaigns import CampaignLeaderboardRow
from api.routes.aggregate.responses import csv_of
from api.web.dashboard.figure_table import COLUMNS, in_order
from api.web.dashboard.periods import DashboardDays, days_of
from api.web.kit.list_query import FilterChip, ListQuery
from api.web.kit.page import PageContext
from domain.analytics.periods import NamedPeriod
from domain.analytics.series import Value
from domain.analytics.targets import CampaignPhase, Progress, TargetStatus
from domain.messages import copied

# Campaigns behind their pace and those at risk are one choice, as on Home.
_BEHIND = "behind"
PHASES: Final[Mapping[CampaignPhase | str, str]] = {
    "": "Any",
    "upcoming": "Not begun",
    "running": "Running",
    "ended": "Ended",
}
TARGETS: Final[Mapping[TargetStatus | str, str]] = {
    "": "Any",
    "on_track": "On track",
    _BEHIND: "Behind",
    "behind_pace": "Behind its pace",
    "at_risk": "At risk",
    "completed": "Reached",
    "missed": "Missed",
}
_AT_ONCE = 100
# Python refuses to read a number of thousands of digits.
_MOST_DIGITS = 9


class CampaignsQuery(ListQuery, frozen=True, kw_only=True):
    """The campaigns to list; an empty field does not filter.

    ``cursor`` is the number of rows that were shown before.
    """

    search: str = ""
    phase: str = ""
    target_status: str = ""
    project_id: str = field(default="", name="project")

    @property
    def usual_sort(self) -> str:
        return "new_views"

    @property
    def sorted_by(self) -> str:
        known = self.sort in COLUMNS or self.sort == "name"
        return self.sort if known else self.usual_sort

    @property
    def is_narrowed(self) -> bool:
        """Return whether a filter narrows the list of a project's campaigns."""
        return any((self.search, self.phase, self.target_status))

    @property
    def chips(self) -> list[FilterChip]:
        said = {
            "phase": PHASES.get(self.phase, self.phase),
            "target_status": self._target_in_words,
        }
        return [
            self.chip(text, name) for name, text in said.items() if getattr(self, name)
        ]

    @property
    def _target_in_words(self) -> str:
        label = TARGETS.get(self.target_status, self.target_status)
        return label if self.target_status == _BEHIND else f"Target: {label.lower()}"

    @property
    def shown_before(self) -> int:
        is_number = self.cursor.isdecimal() and len(self.cursor) <= _MOST_DIGITS
        return int(self.cursor) if is_number else 0


class ListedCampaign(Struct, frozen=True, kw_only=True):
    """A campaign of the list; ``project`` is empty if all rows are of one project."""

    campaign: CampaignLeaderboardRow
    project: str
    project_id: str


class CampaignFileRow(Struct, frozen=True, kw_only=True):
    """A row of the file: names first, then days, figures and progress, ids last."""

    name: str
    project_name: str
    starts_on: date | None
    ends_on: date | None
    phase: CampaignPhase
    views: Value
    new_views: Value
    followers: Value
    new_followers: Value
    engagement_rate: Value
    posts: Value
    average_views_per_post: Value
    progress: Progress | None
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool
    campaign_id: UUID
    project_id: str


def days_in(page: PageContext, choices: CampaignsQuery) -> DashboardDays:
    """Return the chosen days, in the organization's time zone.

    Raises:
        ApiError: ``invalid_query``, naming the parameter that is wrong.
    """
    zone = ZoneInfo(page.time_zone)
    today = datetime.now(zone).date()
    period: Any = choices.period_name
    if not period:
        return days_of("", choices.from_, choices.to, today=today, zone=zone)
    if period not in get_args(NamedPeriod):
        known = ", ".join(get_args(NamedPeriod))
        raise invalid_query("period", f"must be one of {known}")
    return days_of(period, "", "", today=today, zone=zone)


async def rows_of(
    page: PageContext,
    choices: CampaignsQuery,
    days: DashboardDays,
    names: Mapping[str, str],
) -> list[ListedCampaign]:
    """Return all chosen campaigns of the projects, in the chosen order.

    ``names`` are those of the projects by id.

    Raises:
        ApiRefusedError: the API refused, for example with ``retention_exceeded``.
    """
    of_projects = await asyncio.gather(
        *(_read(page, choices, days, id_) for id_ in names)
    )
    rows = [
        ListedCampaign(campaign=one, project=name, project_id=id_)
        for (id_, name), some in zip(names.items(), of_projects, strict=True)
        for one in some
    ]
    return in_order(
        rows,
        choices.sorted_by,
        is_rising=choices.direction == "asc",
        name_of=lambda row: row.campaign.name,
        figure_of=lambda row, figure: getattr(row.campaign, figure),
    )


def file_of(rows: Sequence[ListedCampaign]) -> bytes:
    found = [
        copied(
            row.campaign,
            CampaignFileRow,
            project_name=row.project,
            project_id=row.project_id,
        )
        for row in rows
    ]
    return csv_of(CampaignFileRow, found).encode()


async def _read(
    page: PageContext, choices: CampaignsQuery, days: DashboardDays, project_id: str
) -> list[CampaignLeaderboardRow]:
    is_behind = choices.target_status == _BEHIND
    own = {"from": days.first.isoformat(), "to": days.last.isoformat()}
    found: list[CampaignLeaderboardRow] = []
    while True:
        got = await page.get(
            "/analytics/aggregate/campaign-leaderboard",
            list[CampaignLeaderboardRow],
            project_id=project_id,
            search=choices.search.strip() or None,
            phase=choices.phase or None,
            target_status=None if is_behind else choices.target_status or None,
            behind="true" if is_behind else None,
            limit=_AT_ONCE,
            offset=len(found),
            **own,
        )
        found += got.data
        if not got.data or len(found) >= got.meta["totalCount"]:
            return found
