"""The parameters of summaries: the entity, the days and the selected videos."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct
from msgspec.structs import replace

from api.http.errors import Code
from api.http.query import invalid_query
from api.http.reading.as_of import resolve_as_of
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.routes.analytics.parameters import (
    AsOfParameter,
    From,
    PeriodParameter,
    To,
    Zone,
    check_days,
    check_retention,
    whole_range,
    zone_named,
)
from api.routes.tags import TagFilter, tag_filter
from domain.analytics.buckets import Granularity, Range, midnight
from domain.analytics.periods import NamedPeriod
from domain.errors import NotFoundError
from projections.analytics.read.explanations.basis import basis_as_of, basis_of_now
from projections.analytics.summaries.scope import ScopeKind, SummaryScope, known_scope
from projections.engine.reader import Reader

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

ProjectId = Annotated[
    UUID | None,
    QueryParameter(description="The project; required without campaign_id."),
]
CampaignId = Annotated[
    UUID | None,
    QueryParameter(description="The campaign, in place of a project."),
]
PostedFrom = Annotated[
    date | None,
    QueryParameter(description="Include only videos posted on this day or later."),
]
PostedTo = Annotated[
    date | None,
    QueryParameter(description="Include only videos posted on this day or earlier."),
]
Behind = Annotated[
    bool,
    QueryParameter(
        description="Include only campaigns that will miss a target at their present "
        "pace: its `status` is `behind_pace` or `at_risk`.",
    ),
]
RowsLimit = Annotated[
    int,
    QueryParameter(
        ge=1, le=MAX_LIMIT, description="The number of rows to return at most."
    ),
]
RowsOffset = Annotated[
    int, QueryParameter(ge=0, le=10**9, description="The number of rows to skip.")
]
_A_DAY = timedelta(days=1)
# The projections that names, titles and numbers are read from.
_READ_MODELS = ("analytics", "creator_list", "videos", "campaigns")


ListFormat = Annotated[
    Literal["json", "csv"],
    QueryParameter(
        name="format",
        description="The format: csv answers with a file of the whole list.",
    ),
]
OPTIONS: dict[str, Any] = {
    "scope": "read",
    "has_basis": True,
    "errors": [Code.NOT_FOUND, Code.RETENTION_EXCEEDED],
}


class SummaryRequest(Struct, frozen=True, kw_only=True):
    """The entity and the days of a summary.

    ``at`` is the position as of which the log is read, and ``now`` its time; None for
    all of it.
    """

    reader: Reader
    scope: SummaryScope
    days: Range
    now: datetime
    at: int | None


def no_point() -> None:
    """Read no parameter: most summaries are of now."""


def provide_point(as_of: AsOfParameter = None) -> str | None:
    """Read the parameter of summaries that can be asked about the past."""
    return as_of


async def provide_summary(
    request: Request,
    reader: NamedDependency[Reader],
    point: NamedDependency[str | None],
    project_id: ProjectId = None,
    campaign_id: CampaignId = None,
    period: PeriodParameter = None,
    from_: From = None,
    to: To = None,
    tz: Zone = None,
    posted_from: PostedFrom = None,
    posted_to: PostedTo = None,
    tag: TagFilter = None,
) -> SummaryRequest:
    """Read the parameters that all summaries share.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
        NotFoundError: the organization does not have the project or campaign.
        RetentionExceededError: the plan does not show these days any more.
    """
    kind, id_ = one_of(("project", project_id), ("campaign", campaign_id))
    tags = tag_filter(tag)
    found = await summary_of(
        request, reader, kind, id_, from_, to, tz,
        period=period, posted=(posted_from, posted_to), as_of=point,
    )  # fmt: skip
    return replace(found, scope=replace(found.scope, tags=tags))


async def summary_of(
    request: Request,
    reader: Reader,
    kind: ScopeKind,
    id_: UUID,
    first: date | None,
    last: date | None,
    tz: str | None,
    *,
    period: NamedPeriod | None = None,
    granularity: Granularity = "day",
    posted: tuple[date | None, date | None] = (None, None),
    as_of: str | None = None,
) -> SummaryRequest:
    """Return the request for a summary of an entity.

    ``posted`` has the first and the last day of posting of the selected videos.
    ``as_of`` is the time or position as of which the log is read, None for all of it.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
        NotFoundError: the organization does not have the entity.
        RetentionExceededError: the plan does not show these days any more.
    """
    zone = None if tz is None else zone_named(tz)
    posted_from, posted_to = posted
    check_days({"posted_from": posted_from, "posted_to": posted_to})
    if posted_from and posted_to and posted_from > posted_to:
        message = f"must not be after posted_to, which is {posted_to}"
        raise invalid_query("posted_from", message)
    today = datetime.now(UTC)
    organization_id = request.organization_id
    await caught_up(request, reader, *_READ_MODELS)
    then = (
        None
        if as_of is None
        else await resolve_as_of(reader, organization_id, as_of, now=today)
    )
    at, now = (then.position, then.now) if then else (None, today)
    request.context.basis, (is_there, own_zone) = await asyncio.gather(
        basis_as_of(
            reader, organization_id, kind, [id_], at=then.position, own=then.end
        )
        if then
        else basis_of_now(reader, organization_id),
        known_scope(reader, organization_id, kind, id_, at=at),
    )
    if not is_there:
        raise NotFoundError(kind)
    days = whole_range(
        first,
        last,
        period=period,
        # A named week or month is divided as such.
        granularity=None if granularity == "day" else granularity,
        zone=zone or ZoneInfo(own_zone),
        now=now,
    )
    retention = request.principal.limits.stats_history_retention_days
    check_retention(days, retention, now=today)
    return SummaryRequest(
        reader=reader,
        scope=SummaryScope(
            organization_id=organization_id,
            kind=kind,
            id=id_,
            posted_since=posted_from and midnight(posted_from, days.zone),
            posted_before=posted_to and midnight(posted_to + _A_DAY, days.zone),
        ),
        days=days,
        now=now,
        at=at,
    )


def refuse_choice_of_videos(scope: SummaryScope, whose: str) -> None:
    """Refuse days of posting for figures that include all videos.

    Raises:
        ApiError: ``invalid_query``, naming the first day of posting that the request
            has.
    """
    if scope.has_posting_days:
        name = "posted_to" if scope.posted_since is None else "posted_from"
        message = (
            f"must be left out: the figures of a {whose} include all of its counted "
            "videos"
        )
        raise invalid_query(name, message)


def one_of(*ids: tuple[ScopeKind, UUID | None]) -> tuple[ScopeKind, UUID]:
    """Return the only id in the request, with the kind of its entity.

    Raises:
        ApiError: ``invalid_query``, if the request has no id or several.
    """
    given: list[tuple[ScopeKind, UUID]] = [
        (kind, id_) for kind, id_ in ids if id_ is not None
    ]
    names = [f"{kind}_id" for kind, _ in ids]
    if not given:
        raise invalid_query(names[0], f"is required, or {' or '.join(names[1:])}")
    if len(given) > 1:
        message = f"must be left out where {given[0][0]}_id is given"
        raise invalid_query(f"{given[1][0]}_id", message)
    return given[0]
