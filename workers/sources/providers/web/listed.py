"""Reads one page of the video list, or returns why there is none."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    SchemaChanged,
    Transient,
)
from infra.http_out.refusals import RefusedError
from workers.sources.shapes.codes import refusal_of_list_code
from workers.sources.shapes.json_values import code_of, decode, items_of, within
from workers.sources.shapes.web import own_videos


class VideoListPage(Struct, frozen=True, kw_only=True):
    """The creator's own videos on a page, by id, and whether there are older ones.

    ``next_at`` is the time of posting below which the next page begins, if it is not
    that of the last video.
    """

    videos: dict[str, VideoObservation]
    has_more: bool
    next_at: datetime | None = None

    @property
    def until(self) -> datetime | None:
        """The time of posting of the last video; None if the page has none."""
        return next((v.posted_at for v in reversed(self.videos.values())), None)

    def ending(self) -> "VideoListPage":
        """Return the page as if it were the last one."""
        return replace(self, has_more=False)

    def continued_at(self, next_at: datetime) -> "VideoListPage":
        """Return the page as if its last video had been posted then."""
        return replace(self, next_at=next_at)

    def as_shown(self) -> dict[str, Any]:
        """Return the page in TikTok's shape, with only the fields for the next page.

        Times are numbers here. TikTok's are sometimes texts, which stop yt-dlp.
        """
        items: list[dict[str, Any]] = [
            {
                "id": video.tiktok_video_id,
                "createTime": int(video.posted_at.timestamp()),
            }
            if video.posted_at
            else {"id": video.tiktok_video_id}
            for video in self.videos.values()
        ]
        if self.next_at is not None and items:
            # yt-dlp continues from the last one.
            items[-1]["createTime"] = int(self.next_at.timestamp())
        return {"itemList": items, "hasMorePrevious": self.has_more}


def read_list(body: bytes, *, author_id: str) -> VideoListPage:
    """Return the videos of ``author_id`` in an answer of the list.

    Raises:
        RefusedError: the answer has none; the verdict has the reason.
    """
    page = _object_in(body)
    for name in ("statusCode", "status_code"):
        if code := code_of(within(page, name)):
            raise RefusedError(refusal_of_list_code(code))
    items = items_of(within(page, "itemList"))
    has_more = within(page, "hasMorePrevious")
    # A page without videos must at least say whether there are more.
    if not items and not isinstance(has_more, bool):
        raise RefusedError(SchemaChanged("The list is in a shape that is not known."))
    videos = own_videos(items, author_id=author_id)
    if items and not videos:
        raise RefusedError(
            SchemaChanged("The list shows none of the creator's videos.")
        )
    return VideoListPage(videos=videos, has_more=has_more is True)


def _object_in(body: bytes) -> object:
    text = body.strip()
    if not text:
        raise RefusedError(Transient("TikTok sent an empty list."))
    if text.startswith(b"<"):
        raise RefusedError(Blocked("TikTok sent a page in place of the list."))
    page = decode(text)
    if isinstance(page, dict):
        return page  # pyright: ignore[reportUnknownVariableType]
    if text.startswith(b"{") and not text.endswith(b"}"):
        raise RefusedError(Transient("The list was cut off."))
    raise RefusedError(SchemaChanged("The list is not JSON."))
