"""The display provider: TikTok's Display API, for creators that connected."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import redis
from psycopg import Connection
from psycopg.rows import TupleRow

from application.connect.access import Access, AccessTokens, NotConnectedError
from application.connect.sealing import ConnectionSeal
from application.connect.tiktok import TikTokLogin, app_of
from domain.connection.consent import may_serve
from domain.events import JobType
from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    Failure,
    IdentityChanged,
    Ok,
    Verdict,
)
from infra.database import run_read
from infra.eventstore.store import Store
from infra.http_out.limiter import Limiter
from infra.http_out.refusals import RefusedError
from infra.http_out.request_notes import BudgetSpentError
from infra.http_out.tiktok_api import Deadline, open_http
from infra.settings import Settings
from workers.sources.port import Provider, Target
from workers.sources.providers.display.api import (
    A_MINUTE,
    DisplayAPI,
    ScopeRefusedError,
)
from workers.sources.providers.display.shapes import BATCH_SIZE, OtherAccountError
from workers.sources.tiktok_envelope import TokenRefusedError

PATIENCE_SECONDS = 40.0
NOT_CONNECTED = "The creator has not connected its account."
_NOBODY = "Only an account that its creator has connected can be read."
_LOST = "The creator is not connected any more, and must consent anew."

_SCOPES = """
SELECT scopes FROM creator_connections
WHERE creator_id = %s AND provider = 'display' AND state = 'connected'
"""


class DisplayProvider(Provider):
    """Reads creators with their own consent: exact numbers, but no saves.

    A list continues to its end, until half of ``patience`` (seconds) is left, or until
    a later page fails; then it is partial. Videos that are requested by id and missing
    from the answer are left out, because TikTok does not say why it leaves them out.
    """

    name = "display"
    reads_site = False

    def __init__(
        self,
        api: DisplayAPI,
        tokens: AccessTokens,
        *,
        scopes_of: Callable[[Target], list[str] | None],
        now: Callable[[], datetime],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.api = api
        self.tokens = tokens
        self.scopes_of = scopes_of
        self.now = now
        self.patience = patience

    def cannot_serve(self, target: Target, job_type: JobType) -> str | None:
        """Return why the creator can't be read now; null if it can."""
        if target.creator_id is None:
            return _NOBODY
        scopes = self.scopes_of(target)
        if scopes is None:
            return NOT_CONNECTED
        if not may_serve(job_type, scopes):
            return "The creator does not allow it to be read."
        return None

    def creator_profiles(self, target: Target) -> Verdict:
        deadline = Deadline(self.patience)

        def read(access: Access) -> Verdict:
            profile, data = self.api.user(access, deadline=deadline)
            return Ok(
                observed_at=self.now(),
                profile=profile,
                payload_sha256=sha256(data).hexdigest(),
            )

        return self._read(target, read, deadline)

    def discover_videos(self, target: Target) -> Verdict:
        deadline = Deadline(self.patience)

        def read(access: Access) -> Verdict:
            videos: dict[str, VideoObservation] = {}
            digest, pages, reason, cut_by = sha256(), 0, None, None
            try:
                for page in self.api.videos(access, deadline=deadline):
                    pages += 1
                    digest.update(page.data)
                    for video in page.videos:
                        videos.setdefault(video.tiktok_video_id, video)
                    if page.cursor is not None and deadline.left() < self.patience / 2:
                        reason = "The time for a run was over before the list was."
                        break
            except (TokenRefusedError, ScopeRefusedError):
                raise
            except RefusedError as error:
                if not videos or not isinstance(error.verdict, Failure):
                    raise
                reason, cut_by = error.verdict.detail, error.verdict
            except BudgetSpentError as error:
                if not videos:
                    raise
                reason = str(error)
            return Ok(
                observed_at=self.now(),
                videos=tuple(videos.values()),
                listed_reason=reason,
                cut_by=cut_by,
                pages=pages,
                payload_sha256=digest.hexdigest(),
            )

        return self._read(target, read, deadline)

    def video_stats(self, target: Target) -> Verdict:
        if not target.video_ids:
            return self.discover_videos(target)
        deadline = Deadline(self.patience)

        def read(access: Access) -> Verdict:
            videos: list[VideoObservation] = []
            digest, pages, reason = sha256(), 0, None
            for start in range(0, len(target.video_ids), BATCH_SIZE):
                if pages and deadline.left() < self.patience / 4:
                    reason = "The time for a run was over before all were read."
                    break
                batch = target.video_ids[start : start + BATCH_SIZE]
                page = self.api.videos_by_id(access, batch, deadline=deadline)
                pages += 1
                digest.update(page.data)
                videos += [v for v in page.videos if v.tiktok_video_id in batch]
            return Ok(
                observed_at=self.now(),
                videos=tuple(videos),
                listed_reason=reason,
                pages=pages,
                payload_sha256=digest.hexdigest(),
            )

        return self._read(target, read, deadline)

    def close(self) -> None:
        """Close the connections to the API."""
        self.api.http.close()

    def _read(
        self, target: Target, read: Callable[[Access], Verdict], deadline: Deadline
    ) -> Verdict:
        """Read with the creator's token, refreshed once if TikTok refuses it."""
        if target.creator_id is None:
            return Blocked(_NOBODY)
        try:
            access = self.tokens.current(target.creator_id, deadline)
            try:
                return self._with(access, read)
            except TokenRefusedError:
                access = self.tokens.after_refusal(access, deadline)
            try:
                return self._with(access, read)
            except TokenRefusedError:
                self.tokens.lose(access, "revoked_there")
                return Blocked(_LOST)
        except NotConnectedError:
            return Blocked(_LOST)
        except RefusedError as error:
            return error.verdict

    def _with(self, access: Access, read: Callable[[Access], Verdict]) -> Verdict:
        try:
            return read(access)
        except ScopeRefusedError as error:
            self.tokens.lose(access, "scope_missing")
            return Blocked(error.verdict.detail)
        except OtherAccountError:
            detail = "TikTok answered with another account than the one that connected."
            return IdentityChanged(detail)


def open_display(
    store: Store,
    settings: Settings,
    *,
    server: redis.Redis | None,
    patience: float = PATIENCE_SECONDS,
) -> DisplayProvider:
    """Return the provider for the operator's app; it sends nothing yet.

    ``server`` is the Redis or Valkey through which all workers share TikTok's limits.
    """
    app = app_of(settings)
    assert app is not None, "the table of providers says what it needs"
    seal = ConnectionSeal(store.pool, settings)
    limiter = Limiter(
        server,
        name="display_pace",
        most=A_MINUTE,
        processes=max(settings.worker_processes, 1),
    )

    def scopes_of(target: Target) -> list[str] | None:
        def ask(connection: Connection[TupleRow]) -> TupleRow | None:
            return connection.execute(_SCOPES, (target.creator_id,)).fetchone()

        row = run_read(store.pool, ask)
        return None if row is None else row[0]

    return DisplayProvider(
        DisplayAPI(open_http(app.base_url), limiter, owner=app.client_key),
        AccessTokens(store, TikTokLogin(app), seal),
        scopes_of=scopes_of,
        now=lambda: datetime.now(UTC),
        patience=patience,
    )
