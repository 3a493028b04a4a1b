"""The list: a creator's videos, page by page, the way yt-dlp knows to ask for them.

yt-dlp knows the address, its parameters and how one page leads to the next, all of
which change with TikTok and are kept up by many. It does no more than that: what it
asks for goes through our own session, what comes back is judged and read here, and it
is shown only as much as it needs to go on.
"""

import io
import json
from typing import Any, cast
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.extractor.tiktok import (  # pyright: ignore[reportMissingTypeStubs]
    TikTokUserIE,
)
from yt_dlp.globals import all_plugins_loaded
from yt_dlp.networking import Request, Response
from yt_dlp.utils import ExtractorError

from workers.provider import Blocked, SchemaChanged, Transient, VideoObservation
from workers.providers.web.listed import VideoListPage, read_list
from workers.providers.web.session import SpentError, TikTokSession
from workers.providers.web.verdicts import RefusedError

_PATH = "/api/creator/item_list/"
# So many pages in a row without anything new, and the list goes round in circles.
_MOST_OLD_PAGES = 3

# Plug-ins are anybody's code in somebody's home directory. To say that they were loaded
# already is yt-dlp's way of having none.
all_plugins_loaded.value = True


class _Quiet:
    """Takes yt-dlp's messages: they tell nothing that a verdict does not."""

    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


class _InCirclesError(Exception):
    """The list sends again what it has sent before."""


# yt-dlp has type stubs, and they leave its extractors out.
_TikTokUserIE: Any = TikTokUserIE


class _UserVideosIE(_TikTokUserIE):
    """yt-dlp's own, without the profile page, and with secUids of any length."""

    _VALID_URL = r"tiktokuser:(?P<id>MS4wLjABAAAA[\w-]{43,64})$"

    def _real_extract(self, url: str) -> dict[str, Any]:
        sec_uid = self._match_id(url)
        return self.playlist_result(self._entries(sec_uid, None), sec_uid)


class Gate(YoutubeDL):
    """Hands yt-dlp pages of the list that our own session has read, and nothing else.

    Not the page for embedding either, where it looks for what it lacks: robots are
    asked to stay away from that.
    """

    def __init__(self, session: TikTokSession, *, author_id: str) -> None:
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
        shown = json.dumps(page.as_shown()).encode()
        return Response(io.BytesIO(shown), url, {"Content-Type": "application/json"})

    def _page(self, query: str) -> VideoListPage:
        try:
            return self._read(query)
        except RefusedError as refused:
            # An empty body is common, and the next try often has it.
            if isinstance(refused, SpentError) or not isinstance(
                refused.verdict, Transient
            ):
                raise
        return self._read(query)

    def _read(self, query: str) -> VideoListPage:
        body = self._session.read(_PATH, query=query).body
        return read_list(body, author_id=self._author_id)


def list_videos(
    session: TikTokSession, *, sec_uid: str, author_id: str, expected: int | None
) -> tuple[VideoObservation, ...]:
    """Return the videos that ``author_id`` posted, the newest first after pinned ones.

    All of them, or as many as the session's limits allow; ``expected`` is how many the
    profile counts. At least one, as only accounts that have any are to be asked for.

    Raises:
        RefusedError: a page of the list was refused, or not one video is on it.
    """
    with Gate(session, author_id=author_id) as gate:
        gate.add_info_extractor(_UserVideosIE())
        found: dict[str, VideoObservation] = {}
        try:
            listing: Any = gate.extract_info(
                f"tiktokuser:{sec_uid}", download=False, process=False
            )
            for entry in listing["entries"]:
                found[entry["id"]] = gate.videos[entry["id"]]
        except SpentError:
            if not found:
                raise
        except (ExtractorError, _InCirclesError):
            # yt-dlp has no other complaint left. Lists that say wrongly that there is
            # more go in circles as well, once everything has been seen.
            if expected is None or len(found) < expected:
                refused = Blocked("TikTok sends the same page of the list again.")
                raise RefusedError(refused) from None
    if not found:
        raise RefusedError(Blocked("TikTok sent an empty list of an account's videos."))
    return tuple(found.values())
