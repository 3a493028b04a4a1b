"""URLs of TikTok's videos and pictures."""

import re
from hashlib import sha256
from typing import cast
from urllib.parse import urlsplit

import msgspec

from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError, InvalidVideoUrlError
from domain.messages import VideoKind

LARGEST_VIDEO_ID = 2**63 - 1

_SITE = r"(?:https?://)?(?:www\.|m\.)?tiktok\.com"
# The character classes are spelled out, because \d and \w match digits of all scripts.
_VIDEO_URL = re.compile(
    rf"{_SITE}/@([a-z0-9._-]{{1,30}})/(video|photo)/([1-9][0-9]{{0,18}})/?(?:[?#].*)?",
    re.ASCII | re.IGNORECASE,
)
_SHORT_LINK = re.compile(
    rf"(?:(?:https?://)?(?:vm|vt)\.tiktok\.com|{_SITE}/t)/[a-z0-9]+/?(?:[?#].*)?",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_TEXT = 2_048


class VideoUrl(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a video's URL, read without a request to TikTok."""

    handle: str
    kind: VideoKind
    tiktok_video_id: str


def is_short_link(text: str) -> bool:
    """Tell whether a text is a short link, which hides the address that it leads to."""
    return _SHORT_LINK.fullmatch(text.strip(" \t\r\n")) is not None


def read_video_url(text: str) -> VideoUrl:
    """Return the video that ``text`` names, as ``/@handle/video/1`` or ``/photo/1``.

    The scheme, ``www.`` or ``m.``, a query, a fragment and blanks around the text do
    not matter. Nothing is fetched, so a short link, which does not name its video, is
    refused. The result is plain ASCII that may go into a URL.

    Raises:
        InvalidVideoUrlError: the text names no video.
    """
    if len(text) > _LONGEST_TEXT:
        raise InvalidVideoUrlError(text)
    plain = text.strip(" \t\r\n")
    if is_short_link(plain):
        raise InvalidVideoUrlError(plain, is_short_link=True)
    found = _VIDEO_URL.fullmatch(plain)
    if found is None or not found[1].strip(".") or int(found[3]) > LARGEST_VIDEO_ID:
        raise InvalidVideoUrlError(plain)
    try:
        handle = normalize_handle(found[1])
    except InvalidHandleError:
        raise InvalidVideoUrlError(plain) from None
    return VideoUrl(
        handle=handle,
        kind=cast("VideoKind", found[2].lower()),
        tiktok_video_id=found[3],
    )


def video_url(*, handle: str, kind: VideoKind | None, tiktok_video_id: str) -> str:
    """Return the video's address on TikTok; an unknown kind counts as a video."""
    return f"https://www.tiktok.com/@{handle}/{kind or 'video'}/{tiktok_video_id}"


def picture_path(url: str | None) -> str | None:
    """Return the path of a picture's URL, which stays the same for the same picture.

    TikTok changes the host, and the query is a signature that ends within days.
    """
    if url is None:
        return None
    place = url.partition("?")[0].partition("://")[2]
    return place.partition("/")[2]


def picture_name(url: str) -> str:
    """Return the file name of the copy of a picture.

    It does not depend on the query, in which TikTok signs a picture anew for each
    scrape.
    """
    parts = urlsplit(url)
    return sha256(f"{parts.netloc}{parts.path}".encode()).hexdigest()
