"""/images/{signed}: pictures that the server fetched, at addresses that it signed."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.http.access.sessions import Sessions
from api.http.request import Request
from api.web.images.cache import PictureCache
from api.web.images.erased import ErasedPictures
from api.web.images.fetching import Picture, fetch
from domain.video.url import picture_name
from infra.http_out.public import NotReadError, PublicHosts

BASE = "/images"

_PURPOSE = "image"
_LONGEST = 6_000
_A_DAY, _TEN_MINUTES = 86_400, 600
# An address stays the same for a day, so that browsers keep pictures, and works for two
# more days. The pictures of an erased person have no address for a week: older
# addresses are invalid by then.
_DAYS = 2
_AT_A_TIME = 8
_MOST_MISSING = 10_000
# The picture is drawn over a placeholder, which stays visible without it.
_NOTHING = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00"
    b"\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_NOT_MODIFIED = 304


class ImageProxy:
    """Serves pictures of other sites to browsers, so that these sites see no visitors.

    Without a source there are no pictures, and there are none of erased people. A
    missing picture is not requested again for hours, or for minutes if the failure may
    pass.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        source: PublicHosts | None,
        kept: PictureCache,
        erased: ErasedPictures | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._sessions = sessions
        self._source = source
        self._kept = kept
        self._erased = erased
        self._clock = clock
        self._fetching: dict[str, asyncio.Task[Picture | None]] = {}
        self._missing: dict[str, float] = {}
        # Slow hosts delay these threads and nothing else.
        self._threads = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="pictures")

    def address(self, url: str | None) -> str | None:
        """Return the address of the picture at a URL; None if it is not shown.

        The address is valid until the end of the day after the next, in UTC.
        """
        if url is None or self._source is None or not self._source.allows(url):
            return None
        signed = f"{self._day + _DAYS} {url}".encode()
        return f"{BASE}/{self._sessions.signed(_PURPOSE, signed)}"

    def url_of(self, signed: str) -> str | None:
        """Return the URL behind an address; None if it is invalid or expired."""
        found = self._sessions.verified(_PURPOSE, signed, longest=_LONGEST)
        if found is None:
            return None
        last, space, url = found.decode().partition(" ")
        is_valid = space and last.isdecimal() and self._day <= int(last)
        return url if is_valid else None

    @property
    def _day(self) -> int:
        return int(self._now() // _A_DAY)

    async def picture(self, url: str) -> Picture | None:
        """Return the picture at a URL; None if there is none now."""
        name = picture_name(url)
        found = await asyncio.to_thread(self._kept.get, name)
        if found is not None or self._clock() < self._missing.get(url, 0):
            return found
        task = self._fetching.get(url)
        if task is None:
            task = asyncio.create_task(self._fetch(name, url))
            self._fetching[url] = task
            task.add_done_callback(lambda _: self._fetching.pop(url, None))
        # Other browsers that wait for the picture still get it if this one leaves.
        return await asyncio.shield(task)

    async def _fetch(self, name: str, url: str) -> Picture | None:
        if self._source is None or await self._is_erased(name):
            return None
        try:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._threads, fetch, self._source, url)
        except NotReadError as error:
            if len(self._missing) >= _MOST_MISSING:
                self._missing.clear()
            seconds = _A_DAY / 4 if error.is_final else _TEN_MINUTES
            self._missing[url] = self._clock() + seconds
            return None
        await asyncio.to_thread(self._kept.keep, name, found)
        if await self._is_erased(name):
            # The check is repeated, because an erasure only deletes the pictures that
            # were kept before it.
            await asyncio.to_thread(self._kept.forget, name)
            return None
        return found

    async def _is_erased(self, name: str) -> bool:
        return self._erased is not None and await self._erased.has(name)

    def route(self) -> HTTPRouteHandler:
        @get(
            f"{BASE}/{{signed:str}}",
            opt={"scope": None},
            include_in_schema=False,
        )
        async def image(request: Request, signed: FromPath[str]) -> Response[bytes]:
            url = self.url_of(signed)
            if url is None:
                raise NotFoundException
            tag = f'"{picture_name(url)}"'
            headers = {"Cache-Control": f"private, max-age={_A_DAY}", "ETag": tag}
            if request.raw_header(b"if-none-match") == tag.encode():
                return Response(b"", status_code=_NOT_MODIFIED, headers=headers)
            found = await self.picture(url)
            if found is not None:
                return Response(
                    found.content, media_type=found.media_type, headers=headers
                )
            return Response(
                _NOTHING,
                media_type="image/gif",
                headers={"Cache-Control": f"private, max-age={_TEN_MINUTES}"},
            )

        return image
