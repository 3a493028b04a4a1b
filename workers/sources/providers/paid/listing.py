"""A service's list of a creator's videos, page by page, up to a limit of its cost."""

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    Failure,
    IdentityChanged,
    SchemaChanged,
    another_account,
)
from infra.http_out.refusals import RefusedError
from workers.sources.providers.paid.rows import SeenVideo, seen_video_of

# Each page costs money, so no list is read further than this.
MOST_PAGES = 30
# After this many pages without a new video, the list repeats itself.
_MOST_OLD_PAGES = 2
_CURSOR = re.compile(r"-?[0-9]{1,20}", re.ASCII)


class PaidPage(Struct, frozen=True, kw_only=True):
    """Rows of a list, and the cursor of the next page.

    ``has_more`` is None if the service does not say.
    """

    rows: Sequence[object]
    has_more: bool | None
    cursor: str | None


def cursor_of(value: object) -> str | None:
    """Return a cursor that may go into a query: digits, written as text or number."""
    text = str(value) if isinstance(value, int | str) else ""
    return text if _CURSOR.fullmatch(text) else None


class PaidList:
    """The videos of one creator that were listed so far, by id.

    ``partial_because`` says why the list is not complete, None if it is. ``cut_by`` is
    the service's failure, None if it did not fail.
    """

    def __init__(self, name: str, *, handle: str, user_id: str | None = None) -> None:
        self.videos: dict[str, VideoObservation] = {}
        self.partial_because: str | None = None
        self.cut_by: Failure | None = None
        self._name = name
        self._handle = handle
        self._user_id = user_id

    def read(
        self,
        page_after: Callable[[str | None], PaidPage],
        *,
        until: frozenset[str] | None = None,
    ) -> None:
        """Read page after page, to the end or until all these videos were listed.

        Videos that were listed before a page failed are kept.

        Raises:
            RefusedError: the first page was refused, or has nothing of the creator.
        """
        cursors: list[str | None] = [None]
        old_pages = 0
        while len(cursors) <= MOST_PAGES:
            try:
                page = page_after(cursors[-1])
                new = self._add(page.rows)
            except RefusedError as refused:
                if not self.videos:
                    raise
                self.partial_because = refused.verdict.detail
                self.cut_by = refused.failure
                return
            if page.has_more is False or (until and until <= self.videos.keys()):
                return
            old_pages = 0 if new else old_pages + 1
            if old_pages >= _MOST_OLD_PAGES:
                self._cut(Blocked(f"{self._name} lists the same videos again."))
                return
            if page.cursor is None or page.cursor in cursors:
                self._cut(SchemaChanged(f"{self._name} does not say what comes next."))
                return
            cursors.append(page.cursor)
        self.partial_because = f"The list has more than {MOST_PAGES} pages."

    def _cut(self, failure: Failure) -> None:
        self.partial_because, self.cut_by = failure.detail, failure

    def _add(self, rows: Sequence[object]) -> int:
        """Add the creator's own videos; return the number of new ones."""
        seen = [video for row in rows if (video := seen_video_of(row))]
        if rows and not seen:
            raise RefusedError(SchemaChanged("None of the listed videos has an id."))
        theirs = [
            video
            for video in seen
            if video.is_by(user_id=self._user_id, handle=self._handle)
        ]
        if seen and not theirs:
            raise RefusedError(self._stranger(seen[0]))
        before = len(self.videos)
        for video in theirs:
            if not video.is_withdrawn:
                self.videos.setdefault(video.video.tiktok_video_id, video.video)
        return len(self.videos) - before

    def _stranger(self, video: SeenVideo) -> SchemaChanged | IdentityChanged:
        if video.author and video.author.casefold() == self._handle:
            return another_account(
                self._handle, found=video.author_id, known=self._user_id
            )
        return SchemaChanged(f"The list shows none of @{self._handle}'s videos.")
