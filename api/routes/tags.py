"""/tags: the tags of creators and videos."""

from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.http.reading.paging import ListRequest
from api.http.responses import ListPage
from api.http.routes import read_route
from domain.errors import InvalidTagError
from domain.tags import read_tags, tag_keys
from projections.tags import page_of_tags

TagFilter = Annotated[
    str | None,
    QueryParameter(
        max_length=900,
        description="Show only what has this tag, or all of several tags separated by "
        "commas, in upper or lower case.",
    ),
]


class TagInUse(Struct, frozen=True, kw_only=True):
    """A tag, and the number of creators and videos that have it.

    Removed creators and excluded videos are not counted. ``tag`` is the most frequent
    spelling of spellings that differ in upper and lower case only.
    """

    tag: str
    creator_count: int
    video_count: int


class TagRoutes(Controller):
    """The tags in use."""

    path = "/tags"
    tags = ("Tags",)

    @read_route("/", "listTags")
    async def list_tags(
        self,
        listing: NamedDependency[ListRequest],
        project_id: FromQuery[UUID | None] = None,
    ) -> ListPage[TagInUse]:
        """List the tags of creators and videos, from A to Z."""
        await listing.caught_up("creator_list", "videos")
        rows, next_cursor = await listing.rows(
            "tags",
            partial(
                page_of_tags,
                listing.reader,
                listing.organization_id,
                project_id=project_id,
            ),
            filters={"project_id": project_id},
            key=lambda row: (row.key,),
            after=tuple[str],
        )
        found = [
            TagInUse(
                tag=row.tag,
                creator_count=row.creator_count,
                video_count=row.video_count,
            )
            for row in rows
        ]
        return ListPage(found, limit=listing.limit, next_cursor=next_cursor)


def tag_filter(text: str | None) -> tuple[str, ...]:
    """Return the keys of the tags in a filter, sorted.

    Raises:
        ApiError: ``invalid_query``, if a value is not a valid tag.
    """
    if text is None:
        return ()
    try:
        return tuple(sorted(tag_keys(read_tags(text.split(",")))))
    except InvalidTagError as error:
        raise invalid_query("tag", error.reason) from None
