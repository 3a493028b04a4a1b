"""A session with a paid service, which repeats a failed request once."""

import re
import time
from collections.abc import Callable
from urllib.parse import urlencode

from domain.scrape.verdicts import Transient
from infra.http_out.refusals import RefusedError, SpentError
from infra.http_out.session import HttpSession, HttpSite, SessionLimits
from workers.sources.providers.paid.replies import (
    PaidReply,
    PaidService,
    refusal_of,
    reply_of,
)

# Redirects are followed within the service; the key never reaches another host.
_ANYWHERE = re.compile(r"/.*", re.DOTALL)
_PAUSE_SECONDS = 1.0


class PaidSite(HttpSite, frozen=True, kw_only=True):
    """A paid service's address, and its refusals."""

    service: PaidService
    keeps_query: bool = True
    sleep: Callable[[float], None] = time.sleep


class PaidSession(HttpSession):
    """Asks a paid service, which may cost money for each request."""

    def __init__(self, site: PaidSite) -> None:
        super().__init__(site)
        self.paid = site

    def ask(self, path: str, parameters: dict[str, str], *, subject: str) -> PaidReply:
        """Return the service's reply, which is a JSON object.

        A request whose failure may pass is sent once more, unless it is the first one:
        a run without any data may be tried again as a whole. ``subject`` names the
        requested thing in refusals.

        Raises:
            RefusedError: the service refused or failed.
            SpentError: a limit of the whole session was reached.
        """
        is_first = self.requests == 0
        try:
            return self._ask(path, parameters, subject=subject)
        except SpentError:
            raise
        except RefusedError as refused:
            if is_first or not isinstance(refused.verdict, Transient):
                raise
        self.paid.sleep(_PAUSE_SECONDS)
        return self._ask(path, parameters, subject=subject)

    def _ask(self, path: str, parameters: dict[str, str], *, subject: str) -> PaidReply:
        page = self.read(path, query=urlencode(parameters), may_lead_to=_ANYWHERE)
        reply = reply_of(page)
        now = self.site.now()
        refusal = refusal_of(reply, self.paid.service, subject=subject, now=now)
        if refusal is not None:
            raise RefusedError(refusal)
        return reply


def paid_limits(run_seconds: float) -> SessionLimits:
    """Return the limits of a run of so many seconds.

    A service reads TikTok during the request, which takes some seconds; a page of 30
    videos in the app's shape has up to 3 MB.
    """
    request_seconds = min(30.0, run_seconds / 2)
    return SessionLimits(
        run_seconds=run_seconds,
        request_seconds=request_seconds,
        silence_seconds=request_seconds,
        body_bytes=12_000_000,
        run_bytes=120_000_000,
        requests=40,
    )
