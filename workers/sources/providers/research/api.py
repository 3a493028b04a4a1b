"""Requests to the Research API: with a token, within the quota, and with retries."""

import time
from collections.abc import Callable, Iterator
from typing import Literal

import structlog
from msgspec import Raw, Struct
from msgspec.structs import asdict

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.backoff import Backoff
from infra.http_out.client import HttpClient
from infra.http_out.refusals import Refusal, RefusedError
from infra.http_out.tiktok_api import Deadline, send
from workers.sources.providers.research.access import AccessToken
from workers.sources.providers.research.envelope import QuotaSpentError, data_of
from workers.sources.providers.research.quota import Amount, DailyQuota, Grant
from workers.sources.providers.research.shapes import (
    USER_FIELDS,
    VIDEO_FIELDS,
    SearchPage,
    page_of,
    profile_of,
)
from workers.sources.providers.research.windows import DateWindow
from workers.sources.tiktok_envelope import TokenRefusedError

USER_PATH = "/v2/research/user/info/"
VIDEO_PATH = "/v2/research/video/query/"
PAGE_SIZE = 100
# A window with this many pages, for 5,000 videos, must be an error.
MOST_PAGES = 50
# The tries of one request. For some seconds, some of TikTok's servers do not know a new
# search. Each try counts against the quota.
RETRIES = Backoff(1.0, spread=(1.0, 1.5), tries=5)

_log = structlog.get_logger()


class VideoCondition(Struct, frozen=True):
    """A condition on videos; EQ has one value, IN up to 100."""

    operation: Literal["EQ", "IN"]
    field_name: Literal["username", "video_id"]
    field_values: tuple[str, ...]


class _Question(Struct, frozen=True, kw_only=True):
    path: str
    fields: str
    body: dict[str, object]
    records: int


class ResearchAPI:
    """The API for one client.

    Make one for each process and share it between threads.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        token: AccessToken,
        quota: DailyQuota,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.http = http
        self.token = token
        self.quota = quota
        self.sleep = sleep

    def user(
        self, username: str, *, deadline: Deadline
    ) -> tuple[ProfileObservation, bytes]:
        """Return the user's profile, and the data that it was read from.

        Raises:
            RefusedError: there is no readable profile.
        """
        question = _Question(
            path=USER_PATH, fields=USER_FIELDS, body={"username": username}, records=1
        )
        data, _ = self._ask(question, deadline=deadline)
        return profile_of(data), bytes(data)

    def videos(
        self, condition: VideoCondition, *, window: DateWindow, deadline: Deadline
    ) -> Iterator[SearchPage]:
        """Yield page after page of the videos that were made within the window.

        A page may be short or empty without being the last.

        Raises:
            RefusedError: a page could not be read; the pages before it were complete.
        """
        search: dict[str, object] = {
            "query": {"and": [asdict(condition)]},
            "start_date": f"{window.start:%Y%m%d}",
            "end_date": f"{window.end:%Y%m%d}",
            "max_count": PAGE_SIZE,
        }
        cursor = 0
        for _ in range(MOST_PAGES):
            question = _Question(
                path=VIDEO_PATH, fields=VIDEO_FIELDS, body=search, records=PAGE_SIZE
            )
            data, grant = self._ask(question, deadline=deadline)
            page = page_of(data, after=cursor)
            self.quota.give_back(grant, used=Amount(1, page.records))
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor
            search = {**search, "cursor": cursor}
            if page.search_id is not None:
                search["search_id"] = page.search_id
        raise RefusedError(SchemaChanged(f"A list has no end after {cursor} videos."))

    def _ask(self, question: _Question, *, deadline: Deadline) -> tuple[Raw, Grant]:
        failures = 0
        while True:
            try:
                return self._try(question, deadline=deadline)
            except RefusedError as error:
                failures += 1
                seconds = _worth_waiting(error.verdict, failures)
                if seconds is None or seconds >= deadline.left():
                    raise
                _log.info("research_asks_again", reason=type(error.verdict).__name__)
            self.sleep(seconds)

    def _try(self, question: _Question, *, deadline: Deadline) -> tuple[Raw, Grant]:
        token = self.token.get(deadline)
        try:
            return self._send(question, token=token, deadline=deadline)
        except TokenRefusedError:
            # The token may have ended early; if a new one is refused too, that is an
            # error.
            self.token.discard(token, deadline=deadline)
        token = self.token.get(deadline)
        return self._send(question, token=token, deadline=deadline)

    def _send(
        self, question: _Question, *, token: str, deadline: Deadline
    ) -> tuple[Raw, Grant]:
        grant = self.quota.take(records=question.records)
        try:
            reply = send(
                self.http,
                "POST",
                question.path,
                deadline=deadline,
                token=token,
                params={"fields": question.fields},
                json=question.body,
            )
            return data_of(reply), grant
        except QuotaSpentError as error:
            seconds = self.quota.refused()
            raise RefusedError(RateLimited(seconds, error.verdict.detail)) from error
        except RefusedError as error:
            self.quota.give_back(grant, used=Amount(int(error.was_sent), 0))
            raise


def _worth_waiting(verdict: Refusal, failures: int) -> float | None:
    """Return the seconds to wait before a retry, or None if there must be none."""
    if RETRIES.is_last(failures):
        return None
    seconds = RETRIES.seconds(failures)
    if isinstance(verdict, RateLimited):
        return max(seconds, verdict.retry_after)
    return seconds if isinstance(verdict, Transient) else None
