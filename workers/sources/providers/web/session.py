"""Sessions with TikTok's own site, which are polite and accept no login page."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from domain.scrape.verdicts import (
    Blocked,
    RateLimited,
)
from infra.http_out.client import REDIRECTS, Response
from infra.http_out.limiter import Limiter, NoTurnError
from infra.http_out.refusals import (
    Refusal,
    RefusedError,
    SpentError,
    refusal_of_status,
    seconds_of,
)
from infra.http_out.session import HttpSession, HttpSite

_LOGIN = re.compile(r"/(login|signup)\b", re.ASCII)
# A missing profile has status 200 and a code. These statuses mean nothing without a
# page, because a wrong base address sends them for every handle.
_MAYBE_A_PAGE = frozenset({404, 410})


class TikTokSite(HttpSite, frozen=True, kw_only=True):
    """The shared parts of all sessions of a process, with the turns at the site."""

    politeness: Limiter


class TikTokSession(HttpSession):
    """Reads pages of TikTok politely: with status 2xx, 404 or 410."""

    def __init__(self, site: TikTokSite) -> None:
        super().__init__(site)
        self._politeness = site.politeness

    @contextmanager
    def turn(self) -> Generator[None]:
        try:
            with self._politeness.turn(self.base.netloc, patience=self.patience):
                yield
        except NoTurnError as error:
            waiting = RateLimited(error.retry_after, "TikTok is asked by others first.")
            raise SpentError(waiting) from None

    def judge(self, response: Response) -> None:
        status = response.status_code
        if status in REDIRECTS or status in _MAYBE_A_PAGE:
            return
        retry_after = response.headers.get("retry-after")
        if status == 429 or (status == 503 and retry_after):
            seconds = seconds_of(retry_after, now=self.site.now())
            self._politeness.pause(self.base.netloc, seconds=seconds)
            refusal: Refusal | None = RateLimited(
                seconds, f"TikTok answered HTTP {status}."
            )
        else:
            refusal = refusal_of_status(status, source="TikTok")
        if refusal:
            raise RefusedError(refusal)

    def judge_redirect(self, path: str) -> None:
        if _LOGIN.match(path):
            raise RefusedError(Blocked("TikTok asks for a login."))
