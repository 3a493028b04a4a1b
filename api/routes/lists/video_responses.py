"""Videos of a list: with their figures over some days, and as rows of CSV."""

from datetime import date, datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict

from api.http.responses import ListPage
from api.routes.aggregate.responses import csv_of
from domain.events import TrackingStatus
from infra.structs import shared_fields
from projections.analytics.queries.video_figures import FiguresOfVideo
from projections.videos.queries import Video


class ListedVideoFigures(Struct, frozen=True, kw_only=True):
    """Figures over the days; null where nothing is known, or the video doesn't count.

    The first five are levels at the end of the days, the others what came in them.
    """

    views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    saves: int | None = None
    new_views: int | None = None
    new_likes: int | None = None
    new_comments: int | None = None
    new_shares: int | None = None
    new_saves: int | None = None


class VideoWithFigures(Video, frozen=True, kw_only=True):
    """A video; with its figures over the days, if the request asks for days.

    ``tiktok_handle``, the creator's of now, comes with them.
    """

    tiktok_handle: str | UnsetType | None = UNSET
    figures: ListedVideoFigures | UnsetType = UNSET


class VideoListMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the next page begins, how long the list is, and the days of its figures."""

    next_cursor: str | None
    limit: int
    total_count: int
    first_day: date
    last_day: date
    tz: str


class _VideoRow(Struct, frozen=True, kw_only=True):
    video_id: UUID
    project_id: UUID
    creator_id: UUID | None
    tiktok_handle: str | None
    tiktok_video_id: str
    url: str
    title: str | None
    tags: str
    tracking_status: TrackingStatus
    tracking_enabled: bool
    posted_at: datetime | None
    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    new_views: int | None
    new_likes: int | None
    new_comments: int | None
    new_shares: int | None
    new_saves: int | None
    last_scraped_at: datetime | None
    created_at: datetime


class VideosAsCsv(ListPage[VideoWithFigures]):
    """All rows of the list as a CSV file."""

    sent_media_type = b"text/csv; charset=utf-8"

    def __init__(self, rows: list[VideoWithFigures]) -> None:
        super().__init__(rows, limit=len(rows), next_cursor=None)
        self._rows = rows
        self.headers["Content-Disposition"] = 'attachment; filename="videos.csv"'

    def encoded_body(self) -> bytes:
        return csv_of(_VideoRow, [_csv_row(row) for row in self._rows]).encode()


def _csv_row(row: VideoWithFigures) -> _VideoRow:
    figures = {} if row.figures is UNSET else asdict(row.figures)
    known = {**figures, **asdict(row)}
    known |= {"video_id": row.id, "tags": ",".join(row.tags)}
    return _VideoRow(**{name: known[name] for name in _VideoRow.__struct_fields__})


def listed_figures(figures: FiguresOfVideo | None) -> ListedVideoFigures:
    """Return the figures of a video, none of which are known without any."""
    if figures is None:
        return ListedVideoFigures()
    return ListedVideoFigures(**shared_fields(ListedVideoFigures, figures))
