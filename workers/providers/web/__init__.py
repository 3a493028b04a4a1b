"""The web provider: reads TikTok's public pages, as an anonymous client.

It solves no captcha or puzzle, logs in to nothing, stores no cookie and downloads no
video. What it cannot see that way is Blocked, and it does not try again to see it.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from workers.http.refusals import RefusedError
from workers.http.session import SessionLimits, trusted_certificates
from workers.politeness import Politeness
from workers.provider import (
    Ok,
    Provider,
    SchemaChanged,
    Target,
    Verdict,
    VideoObservation,
)
from workers.providers.web.listing import list_videos
from workers.providers.web.pages import read_profile
from workers.providers.web.session import TikTokSession, TikTokSite
from workers.providers.web.single import VideoReading
from workers.shapes.codes import NotShown
from workers.shapes.identity import refuse_another_account, requested_handle
from workers.shapes.readings import sec_uid_of
from workers.shapes.web import SeenAccount

__all__ = ["NotShown", "SessionLimits", "VideosRead", "WebProvider"]

# It names itself, so that a site can tell this program to stay away.
USER_AGENT = "Mozilla/5.0 (compatible; Goatherd)"
DEFAULT_LIMITS = SessionLimits()


class VideosRead(Struct, frozen=True, kw_only=True):
    """The result for each requested video: read, not shown, or not read.

    ``unread`` are those that were left when a refusal or a limit ended the run.
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

    def __init__(
        self,
        base_url: str,
        *,
        politeness: Politeness,
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
            return self._ok(session, profile=page)

    def discover_videos(self, target: Target) -> Verdict:
        """Read the profile, then list the videos; ``Ok`` has both.

        The list may end early, at a limit of the run. The oldest videos are missing
        then.
        """
        with TikTokSession(self._site) as session:
            try:
                page = _profile_of(session, target)
                videos = _videos_of(session, target, page)
            except RefusedError as refused:
                return refused.verdict
            return self._ok(session, profile=page, videos=videos)

    def video_stats(self, target: Target) -> Verdict:
        """Read the requested videos one by one, or the whole list without any.

        Those that are not shown are in ``Ok.missing``; ``read_videos`` says why.
        """
        if not target.video_ids:
            return self.discover_videos(target)
        read = self.read_videos(target)
        return read.ok if isinstance(read, VideosRead) else read

    def read_videos(self, target: Target) -> VideosRead | Verdict:
        """Read the page of each requested video.

        Counters that were read are returned, whatever stopped the rest. The verdict is
        a refusal only if nothing was read at all.
        """
        with TikTokSession(self._site) as session:
            try:
                reading = VideoReading(
                    session, handle=requested_handle(target), user_id=target.user_id
                )
            except RefusedError as refused:
                return refused.verdict
            reading.read(target.video_ids)
            if reading.refusal and not (reading.videos or reading.not_shown):
                return reading.refusal
            ok = self._ok(session, videos=tuple(reading.videos))
            # The video belongs to another creator, so it is not missing for this one.
            missing = tuple(
                video.video_id
                for video in reading.not_shown
                if video.reason != "someone_elses"
            )
            return VideosRead(
                ok=replace(ok, missing=missing),
                not_shown=tuple(reading.not_shown),
                unread=tuple(reading.unread),
            )

    def _ok(
        self,
        session: TikTokSession,
        *,
        profile: SeenAccount | None = None,
        videos: tuple[VideoObservation, ...] = (),
    ) -> Ok:
        return Ok(
            observed_at=self.now(),
            profile=profile.profile if profile else None,
            videos=videos,
            pages=session.requests,
            payload_sha256=session.digest,
        )


def _profile_of(session: TikTokSession, target: Target) -> SeenAccount:
    handle = requested_handle(target)
    page = session.read(
        f"/@{handle}",
        may_lead_to=re.compile(rf"/@{re.escape(handle)}/?", re.IGNORECASE),
    )
    profile = read_profile(page.body, handle=handle)
    refuse_another_account(profile, target, handle=handle)
    return profile


def _videos_of(
    session: TikTokSession, target: Target, page: SeenAccount
) -> tuple[VideoObservation, ...]:
    expected = page.profile.video_count
    if expected == 0:
        return ()
    # A known video is enough, if it is known to belong to this account.
    known = target.sec_uid if target.user_id == page.user_id else None
    sec_uid = page.profile.sec_uid or sec_uid_of(known)
    if sec_uid is None:
        raise RefusedError(SchemaChanged("The page lacks a secUid to list videos by."))
    return list_videos(
        session, sec_uid=sec_uid, author_id=page.user_id, expected=expected
    )
