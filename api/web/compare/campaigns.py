"""The table of all figures of compared campaigns, side by side."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from api.routes.aggregate.kpis import Kpis
from api.routes.campaigns.routes import ShownCampaign
from api.web.charts.periods import Period
from api.web.kit.filters import price
from api.web.kit.page import PageContext
from domain.analytics.summaries.kpis import Kpi
from domain.analytics.targets import Progress, TargetProgress
from domain.messages import TargetScope
from domain.phrases import counted
from domain.written import UNKNOWN, day, number, percent, short
from projections.campaigns.queries import Campaign

_COUNTED: Final[dict[TargetScope, str]] = {
    "gained": "gained in its days",
    "posts_in_days": "of videos posted in its days",
    "lifetime": "of all time",
}
_FIGURES: Final = {
    "views": "All views",
    "new_views": "New views",
    "likes": "New likes",
    "comments": "New comments",
    "shares": "New shares",
    "saves": "New saves",
    "engagement_rate": "Engagement",
    "posts": "Posts",
    "average_views_per_post": "Views a post",
    "active_creators": "Creators who posted",
    "new_followers": "New followers",
}


class ComparedCell(Struct, frozen=True, kw_only=True):
    """A figure of a campaign; ``exact`` has all its digits, ``about`` says more."""

    text: str
    exact: str = ""
    about: str = ""
    is_rounded: bool = False
    is_sharpened: bool = False


class ComparedRow(Struct, frozen=True, kw_only=True):
    """A figure of each campaign, in the order of the columns."""

    label: str
    cells: Sequence[ComparedCell]


class ComparedCampaigns(Struct, frozen=True, kw_only=True):
    """The campaigns, their progress by now, and their figures in the chosen days."""

    names: Sequence[str]
    progress: Sequence[ComparedRow]
    figures: Sequence[ComparedRow]


async def compared_campaigns(
    page: PageContext, ids: Sequence[str], periods: Sequence[Period]
) -> ComparedCampaigns:
    """Return the table of campaigns, with the figures of each in its period.

    Raises:
        ApiRefusedError: the API refused, for example with ``retention_exceeded``.
    """
    answers = await asyncio.gather(
        *(_read(page, id_, days) for id_, days in zip(ids, periods, strict=True))
    )
    campaigns = [campaign for campaign, _ in answers]

    def row(
        label: str, cell: Callable[[Campaign, Progress | None], ComparedCell]
    ) -> ComparedRow:
        cells = [cell(one, one.progress) for one in campaigns]
        return ComparedRow(label=label, cells=cells)

    return ComparedCampaigns(
        names=[one.name for one in campaigns],
        progress=[
            row("Days", lambda one, _: ComparedCell(text=_days(one))),
            row("Members", lambda one, _: ComparedCell(text=_members(one))),
            row("Views that count", lambda _, it: _views(it)),
            row("Posts", lambda _, it: _towards(it and it.posts)),
            row(
                "Likes, comments, shares and saves",
                lambda _, it: _towards(it and it.engagement),
            ),
            row("Cost", lambda one, _: _price(one.cost_minor, one.currency)),
            row(
                "Cost of 1,000 views",
                lambda one, it: _price(it and it.effective_cpm_minor, one.currency),
            ),
        ],
        figures=[
            ComparedRow(
                label=label,
                cells=[_figure(name, getattr(kpis, name)) for _, kpis in answers],
            )
            for name, label in _FIGURES.items()
        ],
    )


async def _read(
    page: PageContext, id_: str, period: Period
) -> tuple[ShownCampaign, Kpis]:
    days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    campaign, kpis = await asyncio.gather(
        page.get(f"/campaigns/{id_}", ShownCampaign),
        page.get("/analytics/kpis", Kpis, campaign_id=id_, **days),
    )
    return campaign.data, kpis.data


def _days(campaign: Campaign) -> str:
    first, last = campaign.starts_on, campaign.ends_on
    if first is None and last is None:
        return "Open"
    begins = "Open" if first is None else day(first)
    return f"{begins} to {'open' if last is None else day(last)}"


def _members(campaign: Campaign) -> str:
    counts = campaign.item_counts
    found = [
        counted(amount, noun)
        for amount, noun in (
            (counts.creators, "creator"),
            (counts.videos, "video"),
            (counts.campaigns, "campaign"),
        )
        if amount
    ]
    return ", ".join(found) or "None"


def _views(progress: Progress | None) -> ComparedCell:
    if progress is None or progress.reached is None:
        return ComparedCell(text=UNKNOWN)
    about = _COUNTED[progress.target_scope]
    return _of_target(
        progress.reached, progress.target_views, progress.percentage, about
    )


def _towards(progress: TargetProgress | None) -> ComparedCell:
    if progress is None or progress.reached is None:
        return ComparedCell(text=UNKNOWN)
    return _of_target(progress.reached, progress.target, progress.percentage, "")


def _of_target(
    reached: int, target: int | None, percentage: int | None, about: str
) -> ComparedCell:
    exact, text = number(reached), short(reached)
    if target is not None:
        exact, text = f"{exact} of {number(target)}", f"{text} of {short(target)}"
        about = ", ".join(filter(None, (f"{number(percentage)}%", about)))
    return ComparedCell(text=text, exact=exact, about=about)


def _price(minor: float | None, currency: str | None) -> ComparedCell:
    if minor is None or currency is None:
        return ComparedCell(text=UNKNOWN)
    return ComparedCell(text=price(minor, currency))


def _figure(name: str, kpi: Kpi) -> ComparedCell:
    if kpi.value is None:
        return ComparedCell(text=UNKNOWN)
    if name == "engagement_rate":
        return ComparedCell(text=percent(kpi.value))
    return ComparedCell(
        text=short(kpi.value),
        exact=number(kpi.value),
        is_rounded=kpi.rounded,
        is_sharpened=kpi.sharpened,
    )
