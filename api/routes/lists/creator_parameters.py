"""The parameters of GET /creators: filters, order, and days of figures."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, get_args
from uuid import UUID

import msgspec
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct
from msgspec.structs import asdict

from api.http.query import invalid_query, several_of
from api.http.reading.paging import MAX_LIMIT
from api.routes.aggregate.parameters import ListFormat
from api.routes.analytics.parameters import check_period, ids_between_commas
from api.routes.lists.days import (
    FromParameter,
    ListPeriod,
    ToParameter,
    UntilParameter,
)
from api.routes.tags import TagFilter, tag_filter
from domain.analytics.periods import NamedPeriod
from domain.creator.decider import Status
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from domain.letter_case import folded
from domain.messages import BY_HAND, OTHER_DISABLED_REASONS
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import FigureCondition
from projections.creators.filter import CreatorFilter, Health

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
    "last_posted_at",
    "posts_per_week",
    CreatorFigure,
]


_STATUSES: tuple[Status, ...] = ("active", "disabled", "removed", "erased")
_HEALTH: tuple[Health, ...] = get_args(Health)
_DISABLED_REASONS = (BY_HAND, *OTHER_DISABLED_REASONS)
_DEFAULT_STATUSES = "active,disabled"
_SORTED_WITHOUT_FIGURES = {"created_at", "tiktok_handle", "follower_count"}


class CreatorListParameters(Struct, frozen=True, kw_only=True):
    """The filters and the order of a list of creators, and the days of its figures."""

    filter: CreatorFilter
    sort: CreatorListSort
    order: Literal["asc", "desc"] | None
    period: NamedPeriod | None
    first: date | None
    last: date | None
    until: datetime | None
    health: tuple[Health, ...]
    ids: tuple[UUID, ...] | None
    campaign_id: UUID | None
    stopped_posting: bool | None
    conditions: tuple[FigureCondition, ...]
    is_csv: bool

    @property
    def asks_for_figures(self) -> bool:
        """Return whether the answer has figures over some days."""
        has_days = bool(self.period or self.first or self.last or self.until)
        chosen = bool(self.health or self.conditions or self.ids or self.campaign_id)
        chosen = chosen or self.stopped_posting is not None
        has_order = self.order is not None or self.sort not in _SORTED_WITHOUT_FIGURES
        return has_days or chosen or self.is_csv or has_order

    @property
    def direction(self) -> Literal["asc", "desc"]:
        """Return the order, by default the usual one of the field."""
        return self.order or ("asc" if self.sort == "tiktok_handle" else "desc")

    @property
    def bound(self) -> dict[str, Any]:
        """Return what a cursor of the list is bound to."""
        own = {name: getattr(self, name) for name in self.__struct_fields__}
        del own["filter"], own["is_csv"]
        return {**asdict(self.filter), **own}


def provide_creator_list(
    project_id: FromQuery[UUID | None] = None,
    search: Annotated[
        str | None,
        QueryParameter(
            max_length=100,
            description="A part of a handle, a display name or a tag, in upper or "
            "lower case.",
        ),
    ] = None,
    tag: TagFilter = None,
    status: Annotated[
        str,
        QueryParameter(
            description="One or more of active, disabled, removed and erased, "
            "separated by commas, or all."
        ),
    ] = _DEFAULT_STATUSES,
    failing: Annotated[  # noqa: FBT002
        bool,
        QueryParameter(description="Show only creators whose last scrape failed."),
    ] = False,
    connected: Annotated[
        bool | None,
        QueryParameter(
            description="Show only creators whose own account is connected, or "
            "with false only creators whose account is not."
        ),
    ] = None,
    tiktok_handles: Annotated[
        str | None,
        QueryParameter(
            description=f"Show only creators with one of these handles: 1 to "
            f"{MAX_LIMIT} handles, separated by commas."
        ),
    ] = None,
    sort: Annotated[
        CreatorListSort,
        QueryParameter(
            description="The field to sort by. follower_count is the newest count, "
            "and followers is the count at the end of the days. With "
            "figures, unknown ones come last."
        ),
    ] = "created_at",
    order: Annotated[
        Literal["asc", "desc"] | None,
        QueryParameter(
            description="The order of the rows: desc puts the largest value first, "
            "which is the default except for handles."
        ),
    ] = None,
    period: ListPeriod = None,
    from_: FromParameter = None,
    to: ToParameter = None,
    until: UntilParameter = None,
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
    stopped_posting: Annotated[
        bool | None,
        QueryParameter(
            description="Show only creators who stopped posting, or with false only "
            "the others: no post came for more than 7 days, and for longer than twice "
            "the median time between their posts. Nobody stops while disabled, "
            "after the last day of tracking, or in an archived project."
        ),
    ] = None,
    disabled_reason: Annotated[
        str | None,
        QueryParameter(
            max_length=200,
            description="Show only creators that are disabled for one of these "
            "reasons, separated by commas: by_hand, duplicate_account, or an outcome "
            "of scrapes.",
        ),
    ] = None,
    format_: ListFormat = "json",
) -> CreatorListParameters:
    """Read the parameters.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
    """
    check_period(period, from_, to)
    ids = creator_ids and ids_between_commas(
        "creator_ids", creator_ids, at_most=MAX_LIMIT
    )
    return CreatorListParameters(
        filter=CreatorFilter(
            project_id=project_id,
            search=_search_term(search),
            statuses=_STATUSES
            if status == "all"
            else several_of("status", status, _STATUSES, otherwise="all, or "),
            is_failing=failing,
            is_connected=connected,
            tag_keys=tag_filter(tag),
            handles=() if tiktok_handles is None else _handles(tiktok_handles),
            disabled_reasons=()
            if disabled_reason is None
            else several_of("disabled_reason", disabled_reason, _DISABLED_REASONS),
        ),
        sort=sort,
        order=order,
        period=period,
        first=from_,
        last=to,
        until=until,
        health=() if health is None else several_of("health", health, _HEALTH),
        ids=tuple(ids) if ids else None,
        campaign_id=campaign_id,
        stopped_posting=stopped_posting,
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


def _handles(text: str) -> tuple[str, ...]:
    """Return the handles as they are stored, each once."""
    texts = text.split(",")
    if len(texts) > MAX_LIMIT:
        raise invalid_query("tiktok_handles", f"must be at most {MAX_LIMIT} handles")
    try:
        return tuple(dict.fromkeys(normalize_handle(one) for one in texts))
    except InvalidHandleError:
        message = "must be handles with commas between"
        raise invalid_query("tiktok_handles", message) from None


def _search_term(text: str | None) -> str | None:
    return folded(folded(text or "").removeprefix("@")) or None
