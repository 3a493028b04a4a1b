"""The course of a list: the newest pages, then the older ones whose turn it is."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from domain.scrape.turns import NEWEST_PAGES, ListTurn, OlderVideos
from workers.sources.providers.web.listed import VideoListPage

IN_TURN = "The newest videos were read; the older ones are read in turn."

# yt-dlp goes back so far from a page without videos, and not before TikTok existed.
_STEP_BACK = timedelta(days=7)
_EARLIEST = datetime(2016, 9, 1, tzinfo=UTC)


class _Stretch(Struct, frozen=True):
    """Videos that were posted from ``since`` on and before ``before``, if not null."""

    since: datetime | None
    before: datetime | None

    def has(self, posted_at: datetime) -> bool:
        return (self.since is None or posted_at >= self.since) and (
            self.before is None or posted_at < self.before
        )


class ListCourse:
    """Decides after each page whether the list goes on, and from which time on.

    ``older`` are the older videos that were listed so far, None without any.
    ``is_whole`` is false once the list left out videos whose turn it is not.
    """

    def __init__(self, turn: ListTurn) -> None:
        self.older: OlderVideos | None = None
        self.is_whole = True
        self._turn = turn
        self._newest_pages = 0
        self._older_pages = 0
        self._newest_since: datetime | None = None
        self._older_before: datetime | None = None
        # The next page begins below this time of posting.
        self._at: datetime | None = None
        self._has_ended = False

    def after(self, page: VideoListPage) -> VideoListPage:
        """Return the page as yt-dlp gets it, which decides about the next one."""
        if self._at is None:
            return self._after_newest(page)
        return self._after_older(page, self._at)

    def missed(
        self, expected: Mapping[str, datetime], *, shown: Collection[str]
    ) -> tuple[str, ...]:
        """Return the expected videos that the list did not show where they belong."""
        stretches = self._stretches()
        return tuple(
            video_id
            for video_id, posted_at in expected.items()
            if video_id not in shown
            and any(stretch.has(posted_at) for stretch in stretches)
        )

    def _after_newest(self, page: VideoListPage) -> VideoListPage:
        if not page.has_more:
            self._has_ended = True
            return page
        until = page.until
        if until is None:
            return page
        self._newest_since = until
        self._newest_pages += 1
        if self._newest_pages < NEWEST_PAGES:
            return page
        if self._turn.older_pages == 0:
            self.is_whole = False
            return page.ending()
        older_than = self._turn.older_than
        if older_than is None or older_than >= until:
            self._older_before = self._at = until
            return page
        self.is_whole = False
        self._older_before = self._at = older_than
        return page.continued_at(older_than)

    def _after_older(self, page: VideoListPage, at: datetime) -> VideoListPage:
        most = self._turn.older_pages
        until = page.until or at - _STEP_BACK
        is_stuck = page.has_more and until >= at
        if is_stuck and most is None:
            # The reader of the list notices if it goes in circles.
            return page
        self._at = until
        self._older_pages += bool(page.videos)
        if not page.has_more or is_stuck or until < _EARLIEST:
            self.older = OlderVideos()
            self._has_ended = True
            return page.ending()
        self.older = OlderVideos(until=until)
        if most is not None and self._older_pages >= most:
            self.is_whole = False
            return page.ending()
        return page

    def _stretches(self) -> list[_Stretch]:
        if self._has_ended and self.is_whole:
            return [_Stretch(None, None)]
        stretches: list[_Stretch] = []
        if self._newest_since is not None:
            stretches.append(_Stretch(self._newest_since, None))
        if self.older is not None:
            stretches.append(_Stretch(self.older.until, self._older_before))
        return stretches
