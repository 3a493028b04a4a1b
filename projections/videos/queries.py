"""Queries of videos: one video, the list, and a project's inbox."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.events import TrackingStatus, VideoKind
from domain.video.attributes import ATTRIBUTES
from domain.video.url import video_url
from infra.eventstore.sealing import ERASED
from infra.structs import JsonObject
from projections.engine.reader import Reader
from projections.videos.attributes import VideoAttributesRow, VideoSound
from projections.videos.filter import VideoFilter
from projections.videos.latest_counts import COUNTS, VideoFiguresRow
from projections.videos.projection import VideoRow
from projections.videos.sort_sql import (
    SortOrder,
    VideoQueryVariant,
    VideoSort,
    engagement_rate,
    sorted_ids,
)


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """A TikTok post in a project. Counts are null if no scrape ever had them.

    ``tracking_status`` says how the video came into the project and what was decided.
    The video counts while its status is auto_tracked, included or direct_add and
    ``tracking_enabled`` is true. A video that was added by its URL has no creator until
    a run lists it. Each count is the newest known one. ``posted_at`` is the first time
    that a source gave. ``missing_since`` is the time since which TikTok does not have
    the video; a video that one list leaves out is not missing. ``thumbnail_url`` is the
    last address of its picture on TikTok; such addresses end after some days.
    ``duration_s`` is the length in seconds. ``hashtags`` have no ``#``, ``mentions`` no
    ``@``. ``is_ad``, ``is_pinned`` and ``is_private`` are TikTok's statements about the
    post, and ``language`` is TikTok's code of the language of the text. A value that no
    source had is null.
    """

    # Scrapes change these fields without a new version.
    FIGURE_FIELDS: ClassVar = (
        *("url", "title", "kind", "thumbnail_url", "posted_at", "view_count"),
        *("like_count", "comment_count", "share_count", "save_count"),
        *("first_seen_at", "last_scraped_at", "missing_since"),
        *("duration_s", "sound", "hashtags", "mentions"),
        *("is_ad", "is_pinned", "is_private", "language"),
    )

    id: UUID
    project_id: UUID
    creator_id: UUID | None
    tiktok_video_id: str
    url: str
    title: str | None
    kind: VideoKind | None
    description: str | None
    readme: str | None
    metadata: JsonObject
    tags: list[str]
    thumbnail_url: str | None
    posted_at: datetime | None
    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    duration_s: int | None
    sound: VideoSound | None
    hashtags: list[str] | None
    mentions: list[str] | None
    is_ad: bool | None
    is_pinned: bool | None
    is_private: bool | None
    language: str | None
    tracking_status: TrackingStatus
    tracking_enabled: bool
    first_seen_at: datetime
    last_scraped_at: datetime | None
    missing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def is_erased(self) -> bool:
        """Return whether the video is of a person who was erased."""
        return self.tiktok_video_id == ERASED


class VideoQuery(VideoFilter, frozen=True, kw_only=True):
    """The videos to return, their order, and the start of the page.

    ``after`` is the sort value and the id of the last row of the previous page.
    ``limit`` is None for all videos.
    """

    sort: VideoSort = "created_at"
    order: SortOrder = "desc"
    limit: int | None = 50
    after: tuple[Any, UUID] | None = None


_OF_VIDEO = VideoRow.__struct_fields__
_OF_FIGURES = VideoFiguresRow.__struct_fields__
_OF_ATTRIBUTES = VideoAttributesRow.__struct_fields__
_COLUMNS = ", ".join(
    [
        *(f"v.{name}" for name in _OF_VIDEO if name != "metadata"),
        "v.metadata::text",
        *(f"f.{name}" for name in _OF_FIGURES),
        *(f"a.{name}" for name in _OF_ATTRIBUTES),
    ]
)
_NAMES = [name for name in _OF_VIDEO if name != "metadata"]
_FIGURES = """
LEFT JOIN video_figures f
    ON f.organization_id = %(organization)s AND f.id = v.id
LEFT JOIN video_attributes a
    ON a.organization_id = %(organization)s AND a.id = v.id
"""
_ONE = f"""
SELECT {_COLUMNS} FROM videos v {_FIGURES}
WHERE v.organization_id = %(organization)s AND v.id = %(id)s
    AND v.tracking_status NOT IN ('excluded', 'merged')
""".encode()
_THESE = f"""
SELECT {_COLUMNS} FROM videos v {_FIGURES}
WHERE v.organization_id = %(organization)s AND v.id = ANY(%(ids)s)
    AND v.tracking_status NOT IN ('excluded', 'merged')
""".encode()


async def one_video(
    reader: Reader, organization_id: UUID, video_id: UUID
) -> Video | None:
    """Return one video of an organization; None if there is none or it is excluded."""
    params = {"organization": organization_id, "id": video_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return _video(rows[0]) if rows else None


async def videos_by_id(
    reader: Reader, organization_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Video]:
    """Return these videos of an organization, without excluded ones."""
    params = {"organization": organization_id, "ids": list(ids)}
    rows = await reader.rows(organization_id, _THESE, params)
    return {video.id: video for video in map(_video, rows)}


async def page_of_videos(reader: Reader, query: VideoQuery) -> list[Video]:
    """Return up to ``limit`` videos, newest first unless sorted otherwise."""
    value, last_id = query.after or (None, None)
    params = {
        **query.parameters,
        "value": value,
        "last_id": last_id,
        "limit": query.limit,
        **{f"status{n}": status for n, status in enumerate(query.statuses)},
    }
    if query.sort == "created_at" and not query.needs_figures:
        sql = _list(
            len(query.statuses),
            query.order,
            has_project=query.project_id is not None,
            has_creator=query.creator_id is not None,
            has_after=query.after is not None,
        )
    else:
        sql = _sorted(
            VideoQueryVariant(
                conditions=query.conditions,
                sort=query.sort,
                order=query.order,
                has_after=query.after is not None,
            )
        )
    rows = await reader.rows(query.organization_id, sql, params)
    return [_video(row) for row in rows]


def video_sort_value(video: Video, sort: VideoSort) -> Any:  # noqa: ANN401 - as the sort has it
    """Return the value by which a video is sorted; None if unknown."""
    if sort != "engagement_rate":
        return getattr(video, sort)
    return engagement_rate(
        view_count=video.view_count,
        like_count=video.like_count,
        comment_count=video.comment_count,
        share_count=video.share_count,
        save_count=video.save_count,
    )


def video_from_row(
    row: VideoRow,
    figures: VideoFiguresRow | None,
    attributes: VideoAttributesRow | None,
    *,
    metadata: msgspec.Raw | None = None,
) -> Video:
    """Return a video for clients, from its row, its figures and its attributes.

    ``metadata`` is the row's as JSON text, if the caller has it.
    """
    kind: Any = (figures and figures.kind) or row.kind
    title = figures.title if figures else None
    since = row.missing_since
    if since is not None and figures is not None and figures.observed_at > since:
        since = None
    same: dict[str, Any] = {name: getattr(row, name) for name in _SAME_FIELDS}
    counts: dict[str, Any] = {name: getattr(figures, name, None) for name in COUNTS}
    stated: dict[str, Any] = {
        name: getattr(attributes, name, None) for name in ATTRIBUTES
    }
    return Video(
        **same,
        **counts,
        **stated,
        url=video_url(
            handle=row.tiktok_handle, kind=kind, tiktok_video_id=row.tiktok_video_id
        ),
        title=row.title if title is None else title,
        kind=kind,
        metadata=metadata or msgspec.Raw(msgspec.json.encode(row.metadata)),
        thumbnail_url=figures and figures.thumbnail_url,
        posted_at=row.posted_at or (figures and figures.posted_at),
        first_seen_at=min(figures.first_seen_at, row.created_at)
        if figures
        else row.created_at,
        last_scraped_at=figures and figures.observed_at,
        missing_since=since,
    )


_SAME_FIELDS = [
    name
    for name in Video.__struct_fields__
    if name in _OF_VIDEO
    and name not in {"title", "kind", "metadata", "posted_at", "missing_since"}
]


@cache
def _list(
    statuses: int,
    way: SortOrder,
    *,
    has_project: bool,
    has_creator: bool,
    has_after: bool,
) -> bytes:
    beyond = "<" if way == "desc" else ">"
    conditions = ["organization_id = %(organization)s"]
    if has_project:
        conditions.append("project_id = %(project)s")
    if has_creator:
        conditions.append("creator_id = %(creator)s")
    if has_after:
        conditions.append(
            f"(created_at, id) {beyond} (%(value)s::timestamptz, %(last_id)s)"
        )
    where = " AND ".join(conditions)
    order = f"ORDER BY created_at {way}, id {way} LIMIT %(limit)s"
    # The first rows of each status are read in order from its index.
    heads = " UNION ALL ".join(
        f"(SELECT * FROM videos WHERE {where} "
        f"AND tracking_status = %(status{n})s {order})"
        for n in range(statuses)
    )
    page = f"SELECT * FROM ({heads}) AS heads {order}"
    return (
        f"SELECT {_COLUMNS} FROM ({page}) AS v {_FIGURES} "
        f"ORDER BY v.created_at {way}, v.id {way}"
    ).encode()


@cache
def _sorted(variant: VideoQueryVariant) -> bytes:
    # Rows are fetched once the page is known, because notes may be long.
    return (
        f"SELECT {_COLUMNS} FROM ({sorted_ids(variant)}) AS page "
        "JOIN videos v ON v.organization_id = %(organization)s AND v.id = one "
        f"{_FIGURES} ORDER BY key {variant.order}, one {variant.order}"
    ).encode()


def _video(row: TupleRow) -> Video:
    rest = iter(row)
    values: dict[str, Any] = {name: next(rest) for name in _NAMES}
    metadata = next(rest)
    figures: dict[str, Any] = {name: next(rest) for name in _OF_FIGURES}
    attributes: dict[str, Any] = {name: next(rest) for name in _OF_ATTRIBUTES}
    return video_from_row(
        VideoRow(**values, metadata={}),
        None if figures["id"] is None else VideoFiguresRow(**figures),
        None if attributes["id"] is None else VideoAttributesRow(**attributes),
        metadata=msgspec.Raw(metadata),
    )
