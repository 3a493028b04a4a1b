"""The accounts of the pretended TikTok, with exact numbers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zlib import crc32

from msgspec import Struct

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import Ok
from workers.sources.demo import DEMO_HANDLES, DEMO_RECORDING
from workers.sources.demo.shift_dates import shifted
from workers.sources.port import Target
from workers.sources.providers.replay import Recording, ReplayProvider
from workers.sources.recordings.file_format import read_recording

# An account that the demo does not track, for a consent with the wrong account.
NEIGHBOUR = "goat-next-door"
# The digits that a rounded number of the recording has.
_KEPT_DIGITS = 3


class FakeVideo(Struct, frozen=True, kw_only=True):
    """A public video, as TikTok would count it."""

    id: str
    title: str
    create_time: int
    view_count: int
    like_count: int
    comment_count: int
    share_count: int


class FakeAccount(Struct, frozen=True, kw_only=True):
    username: str
    display_name: str
    follower_count: int
    following_count: int
    likes_count: int
    video_count: int
    videos: Sequence[FakeVideo] = ()

    @property
    def open_id(self) -> str:
        """The account's id for one app; it stays when the handle changes."""
        return f"-000{sha256(self.display_name.encode()).hexdigest()[:44]}"


Accounts = Callable[[], Mapping[str, FakeAccount]]


def demo_accounts(*, days: int) -> Accounts:
    """Return the accounts of the demo's creators, as its recording has them now.

    ``days`` is the shift of the demo's dates. If the recording has rounded numbers, the
    account has the digits that the rounding left out.
    """
    recording = Recording(shifted(read_recording(DEMO_RECORDING), days=days))
    replay = ReplayProvider(
        recording,
        started_at=recording.starts_at,
        speed=1.0,
        now=lambda: datetime.now(UTC),
    )

    def accounts() -> Mapping[str, FakeAccount]:
        # One creator has another handle after a while, and still is one account.
        found: dict[str, FakeAccount] = {}
        for handle in dict.fromkeys((*DEMO_HANDLES, *recording.handles)):
            account = _account(replay, handle)
            if account is not None:
                found.setdefault(account.open_id, account)
        by_handle = {account.username: account for account in found.values()}
        return {**by_handle, NEIGHBOUR: _neighbour()}

    return accounts


def _account(replay: ReplayProvider, handle: str) -> FakeAccount | None:
    target = Target(handle=handle)
    seen, listed = replay.creator_profiles(target), replay.discover_videos(target)
    profile = seen.profile if isinstance(seen, Ok) else None
    if profile is None:
        return None
    videos = listed.videos if isinstance(listed, Ok) else ()
    return FakeAccount(
        username=handle,
        display_name=profile.display_name or handle,
        follower_count=_exact(profile.follower_count, handle, "followers"),
        following_count=_exact(profile.following_count, handle, "following"),
        likes_count=_exact(profile.total_likes_count, handle, "likes"),
        video_count=profile.video_count or len(videos),
        videos=[_video(video) for video in videos],
    )


def _video(video: VideoObservation) -> FakeVideo:
    video_id, posted_at = video.tiktok_video_id, video.posted_at
    return FakeVideo(
        id=video_id,
        title=video.title or "",
        create_time=0 if posted_at is None else int(posted_at.timestamp()),
        view_count=_exact(video.view_count, video_id, "views"),
        like_count=_exact(video.like_count, video_id, "likes"),
        comment_count=_exact(video.comment_count, video_id, "comments"),
        share_count=_exact(video.share_count, video_id, "shares"),
    )


def _exact(number: int | None, name: str, what: str) -> int:
    """Return a number with the digits that rounding left out, always the same ones."""
    number = number or 0
    unit = 10 ** max(len(str(number)) - _KEPT_DIGITS, 0)
    if number % unit:
        return number
    return number + crc32(f"{name} {what}".encode()) % unit


def _neighbour() -> FakeAccount:
    posted_at = datetime.now(UTC) - timedelta(days=9)
    second = int(posted_at.timestamp())
    return FakeAccount(
        username=NEIGHBOUR,
        display_name="Goat next door",
        follower_count=1_204,
        following_count=88,
        likes_count=15_310,
        video_count=1,
        videos=[
            FakeVideo(
                id=str(second << 32),
                title="Over the fence",
                create_time=second,
                view_count=20_417,
                like_count=1_533,
                comment_count=61,
                share_count=24,
            )
        ],
    )
