"""The research provider: TikTok's Research API, for those who were granted access."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import redis
import structlog

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import Deadline, open_http
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.research.access import AccessToken
from workers.sources.providers.research.api import ResearchAPI, VideoCondition
from workers.sources.providers.research.quota import DailyQuota
from workers.sources.providers.research.windows import (
    WINDOW_DAYS,
    DateWindow,
    id_windows,
    windows_back,
)

# An actor allows more time for a run, so that a run ends with its own verdict.
PATIENCE_SECONDS = 40.0
# The length of a list: 12 windows of 30 days. Each takes at least one of the 1,000
# requests of a day.
WINDOWS = 12
# After this many empty windows, no older videos are expected.
QUIET_WINDOWS = 3

_log = structlog.get_logger()


class ResearchProvider(Provider):
    """Reads creators through the Research API, which identifies them by handle only.

    A profile has no user id, so another account under the same handle is not noticed.

    A list begins with today's window and goes back at most ``windows`` of them, or
    until ``QUIET_WINDOWS`` in a row were empty. It begins no older window once half of
    ``patience`` (seconds) is used; unless it ends after empty windows, it is partial.
    Each window is read completely, or the result is the verdict of the failure without
    videos: a list never has half a window. TikTok adds a video here a day or two late,
    and its counters later than the app does.

    Videos that are requested by id are searched in the days around the time in their
    ids, newest first and within the same time; this finds them after a rename too. Ids
    without a time (musical.ly's, of 17 or 18 digits) cannot be searched, because the
    API needs the month. They are left out, like videos that the API does not have.
    """

    name = "research"
    # The API leaves out creators under 18, and does not have those of the last days.
    reads_site = False

    def __init__(
        self,
        api: ResearchAPI,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
        windows: int = WINDOWS,
    ) -> None:
        self.api = api
        self.now = now
        self.clock = clock
        self.patience = patience
        self.windows = windows

    def creator_profiles(self, target: Target) -> Verdict:
        try:
            profile, data = self.api.user(target.handle, deadline=self._deadline())
        except RefusedError as error:
            return error.verdict
        return Ok(
            observed_at=self.now(),
            profile=profile,
            payload_sha256=sha256(data).hexdigest(),
        )

    def discover_videos(self, target: Target) -> Verdict:
        search = _Search(self.api, deadline=self._deadline())
        theirs = VideoCondition("EQ", "username", (target.handle,))
        quiet, reason = 0, None
        try:
            for window in windows_back(self.now().date(), amount=self.windows):
                if quiet == QUIET_WINDOWS:
                    break
                if search.is_late():
                    reason = "The time of a run was over before the list was."
                    break
                quiet = 0 if search.read(theirs, window=window) else quiet + 1
            else:
                if quiet < QUIET_WINDOWS:
                    reason = f"The list goes back {self.windows * WINDOW_DAYS} days."
        except RefusedError as error:
            return error.verdict
        return search.result(self.now(), listed_reason=reason)

    def video_stats(self, target: Target) -> Verdict:
        if not target.video_ids:
            return self.discover_videos(target)
        video_ids = frozenset(target.video_ids)
        search = _Search(self.api, deadline=self._deadline())
        sought = 0
        try:
            for part in id_windows(video_ids, today=self.now().date()):
                if search.is_late():
                    break
                among = VideoCondition("IN", "video_id", part.ids)
                search.read(among, window=part.window, only=video_ids)
                sought += len(part.ids)
        except RefusedError as error:
            return error.verdict
        if left_out := len(video_ids) - sought:
            _log.info("research_ids_not_sought", amount=left_out)
        return search.result(self.now())

    def close(self) -> None:
        """Close the connections to the API."""
        self.api.http.close()

    def _deadline(self) -> Deadline:
        return Deadline(self.patience, clock=self.clock)


class _Search:
    """One search through windows, and the videos found so far."""

    def __init__(self, api: ResearchAPI, *, deadline: Deadline) -> None:
        self._api = api
        self._deadline = deadline
        self._videos: dict[str, VideoObservation] = {}
        self._digest = sha256()
        self._pages = 0

    def is_late(self) -> bool:
        """Tell whether too little time is left to read another window completely."""
        return self._pages > 0 and self._deadline.left() < self._deadline.seconds / 2

    def read(
        self,
        condition: VideoCondition,
        *,
        window: DateWindow,
        only: frozenset[str] | None = None,
    ) -> int:
        """Read the window completely and return how many videos TikTok has in it.

        Raises:
            RefusedError: a part of it could not be read.
        """
        shown = 0
        pages = self._api.videos(condition, window=window, deadline=self._deadline)
        for page in pages:
            self._pages += 1
            self._digest.update(page.data)
            shown += page.records
            for video in page.videos:
                if only is None or video.tiktok_video_id in only:
                    self._videos.setdefault(video.tiktok_video_id, video)
        return shown

    def result(self, observed_at: datetime, *, listed_reason: str | None = None) -> Ok:
        return Ok(
            observed_at=observed_at,
            videos=tuple(self._videos.values()),
            listed_reason=listed_reason,
            pages=self._pages,
            payload_sha256=self._digest.hexdigest() if self._pages else None,
        )


def open_research(
    *,
    base_url: str,
    client_key: str,
    client_secret: str,
    server: redis.Redis | None,
    processes: int = 1,
    patience: float = PATIENCE_SECONDS,
) -> ResearchProvider:
    """Return the provider for one client of the API at ``base_url``.

    It has sent no request yet. ``server`` is the Redis or Valkey through which all
    workers share the client's daily quota. ``processes`` is the number of workers, for
    the quota while the server is away. ``patience`` is the longest time of a run in
    seconds, and must be less than its lease.
    """
    http = open_http(base_url)
    token = AccessToken(http, key=client_key, secret=client_secret)
    quota = DailyQuota(server, owner=client_key, now=_now, processes=processes)
    api = ResearchAPI(http, token=token, quota=quota)
    return ResearchProvider(api, now=_now, patience=patience)


def _now() -> datetime:
    return datetime.now(UTC)
