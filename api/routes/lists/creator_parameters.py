"""The parameters of GET /creators that request figures over some days."""

import re
from datetime import date
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.http.reading.paging import MAX_LIMIT
from api.routes.analytics.parameters import ids_between_commas
from api.routes.lists.days import (
    FromParameter,
    ListPeriod,
    PeriodParameter,
    ToParameter,
    check_period,
)
from projections.analytics.read.figure_conditions import FigureCondition
from projections.analytics.read.figure_expressions import CreatorFigure
from projections.creators.chosen import Health

_FIGURES: Final[tuple[CreatorFigure, ...]] = get_args(CreatorFigure)
_CONDITION = re.compile(
    r" *(?P<figure>[a-z_]+) *(?P<comparison>[<>]=?) *"
    r"(?P<number>-?[0-9]{1,18}(\.[0-9]{1,6})?) *"
)
CreatorListSort = Literal[
    "created_at",
    "tiktok_handle",
    "follower_count",
    "last_scraped_at",
    "health",
    "followers",
    "new_followers",
    "views",
    "new_views",
    "likes",
    "comments",
    "shares",
    "saves",
    "engagement_rate",
    "posts",
    "average_views_per_post",
]


class TableParameters(Struct, frozen=True, kw_only=True):
    """The parameters that add figures to a list of creators."""

    order: Literal["asc", "desc"] | None
    period: ListPeriod | None
    first: date | None
    last: date | None
    health: tuple[Health, ...]
    ids: tuple[UUID, ...] | None
    campaign_id: UUID | None
    conditions: tuple[FigureCondition, ...]
    is_csv: bool

    def ask_for_figures(self, sort: CreatorListSort) -> bool:
        """Return whether the answer has figures."""
        of_list = {"created_at", "tiktok_handle", "follower_count"}
        has_days = bool(self.period or self.first or self.last)
        chosen = bool(self.health or self.conditions or self.ids or self.campaign_id)
        has_order = self.order is not None or sort not in of_list
        return has_days or chosen or self.is_csv or has_order


def provide_table(
    order: Annotated[
        Literal["asc", "desc"] | None,
        QueryParameter(
            description="The order of the rows: desc puts the largest value first, "
            "which is the default except for handles."
        ),
    ] = None,
    period: PeriodParameter = None,
    from_: FromParameter = None,
    to: ToParameter = None,
    health: Annotated[
        str | None,
        QueryParameter(
            max_length=60,
            description="One or more of ok, never_seen, failing, stale and disabled, "
            "separated by commas.",
        ),
    ] = None,
    figures: Annotated[
        str | None,
        QueryParameter(
            max_length=400,
            description="Conditions separated by commas, which must all hold: a figure "
            "that the list can be sorted by, one of >=, <=, > and <, and a "
            "number (rates in percent), as in "
            "`new_views>=1000,new_followers<0`. An unknown figure fulfils "
            "no condition.",
        ),
    ] = None,
    creator_ids: Annotated[
        str | None,
        QueryParameter(
            description=f"Show only these creators: 1 to {MAX_LIMIT} ids, "
            "separated by commas."
        ),
    ] = None,
    campaign_id: Annotated[
        UUID | None,
        QueryParameter(
            description="Show only what counts in this campaign or in campaigns below "
            "it."
        ),
    ] = None,
    format_: Annotated[
        Literal["json", "csv"],
        QueryParameter(
            name="format",
            description="The format: csv answers with a file of the whole list.",
        ),
    ] = "json",
) -> TableParameters:
    check_period(period, from_, to)
    ids = creator_ids and ids_between_commas(
        "creator_ids", creator_ids, at_most=MAX_LIMIT
    )
    return TableParameters(
        order=order,
        period=period,
        first=from_,
        last=to,
        health=() if health is None else _health(health),
        ids=tuple(ids) if ids else None,
        campaign_id=campaign_id,
        conditions=() if figures is None else _conditions(figures),
        is_csv=format_ == "csv",
    )


def _conditions(text: str) -> tuple[FigureCondition, ...]:
    """Return the conditions; a figure has at most a lower and an upper one."""
    found: list[FigureCondition] = []
    for place, part in enumerate(text.split(","), start=1):
        match = _CONDITION.fullmatch(part)
        if match is None or match["figure"] not in _FIGURES:
            message = (
                f"condition {place} must be one of {', '.join(_FIGURES)}, then >=, <=, "
                "> or <, then a number"
            )
            raise invalid_query("figures", message)
        found.append(msgspec.convert(match.groupdict(), FigureCondition, strict=False))
    return tuple(found)


def _health(text: str) -> tuple[Health, ...]:
    allowed: tuple[Health, ...] = get_args(Health)
    names = text.split(",")
    if not {*names} <= {*allowed} or len({*names}) < len(names):
        message = f"must be one or more of {', '.join(allowed)}, each once"
        raise invalid_query("health", message)
    return tuple(name for name in allowed if name in names)
