"""Videos of a list: with their figures over some days, and as rows of CSV."""

from msgspec import UNSET, Struct, UnsetType

from api.routes.lists.days import FigureListMeta
from infra.structs import shared_fields
from projections.analytics.read.videos.figures import FiguresOfVideo
from projections.videos.queries import Video


class ListedVideoFigures(Struct, frozen=True, kw_only=True):
    """Figures over the days; null where nothing is known.

    The first five fields are the video's counts at the end of the days; the others are
    gained in the days, in the project if the request names one.
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
    """A video, with figures over the days if the request has days.

    ``tiktok_handle`` is the creator's present handle and comes with the figures.
    """

    tiktok_handle: str | UnsetType | None = UNSET
    figures: ListedVideoFigures | UnsetType = UNSET


class VideoListMeta(FigureListMeta, frozen=True, kw_only=True, rename="camel"):
    """The beginning of the next page, the list's length, and its days."""


CSV_COLUMNS = (
    *("video_id", "project_id", "creator_id", "tiktok_handle", "tiktok_video_id"),
    *("url", "title", "tags", "tracking_status", "tracking_enabled", "posted_at"),
    *("view_count", "like_count", "comment_count", "share_count", "save_count"),
    *("new_views", "new_likes", "new_comments", "new_shares", "new_saves"),
    *("last_scraped_at", "created_at", "duration_s", "sound_id", "sound_title"),
    *("hashtags", "mentions", "is_ad", "is_pinned", "is_private", "language"),
)


def listed_figures(figures: FiguresOfVideo | None) -> ListedVideoFigures:
    """Return the figures of a video; all are null if nothing is known."""
    if figures is None:
        return ListedVideoFigures()
    return ListedVideoFigures(**shared_fields(ListedVideoFigures, figures))
