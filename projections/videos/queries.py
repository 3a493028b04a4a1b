"""videos as clients read them: one video, the list, and a project's inbox."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.events import TrackingStatus, VideoKind
from domain.video.url import video_url
from projections.engine.reader import Reader
from projections.videos.latest_counts import FiguresRow
from projections.videos.projection import VideoRow
from projections.videos.sort_sql import (
    Order,
    Shape,
    Sort,
    engagement_rate,
    of_a_creator,
)


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """A TikTok post in a project. Counts are null where no scrape ever said them.

    ``tracking_status`` says how it came in and what was decided; it counts while that
    is auto_tracked, included or direct_add and ``tracking_enabled`` is true. A video
    that was added by its URL has no creator until a run lists it. Figures are those of
    ``last_scraped_at``. ``missing_since`` says since when TikTok does not know it;
    absence from one list is not deletion. ``thumbnail_url`` is always null for now.
    """

    id: UUID
    project_id: UUID
    creator_id: UUID | None
    tiktok_video_id: str
    url: str
    title: str | None
    kind: VideoKind | None
    description: str | None
    readme: str | None
    metadata: msgspec.Raw
    thumbnail_url: str | None
    posted_at: datetime | None
    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    tracking_status: TrackingStatus
    tracking_enabled: bool
    first_seen_at: datetime
    last_scraped_at: datetime | None
    missing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which videos, in which order, and after which one.

    Other sorts than by creation are of one creator's videos. ``after`` is the sort
    value and the id of the last row of the page before.
    """

    organization_id: UUID
    statuses: tuple[TrackingStatus, ...]
    project_id: UUID | None = None
    creator_id: UUID | None = None
    sort: Sort = "created_at"
    order: Order = "desc"
    limit: int = 50
    after: tuple[Any, UUID] | None = None


_OF_VIDEO = VideoRow.__struct_fields__
_OF_FIGURES = FiguresRow.__struct_fields__
_COLUMNS = ", ".join(
    [
        *(f"v.{name}" for name in _OF_VIDEO if name != "metadata"),
        "v.metadata::text",
        *(f"f.{name}" for name in _OF_FIGURES),
    ]
)
_NAMES = [name for name in _OF_VIDEO if name != "metadata"]
_FIGURES = """
LEFT JOIN video_figures f
    ON f.organization_id = %(organization)s AND f.id = v.id
"""
_ONE = f"""
SELECT {_COLUMNS} FROM videos v {_FIGURES}
WHERE v.organization_id = %(organization)s AND v.id = %(id)s
    AND v.tracking_status <> 'excluded'
""".encode()


async def one_video(
    reader: Reader, organization_id: UUID, video_id: UUID
) -> Video | None:
    """Return one video of an organization, None if it has no such or excluded it."""
    asked = {"organization": organization_id, "id": video_id}
    rows = await reader.rows(organization_id, _ONE, asked)
    return _video(rows[0]) if rows else None


async def page_of_videos(reader: Reader, wanted: Wanted) -> list[Video]:
    """Return up to ``limit`` videos, newest first unless sorted otherwise."""
    shape = Shape(
        statuses=len(wanted.statuses),
        has_project=wanted.project_id is not None,
        sort=wanted.sort,
        order=wanted.order,
        has_after=wanted.after is not None,
    )
    has_creator = wanted.creator_id is not None
    value, last_id = wanted.after or (None, None)
    asked = {
        "organization": wanted.organization_id,
        "project": wanted.project_id,
        "creator": wanted.creator_id,
        "value": value,
        "last_id": last_id,
        "limit": wanted.limit,
        **{f"status{n}": status for n, status in enumerate(wanted.statuses)},
    }
    query = (
        _list(shape, has_creator=has_creator)
        if wanted.sort == "created_at"
        else _sorted(shape)
    )
    rows = await reader.rows(wanted.organization_id, query, asked)
    return [_video(row) for row in rows]


def sort_value(video: Video, sort: Sort) -> Any:  # noqa: ANN401 - as the sort has it
    """Return what a video's place in the order follows from; None if unknown."""
    if sort != "engagement_rate":
        return getattr(video, sort)
    return engagement_rate(
        view_count=video.view_count,
        like_count=video.like_count,
        comment_count=video.comment_count,
        share_count=video.share_count,
        save_count=video.save_count,
    )


def shown(
    row: VideoRow, figures: FiguresRow | None, *, metadata: msgspec.Raw | None = None
) -> Video:
    """Return a row and what was seen of the video, as clients read them.

    ``metadata`` is the row's as it was written, where that is at hand.
    """
    kind: Any = (figures and figures.kind) or row.kind
    title = figures.title if figures else None
    since = row.missing_since
    if since is not None and figures is not None and figures.observed_at > since:
        since = None
    return Video(
        id=row.id,
        project_id=row.project_id,
        creator_id=row.creator_id,
        tiktok_video_id=row.tiktok_video_id,
        url=video_url(
            handle=row.tiktok_handle, kind=kind, tiktok_video_id=row.tiktok_video_id
        ),
        title=row.title if title is None else title,
        kind=kind,
        description=row.description,
        readme=row.readme,
        metadata=metadata or msgspec.Raw(msgspec.json.encode(row.metadata)),
        thumbnail_url=None,
        posted_at=(figures and figures.posted_at) or row.posted_at,
        view_count=figures and figures.view_count,
        like_count=figures and figures.like_count,
        comment_count=figures and figures.comment_count,
        share_count=figures and figures.share_count,
        save_count=figures and figures.save_count,
        tracking_status=row.tracking_status,
        tracking_enabled=row.tracking_enabled,
        first_seen_at=min(figures.first_seen_at, row.created_at)
        if figures
        else row.created_at,
        last_scraped_at=figures and figures.observed_at,
        missing_since=since,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@cache
def _list(shape: Shape, *, has_creator: bool) -> bytes:
    beyond = "<" if shape.order == "desc" else ">"
    conditions = ["organization_id = %(organization)s"]
    if shape.has_project:
        conditions.append("project_id = %(project)s")
    if has_creator:
        conditions.append("creator_id = %(creator)s")
    if shape.has_after:
        conditions.append(
            f"(created_at, id) {beyond} (%(value)s::timestamptz, %(last_id)s)"
        )
    where = " AND ".join(conditions)
    order = f"ORDER BY created_at {shape.order}, id {shape.order} LIMIT %(limit)s"
    # The first rows of each status, each read in order from its index.
    heads = " UNION ALL ".join(
        f"(SELECT * FROM videos WHERE {where} "
        f"AND tracking_status = %(status{n})s {order})"
        for n in range(shape.statuses)
    )
    page = f"SELECT * FROM ({heads}) AS heads {order}"
    return (
        f"SELECT {_COLUMNS} FROM ({page}) AS v {_FIGURES} "
        f"ORDER BY v.created_at {shape.order}, v.id {shape.order}"
    ).encode()


@cache
def _sorted(shape: Shape) -> bytes:
    # Rows are fetched when it is known which: notes may be long.
    return (
        f"SELECT {_COLUMNS} FROM ({of_a_creator(shape)}) AS page "
        "JOIN videos v ON v.organization_id = %(organization)s AND v.id = one "
        f"{_FIGURES} ORDER BY key {shape.order}, one {shape.order}"
    ).encode()


def _video(row: TupleRow) -> Video:
    of_video, metadata, of_figures = (
        row[: len(_NAMES)],
        row[len(_NAMES)],
        row[len(_NAMES) + 1 :],
    )
    values: dict[str, Any] = dict(zip(_NAMES, of_video, strict=True))
    seen: dict[str, Any] = dict(zip(_OF_FIGURES, of_figures, strict=True))
    return shown(
        VideoRow(**values, metadata={}),
        None if seen["id"] is None else FiguresRow(**seen),
        metadata=msgspec.Raw(metadata),
    )
