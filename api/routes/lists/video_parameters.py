"""The parameters of GET /videos: filters, order, and days of figures."""

from datetime import date
from typing import Annotated, Literal, get_args
from uuid import UUID

from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from api.http.query import invalid_query, several_of
from api.routes.aggregate.parameters import ListFormat, PostedFrom, PostedTo
from api.routes.analytics.parameters import check_days, check_period
from api.routes.lists.days import (
    FromParameter,
    ListPeriod,
    ToParameter,
)
from api.routes.tags import TagFilter, tag_filter
from domain.analytics.periods import NamedPeriod
from domain.events import TrackingStatus
from domain.video.attributes import hashtag_keys
from projections.videos.sort_sql import SortOrder, VideoSort

NewFigure = Literal["new_views", "new_likes", "new_comments", "new_shares", "new_saves"]
VideoListSort = VideoSort | NewFigure
NEW_FIGURES: tuple[NewFigure, ...] = get_args(NewFigure)

_LISTED: tuple[TrackingStatus, ...] = (
    "auto_tracked",
    "pending_review",
    "included",
    "direct_add",
    "out_of_window",
)
_DEFAULT_STATUSES = "auto_tracked,pending_review,included,direct_add"


class VideoListParameters(Struct, frozen=True, kw_only=True):
    """The filters and the order of a list of videos, and the days of its figures."""

    project_id: UUID | None
    creator_id: UUID | None
    campaign_id: UUID | None
    statuses: tuple[TrackingStatus, ...]
    search: str | None
    tag_keys: tuple[str, ...]
    hashtag_keys: tuple[str, ...]
    sound_id: str | None
    posted_from: date | None
    posted_to: date | None
    sort: VideoListSort
    order: SortOrder
    period: NamedPeriod | None
    first: date | None
    last: date | None
    is_csv: bool

    @property
    def asks_for_figures(self) -> bool:
        """Return whether the answer has figures over some days."""
        has_days = bool(self.period or self.first or self.last)
        return has_days or self.is_csv or self.sort in NEW_FIGURES

    @property
    def needs_zone(self) -> bool:
        """Return whether the days begin and end at the organization's midnights."""
        return self.asks_for_figures or bool(self.posted_from or self.posted_to)


def provide_video_list(
    project_id: FromQuery[UUID | None] = None,
    creator_id: FromQuery[UUID | None] = None,
    campaign_id: Annotated[
        UUID | None,
        QueryParameter(
            description="Show only what counts in this campaign or in "
            "campaigns below it."
        ),
    ] = None,
    tracking_status: Annotated[
        str,
        QueryParameter(
            description="One or more of auto_tracked, pending_review, included, "
            "direct_add and out_of_window, separated by commas. Excluded "
            "videos are never listed."
        ),
    ] = _DEFAULT_STATUSES,
    search: Annotated[
        str | None,
        QueryParameter(
            max_length=100, description="A part of the title, in upper or lower case."
        ),
    ] = None,
    tag: TagFilter = None,
    hashtag: Annotated[
        str | None,
        QueryParameter(
            max_length=1_000,
            description="Hashtags separated by commas, with or without #, in upper or "
            "lower case. A video must have all of them.",
        ),
    ] = None,
    sound_id: Annotated[
        str | None,
        QueryParameter(max_length=500, description="TikTok's id of the sound."),
    ] = None,
    posted_from: PostedFrom = None,
    posted_to: PostedTo = None,
    sort: Annotated[
        VideoListSort,
        QueryParameter(
            description="The field to sort by. engagement_rate is likes, comments, "
            "shares and saves per view; new_views and the like belong to "
            "the days. Unknown values come last."
        ),
    ] = "created_at",
    order: Annotated[
        SortOrder,
        QueryParameter(
            description="The order of the rows: desc puts the largest value first."
        ),
    ] = "desc",
    period: ListPeriod = None,
    from_: FromParameter = None,
    to: ToParameter = None,
    format_: ListFormat = "json",
) -> VideoListParameters:
    """Read the parameters.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
    """
    check_period(period, from_, to)
    check_days({"posted_from": posted_from, "posted_to": posted_to})
    if posted_from and posted_to and posted_from > posted_to:
        message = f"must not be after posted_to, which is {posted_to}"
        raise invalid_query("posted_from", message)
    return VideoListParameters(
        project_id=project_id,
        creator_id=creator_id,
        campaign_id=campaign_id,
        statuses=_statuses(tracking_status),
        search=(search or "").strip() or None,
        tag_keys=tag_filter(tag),
        hashtag_keys=tuple(hashtag_keys((hashtag or "").split(","))),
        sound_id=(sound_id or "").strip() or None,
        posted_from=posted_from,
        posted_to=posted_to,
        sort=sort,
        order=order,
        period=period,
        first=from_,
        last=to,
        is_csv=format_ == "csv",
    )


def _statuses(text: str) -> tuple[TrackingStatus, ...]:
    if "excluded" in text.split(","):
        raise invalid_query("tracking_status", "excluded videos are never listed")
    return several_of("tracking_status", text, _LISTED)
