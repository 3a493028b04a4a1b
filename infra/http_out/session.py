"""A session: the requests of one run, one after the other, each with limits."""

import re
import ssl
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from hashlib import sha256
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx
from msgspec import Struct

from domain.scrape.verdicts import (
    Blocked,
    RateLimited,
    Transient,
)
from infra.http_out.client import REDIRECTS, HttpClient, body_of
from infra.http_out.refusals import RefusedError, SpentError
from infra.http_out.request_notes import BudgetSpentError

_MOST_REDIRECTS = 3
_QUERY = re.compile(r"[\w%&=.,:/+-]{0,2000}", re.ASCII)


class SessionLimits(Struct, frozen=True, kw_only=True):
    """The limits of a session, all of which are well below a worker's lease.

    Times are in seconds. A request begins only if its full time fits before
    ``run_seconds`` are over. Sizes are in bytes after decompression.
    """

    run_seconds: float = 40.0
    request_seconds: float = 10.0
    connect_seconds: float = 5.0
    silence_seconds: float = 8.0
    body_bytes: int = 5_000_000
    run_bytes: int = 40_000_000
    requests: int = 60


class HttpSite(Struct, frozen=True, kw_only=True):
    """A site: the address, headers and limits that all requests share.

    ``name`` stands in the texts of refusals. ``secret_query`` is a part of the query
    that every request gets and that no log and no note has. ``keeps_query`` says that a
    redirect does not change the query, because the redirect may quote a key.
    """

    name: str
    base_url: str
    limits: SessionLimits
    headers: dict[str, str]
    tls: ssl.SSLContext
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    secret_query: str = ""
    keeps_query: bool = False

    def __repr__(self) -> str:
        # The headers may have a key.
        return f"HttpSite({self.base_url!r})"


class FetchedPage(Struct, frozen=True, kw_only=True):
    """The answer of an address; ``path`` is the last path after redirects.

    ``retry_after`` is the header of this name, as sent.
    """

    status: int
    path: str
    body: bytes
    retry_after: str | None = None


class HttpSession:
    """Reads pages of one site within its limits, and stores no cookie.

    It requests only the site's own address and a path, never an address from a page.
    ``requests`` and ``digest`` cover all requests and answers. A session belongs to one
    thread, and leaving it closes its connection.
    """

    def __init__(self, site: HttpSite) -> None:
        self.site = site
        self.requests = 0
        self.base = urlsplit(site.base_url.rstrip("/"))
        self._ends_at = time.monotonic() + site.limits.run_seconds
        self._bytes = 0
        self._digest = sha256()
        self._client = HttpClient(
            tls=site.tls,
            # Gzip can be unpacked piece by piece, up to a limit.
            headers={**site.headers, "Accept-Encoding": "gzip"},
            secret_query=site.secret_query,
            most_connections=1,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    @property
    def digest(self) -> str:
        """The SHA-256 of all bodies in the order of their arrival, in hexadecimal."""
        return self._digest.hexdigest()

    @property
    def patience(self) -> float:
        """The seconds for which the next request may wait; below 0 it can't be sent."""
        return self._ends_at - self.site.limits.request_seconds - time.monotonic()

    def read(
        self, path: str, *, query: str = "", may_lead_to: re.Pattern[str] | None = None
    ) -> FetchedPage:
        """Return the site's answer, unless ``judge`` refuses its status.

        A redirect is followed on this site only, and only to a path that
        ``may_lead_to`` matches completely.

        Raises:
            RefusedError: the site refused or failed.
            SpentError: a limit of the whole session was reached, or the site must not
                get a request for longer than the session can wait.
        """
        for _ in range(1 + _MOST_REDIRECTS):
            with self._requested(path, query) as response:
                if response.status_code not in REDIRECTS:
                    body = body_of(response, most=self.site.limits.body_bytes)
                    self._bytes += len(body)
                    self._digest.update(body)
                    return FetchedPage(
                        status=response.status_code,
                        path=path,
                        body=body,
                        retry_after=response.headers.get("retry-after"),
                    )
                location: str = response.extensions["location"]
            path, led_query = self._led_to(location, path, may_lead_to)
            query = query if self.site.keeps_query else led_query
        raise RefusedError(Blocked(f"{self.site.name} redirected in circles."))

    def turn(self) -> AbstractContextManager[None]:
        """Wait until the site may get a request."""
        return nullcontext()

    def judge(self, response: httpx.Response) -> None:
        """Refuse an answer by its status, before its body is read."""

    def judge_redirect(self, path: str) -> None:
        """Refuse a redirect by its path on the site."""

    @contextmanager
    def _requested(self, path: str, query: str) -> Generator[httpx.Response]:
        limits = self.site.limits
        if self.requests >= limits.requests or self._bytes >= limits.run_bytes:
            raise SpentError(Transient("The run read as much as it may."))
        if self.patience < 0:
            raise SpentError(Transient("The run took as long as it may."))
        try:
            with self.turn():
                self.requests += 1
                with self._client.requested(
                    self._client.build_request("GET", self._url(path, query)),
                    what=f"GET {self._url(path, '')}",
                    seconds=limits.request_seconds,
                    connect_seconds=limits.connect_seconds,
                    silence_seconds=limits.silence_seconds,
                ) as (note, response):
                    self.judge(response)
                    yield response
                    note.understood = _understood(response)
        except BudgetSpentError as error:
            self.requests -= 1  # It was not sent.
            spent = RateLimited(error.retry_after, str(error))
            raise SpentError(spent) from None

    def _url(self, path: str, query: str) -> str:
        whole = self.base.path + path
        return self.base._replace(path=whole, query=query).geturl()

    def _led_to(
        self, location: str, path: str, may_lead_to: re.Pattern[str] | None
    ) -> tuple[str, str]:
        """Return the path and the query of a redirect, if it is allowed."""
        target = self._on_this_site(location, path)
        if target is None:
            raise RefusedError(Blocked(f"{self.site.name} redirected to another site."))
        plain = target.path.removeprefix(self.base.path)
        self.judge_redirect(plain)
        if may_lead_to is None or not may_lead_to.fullmatch(plain):
            raise RefusedError(
                Blocked(f"{self.site.name} redirected to something else.")
            )
        return plain, target.query if _QUERY.fullmatch(target.query) else ""

    def _on_this_site(self, location: str, path: str) -> SplitResult | None:
        try:
            target = urlsplit(urljoin(self._url(path, ""), location))
        except ValueError:
            return None
        same = (target.scheme, target.netloc) == (self.base.scheme, self.base.netloc)
        return target if same and location else None


def _understood(response: httpx.Response) -> str:
    if response.status_code in REDIRECTS:
        return "a redirect"
    return f"{response.num_bytes_downloaded:,} bytes were read"
