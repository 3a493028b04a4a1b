"""The parameters of the feed, which its stream has, too."""

from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter

from api.http.access.auth import Principal
from api.http.query import invalid_query
from domain.feed.types import ALL, BY_NAME, WITHOUT_ADMIN, chosen
from projections.feed.queries import FeedFilter

_MOST_TEXT = 2_000

EventTypes = Annotated[
    str | None,
    QueryParameter(
        max_length=_MOST_TEXT,
        description="One or more types, separated by commas; all types if left out. "
        f"`{ALL}` stands for the types with `in_wildcard`. GET /event-types has them. "
        "Types about members need the scope admin, and are left out without it.",
    ),
]
OfProject = Annotated[
    UUID | None,
    QueryParameter(
        description="Include only what happened in the project. A move of a creator is "
        "in both projects."
    ),
]
OfCreator = Annotated[
    UUID | None,
    QueryParameter(
        description="Include only what happened to the creator and their videos."
    ),
]
OfCampaign = Annotated[
    UUID | None,
    QueryParameter(
        description="Include only what happened to the campaign, and to creators and "
        "videos that are in it or in campaigns below it now."
    ),
]
OfTag = Annotated[
    str | None,
    QueryParameter(
        max_length=40,
        description="Include only what happened to creators and videos that have the "
        "tag now.",
    ),
]
MinMilestone = Annotated[
    int | None,
    QueryParameter(
        ge=1, description="Leave out milestones that are smaller, and nothing else."
    ),
]


def read_types(types: str | None, principal: Principal) -> frozenset[str] | None:
    """Return the types that a parameter names and the reader may see, None for all.

    Raises:
        ApiError: ``invalid_query``, if a type is unknown or is there twice, and
            ``insufficient_scope``, if the reader may not see one that is named.
    """
    sees_all = "admin" in principal.scopes
    if types is None:
        return None if sees_all else WITHOUT_ADMIN
    names = types.split(",")
    unknown = [name for name in names if name != ALL and name not in BY_NAME]
    if unknown or len({*names}) < len(names):
        message = f"must be {ALL}, or one or more of {', '.join(BY_NAME)}, each once"
        raise invalid_query("types", message)
    if sees_all:
        return chosen(names)
    if not {*names} - {ALL} <= WITHOUT_ADMIN:
        principal.require("admin")
    return chosen(names) & WITHOUT_ADMIN


def feed_filter(
    types: str | None,
    *,
    principal: Principal,
    project_id: UUID | None,
    creator_id: UUID | None,
    campaign_id: UUID | None,
    tag: str | None,
    min_milestone: int | None,
) -> FeedFilter:
    """Return the filter that the parameters mean for a reader.

    Raises:
        ApiError: as ``read_types``.
    """
    return FeedFilter(
        types=read_types(types, principal),
        project_id=project_id,
        creator_id=creator_id,
        campaign_id=campaign_id,
        tag=tag,
        min_milestone=min_milestone,
    )
