"""Single videos: reads each on its own page, if a list does not show it."""

import re

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    RateLimited,
)
from infra.http_out.refusals import Refusal, RefusedError, SpentError
from workers.sources.providers.web.pages import VideoPage, read_video
from workers.sources.providers.web.session import TikTokSession
from workers.sources.shapes.codes import NotShown

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
# After this many unreadable pages, the others are not tried.
_MOST_REFUSALS = 3


class VideoReading:
    """Reads some videos' pages in one session, and keeps the result of each.

    ``unread`` are the videos that failed or were not tried, and ``refusal`` is the
    first reason.
    """

    def __init__(
        self, session: TikTokSession, *, handle: str, user_id: str | None
    ) -> None:
        self.videos: list[VideoObservation] = []
        self.not_shown: list[NotShown] = []
        self.unread: list[str] = []
        self.refusal: Refusal | None = None
        self._session = session
        self._handle = handle
        self._user_id = user_id

    @property
    def missing(self) -> tuple[str, ...]:
        """The videos that are gone; those of another creator are not this one's."""
        return tuple(
            video.video_id
            for video in self.not_shown
            if video.reason != "someone_elses"
        )

    def read(self, video_ids: tuple[str, ...]) -> None:
        """Read these videos' pages until further requests make no sense."""
        waiting = list(dict.fromkeys(video_ids))
        while waiting and len(self.unread) < _MOST_REFUSALS:
            video_id = waiting.pop(0)
            try:
                self._take(video_id)
            except RefusedError as refused:
                self.refusal = self.refusal or refused.verdict
                self.unread.append(video_id)
                # A single page may be broken; these verdicts are about all pages.
                if isinstance(refused, SpentError) or isinstance(
                    refused.verdict, Blocked | RateLimited
                ):
                    break
        self.unread += waiting

    def _take(self, video_id: str) -> None:
        read = self._read(video_id)
        if isinstance(read, NotShown):
            self.not_shown.append(read)
        elif not self._is_theirs(read):
            stranger = NotShown(video_id=video_id, reason="someone_elses")
            self.not_shown.append(stranger)
        else:
            self.videos.append(read.video)

    def _read(self, video_id: str) -> VideoPage | NotShown:
        if not _ID.fullmatch(video_id):
            return NotShown(video_id=video_id, reason="missing")
        page = self._session.read(
            f"/@{self._handle}/video/{video_id}",
            may_lead_to=re.compile(rf"/@[\w.-]*/(video|photo)/{video_id}/?", re.ASCII),
        )
        photo = "/photo/" in page.path
        return read_video(page.body, video_id=video_id, photo=photo)

    def _is_theirs(self, page: VideoPage) -> bool:
        if self._user_id and page.author_id:
            return self._user_id == page.author_id
        # Without both ids, creators can only be compared by their handles.
        return page.author is None or page.author.lower() == self._handle
