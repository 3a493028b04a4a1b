"""Rows: the videos in a service's replies, in either of TikTok's shapes."""

from msgspec import Struct

from domain.scrape.observations import VideoObservation
from workers.sources.shapes.app import (
    app_author_of,
    app_video_in,
    app_video_of,
    is_withdrawn,
)
from workers.sources.shapes.json_values import text_of, within
from workers.sources.shapes.web import LONGEST_NAME, author_of, video_of


class SeenVideo(Struct, frozen=True, kw_only=True):
    """A video as observed, and its author's id and handle, if the row has them.

    ``is_withdrawn`` says that the video was deleted, or is not for the public.
    """

    video: VideoObservation
    author_id: str | None
    author: str | None
    is_withdrawn: bool = False

    def is_by(self, *, user_id: str | None, handle: str) -> bool:
        """Tell whether the video belongs to this account, as far as the row says."""
        if user_id and self.author_id:
            return user_id == self.author_id
        # Without both ids, creators can only be compared by their handles.
        return self.author is None or self.author.casefold() == handle


def seen_video_of(row: object) -> SeenVideo | None:
    """Return the video of a row, None if it has no id."""
    inner = app_video_in(row)
    if video := app_video_of(inner):
        author_id, author = app_author_of(inner)
        return SeenVideo(
            video=video,
            author_id=author_id,
            author=author,
            is_withdrawn=is_withdrawn(inner),
        )
    if video := video_of(row):
        name = within(row, "author", "uniqueId")
        return SeenVideo(
            video=video,
            author_id=author_of(row),
            author=text_of(name, longest=LONGEST_NAME),
        )
    return None
