"""The web provider: reads TikTok's public pages, as an anonymous client.

It solves no captcha or puzzle, logs in to nothing, stores no cookie and downloads no
video. If it cannot read a page in this way, the verdict is Blocked, without another
try.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.scrape.turns import FEW_VIDEOS, WHOLE_LIST
from domain.scrape.verdicts import (
    Failure,
    Ok,
    SchemaChanged,
    Verdict,
)
from infra.http_out.client import trusted_certificates
from infra.http_out.limiter import Limiter
from infra.http_out.refusals import RefusedError
from infra.http_out.session import SessionLimits
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.web.listing import VideoList, list_videos
from workers.sources.providers.web.pages import ProfilePage, read_profile
from workers.sources.providers.web.session import TikTokSession, TikTokSite
from workers.sources.providers.web.single import VideoReading
from workers.sources.shapes.codes import NotShown
from workers.sources.shapes.identity import refuse_another_account, requested_handle
from workers.sources.shapes.json_values import sec_uid_of
from workers.sources.shapes.web import SeenAccount

__all__ = ["NotShown", "SessionLimits", "VideosRead", "WebProvider"]

# The name lets a site tell this program to stay away.
USER_AGENT = "Mozilla/5.0 (compatible; Goatherd)"
DEFAULT_LIMITS = SessionLimits()
_NO_LIST = VideoList(videos={})
# Videos that a list should have shown are read one by one, a few in each run.
_MOST_MISSED = 10


class VideosRead(Struct, frozen=True, kw_only=True):
    """The result for each requested video: read, not shown, or not read.

    ``unread`` are the videos that were left when a refusal or a limit ended the run.
    """

    ok: Ok
    not_shown: tuple[NotShown, ...] = ()
    unread: tuple[str, ...] = ()


class WebProvider(Provider):
    """Reads profile pages, video lists and video pages; threads may share it.

    ``base_url`` is TikTok's address, and the only one that gets requests. ``now`` must
    return a time with a zone.
    """

    name = "web"
    reads_in_turn = True

    def __init__(
        self,
        base_url: str,
        *,
        politeness: Limiter,
        limits: SessionLimits = DEFAULT_LIMITS,
        user_agent: str = USER_AGENT,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.now = now
        self._site = TikTokSite(
            name="TikTok",
            base_url=base_url,
            politeness=politeness,
            limits=limits,
            headers={"User-Agent": user_agent, "Accept-Language": "en"},
            tls=trusted_certificates(),
            now=now,
        )

    def creator_profiles(self, target: Target) -> Verdict:
        with TikTokSession(self._site) as session:
            try:
                page = _profile_of(session, target)
            except RefusedError as refused:
                return refused.verdict
            return self._ok(session, account=page.account)

    def discover_videos(self, target: Target) -> Verdict:
        """Read the profile, then list the videos; ``Ok`` has both.

        A list is partial if it has only the videos whose turn it is, or if it ends
        early, at a limit of the run or a refusal. So are the videos of the profile's
        page if the list is refused from the start. A few expected videos that the list
        does not show are read one by one.
        """
        with TikTokSession(self._site) as session:
            try:
                page = _profile_of(session, target)
            except RefusedError as refused:
                return refused.verdict
            try:
                listed = _videos_of(session, target, page)
            except RefusedError as refused:
                failed = refused.verdict
                if isinstance(failed, Failure):
                    return replace(failed, profile=page.account.profile)
                return failed
            reading = _reading_of(session, target)
            # Their refusal does not matter: the list is the answer.
            reading.read(listed.missed[:_MOST_MISSED])
            return self._ok(
                session, account=page.account, listed=listed, reading=reading
            )

    def video_stats(self, target: Target) -> Verdict:
        """Read the requested videos one by one, or the list if they are many or none.

        Videos that are not shown are in ``Ok.missing``; ``read_videos`` has the
        reasons.
        """
        is_listed = target.turn is not None and len(target.video_ids) > FEW_VIDEOS
        if is_listed or not target.video_ids:
            return self.discover_videos(target)
        read = self.read_videos(target)
        return read.ok if isinstance(read, VideosRead) else read

    def read_videos(self, target: Target) -> VideosRead | Verdict:
        """Read the page of each requested video.

        Counters that were read are returned, even if the other pages were refused. The
        verdict is a refusal only if no counter was read.
        """
        with TikTokSession(self._site) as session:
            try:
                reading = _reading_of(session, target)
            except RefusedError as refused:
                return refused.verdict
            reading.read(target.video_ids)
            if reading.refusal and not (reading.videos or reading.not_shown):
                return reading.refusal
            return VideosRead(
                ok=self._ok(session, reading=reading),
                not_shown=tuple(reading.not_shown),
                unread=tuple(reading.unread),
            )

    def _ok(
        self,
        session: TikTokSession,
        *,
        account: SeenAccount | None = None,
        listed: VideoList = _NO_LIST,
        reading: VideoReading | None = None,
    ) -> Ok:
        return Ok(
            observed_at=self.now(),
            profile=account.profile if account else None,
            videos=(*listed.videos.values(), *(reading.videos if reading else ())),
            missing=reading.missing if reading else (),
            older=listed.older,
            listed_reason=listed.partial_because,
            cut_by=listed.cut_by,
            pages=session.requests,
            payload_sha256=session.digest,
        )


def _reading_of(session: TikTokSession, target: Target) -> VideoReading:
    return VideoReading(
        session, handle=requested_handle(target), user_id=target.user_id
    )


def _profile_of(session: TikTokSession, target: Target) -> ProfilePage:
    handle = requested_handle(target)
    page = session.read(
        f"/@{handle}",
        may_lead_to=re.compile(rf"/@{re.escape(handle)}/?", re.IGNORECASE),
    )
    profile = read_profile(page.body, handle=handle)
    refuse_another_account(profile.account, target, handle=handle)
    return profile


def _videos_of(session: TikTokSession, target: Target, page: ProfilePage) -> VideoList:
    expected = page.account.profile.video_count
    if expected is not None and 0 <= expected <= len(page.videos):
        # The page shows all videos, as most pages do for accounts with none.
        return VideoList(videos=page.videos)
    try:
        listed = _list_of(session, target, page.account)
    except RefusedError as refused:
        if not page.videos:
            raise
        return VideoList(
            videos=page.videos,
            partial_because=f"Only the profile's page shows videos: "
            f"{refused.verdict.detail}",
            cut_by=refused.failure,
        )
    return replace(listed, videos={**page.videos, **listed.videos})


def _list_of(session: TikTokSession, target: Target, account: SeenAccount) -> VideoList:
    # A known video is enough, if it certainly belongs to this account.
    known = target.sec_uid if target.user_id == account.user_id else None
    sec_uid = account.profile.sec_uid or sec_uid_of(known)
    if sec_uid is None:
        raise RefusedError(SchemaChanged("The page lacks a secUid to list videos by."))
    return list_videos(
        session,
        sec_uid=sec_uid,
        author_id=account.user_id,
        expected=account.profile.video_count,
        turn=target.turn or WHOLE_LIST,
        counted=target.expected,
    )
