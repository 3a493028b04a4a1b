"""The list: a creator's videos, page by page, in the way that yt-dlp requests them.

yt-dlp knows the address, its parameters and the way to the next page. All of these
change with TikTok, and many people keep yt-dlp up to date. It does nothing else here:
our own session sends its requests, we judge and read the answers, and yt-dlp gets only
the data that it needs to continue.
"""

import io
import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlsplit

from msgspec import Struct
from yt_dlp import YoutubeDL
from yt_dlp.extractor.tiktok import (  # pyright: ignore[reportMissingTypeStubs]
    TikTokUserIE,
)
from yt_dlp.globals import all_plugins_loaded
from yt_dlp.networking import Request, Response
from yt_dlp.utils import ExtractorError

from domain.scrape.observations import VideoObservation
from domain.scrape.turns import WHOLE_LIST, ListTurn, OlderVideos
from domain.scrape.verdicts import (
    Blocked,
    Failure,
    SchemaChanged,
    Transient,
)
from infra.http_out.refusals import RefusedError, SpentError
from workers.sources.providers.web.course import IN_TURN, ListCourse
from workers.sources.providers.web.listed import VideoListPage, read_list
from workers.sources.providers.web.session import TikTokSession

_PATH = "/api/creator/item_list/"
# After this many pages without a new video, the list repeats itself.
_MOST_OLD_PAGES = 3
_NO_VIDEOS: Mapping[str, datetime] = MappingProxyType({})

# Plug-ins are unknown code in a user's home directory. Telling yt-dlp that they are
# loaded already is its way to disable them.
all_plugins_loaded.value = True


class VideoList(Struct, frozen=True, kw_only=True):
    """Videos that were listed, by id.

    ``partial_because`` says why the list is not complete, None if it is. ``cut_by`` is
    the source's failure, None if it did not fail. ``older`` are the older videos in it,
    and ``missed`` the expected ones that it did not show where they belong.
    """

    videos: dict[str, VideoObservation]
    partial_because: str | None = None
    cut_by: Failure | None = None
    older: OlderVideos | None = None
    missed: tuple[str, ...] = ()


class _Quiet:
    """Receives yt-dlp's messages, which add nothing to a verdict."""

    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


class _InCirclesError(Exception):
    """The list sends the same pages again."""


# yt-dlp's type stubs leave out its extractors.
_TikTokUserIE: Any = TikTokUserIE


class _UserVideosIE(_TikTokUserIE):
    """yt-dlp's extractor, without the profile page, and for secUids of any length."""

    _VALID_URL = r"tiktokuser:(?P<id>MS4wLjABAAAA[\w-]{43,64})$"

    def _real_extract(self, url: str) -> dict[str, Any]:
        sec_uid = self._match_id(url)
        return self.playlist_result(self._entries(sec_uid, None), sec_uid)


class Gate(YoutubeDL):
    """Gives yt-dlp pages of the list that our own session has read, and nothing else.

    It does not give the page for embedding either, where yt-dlp looks for missing
    values, because that page asks robots to stay away.
    """

    def __init__(
        self, session: TikTokSession, *, author_id: str, course: ListCourse
    ) -> None:
        options: Any = {
            "quiet": True,
            "logger": _Quiet(),
            "cachedir": False,
            "extract_flat": True,
            "skip_download": True,
            "extractor_retries": 1,
        }
        super().__init__(options, auto_init=False)
        self.videos: dict[str, VideoObservation] = {}
        self._session = session
        self._author_id = author_id
        self._course = course
        self._old_pages = 0

    def urlopen(self, req: object) -> Response:
        url = cast("Request", req).url
        address = urlsplit(url)
        if address.path != _PATH:
            raise RefusedError(SchemaChanged("yt-dlp asks for what is not the list."))
        page = self._page(address.query)
        old = bool(page.videos) and all(v in self.videos for v in page.videos)
        self._old_pages = self._old_pages + 1 if old else 0
        if self._old_pages >= _MOST_OLD_PAGES:
            raise _InCirclesError
        self.videos = {**page.videos, **self.videos}
        shown = json.dumps(self._course.after(page).as_shown()).encode()
        return Response(io.BytesIO(shown), url, {"Content-Type": "application/json"})

    def _page(self, query: str) -> VideoListPage:
        try:
            return self._read(query)
        except RefusedError as refused:
            # An empty body is common, and the next try often has content.
            if isinstance(refused, SpentError) or not isinstance(
                refused.verdict, Transient
            ):
                raise
        return self._read(query)

    def _read(self, query: str) -> VideoListPage:
        body = self._session.read(_PATH, query=query).body
        return read_list(body, author_id=self._author_id)


def list_videos(
    session: TikTokSession,
    *,
    sec_uid: str,
    author_id: str,
    expected: int | None,
    turn: ListTurn = WHOLE_LIST,
    counted: Mapping[str, datetime] = _NO_VIDEOS,
) -> VideoList:
    """Return the videos that ``author_id`` posted, newest first after pinned ones.

    They are the videos whose turn it is, or those that were listed before a page was
    refused or a limit of the session was reached; ``expected`` is the profile's count.
    There is at least one, because only accounts with videos are listed.

    Raises:
        RefusedError: the first page of the list was refused, or it has no videos.
    """
    partial_because: str | None = None
    cut_by: Failure | None = None
    course = ListCourse(turn)
    with Gate(session, author_id=author_id, course=course) as gate:
        gate.add_info_extractor(_UserVideosIE())
        found: dict[str, VideoObservation] = {}
        try:
            listing: Any = gate.extract_info(
                f"tiktokuser:{sec_uid}", download=False, process=False
            )
            for entry in listing["entries"]:
                found[entry["id"]] = gate.videos[entry["id"]]
        except RefusedError as refused:
            if not found:
                raise
            partial_because, cut_by = refused.verdict.detail, refused.failure
        except (ExtractorError, _InCirclesError):
            # yt-dlp does not check this. A list that wrongly says that there is more
            # also repeats itself, after it has sent everything.
            if expected is None or len(found) < expected:
                partial_because = "TikTok sends the same page of the list again."
                cut_by = Blocked(partial_because)
    if not found:
        raise RefusedError(
            cut_by or Blocked("TikTok sent an empty list of an account's videos.")
        )
    if partial_because is not None:
        return VideoList(
            videos=found,
            partial_because=partial_because,
            cut_by=cut_by,
            older=course.older,
        )
    return VideoList(
        videos=found,
        partial_because=None if course.is_whole else IN_TURN,
        older=OlderVideos() if course.older and course.is_whole else course.older,
        missed=course.missed(counted, shown=found),
    )
