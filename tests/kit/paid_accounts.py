"""Invented accounts and videos in the shapes of paid services, and a server of them."""

import re
from abc import ABC, abstractmethod
from typing import Any

from msgspec import Struct, field

from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite

HANDLE = "nanny.bleat"
USER_ID = "7040088116276600001"
SEC_UID = "MS4wLjABAAAA" + "nB-x_" * 12 + "Zq9w"
NEWEST = 1_795_000_000
_HOUR = 3_600
_VIDEO = re.compile(r"https://www\.tiktok\.com/@[^/]+/video/([0-9]+)")


class PaidAccount(Struct, kw_only=True):
    """An account as a service knows it, with its videos, newest first."""

    handle: str = HANDLE
    user_id: str = USER_ID
    videos: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    user: dict[str, Any] = field(default_factory=dict[str, Any])
    stats: dict[str, Any] = field(default_factory=dict[str, Any])

    def add_videos(self, amount: int) -> list[str]:
        """Add older and older videos; return their ids."""
        ids = [str(7_100_000_000_000_000_900 - n) for n in range(amount)]
        self.videos += [
            an_aweme(
                video_id,
                create_time=NEWEST - n * _HOUR,
                author={"uid": self.user_id, "unique_id": self.handle},
            )
            for n, video_id in enumerate(ids)
        ]
        return ids

    @property
    def web(self) -> dict[str, Any]:
        """The account in the web's shape."""
        return {
            "user": {
                "id": self.user_id,
                "shortId": "",
                "uniqueId": self.handle,
                "nickname": "Nanny Bleat",
                "avatarLarger": "https://p16.example.net/avt-0068/1080.jpeg",
                "avatarMedium": "https://p16.example.net/avt-0068/720.jpeg",
                "avatarThumb": "https://p16.example.net/avt-0068/100.jpeg",
                "signature": "hay, mostly",
                "createTime": 1_550_594_547,
                "verified": True,
                "secUid": SEC_UID,
                "ftc": False,
                "privateAccount": False,
                "secret": False,
                **self.user,
            },
            "stats": {
                "followerCount": 4_100_000,
                "followingCount": 74,
                "heart": 190_400_000,
                "heartCount": 190_400_000,
                "videoCount": len(self.videos),
                "diggCount": 0,
                "friendCount": 52,
                **self.stats,
            },
        }

    @property
    def app(self) -> dict[str, Any]:
        """The account in the app's shape."""
        return {
            "uid": self.user_id,
            "unique_id": self.handle,
            "nickname": "Nanny Bleat",
            "sec_uid": SEC_UID,
            "avatar_larger": {"url_list": ["https://p16.example.net/avt/1080.webp"]},
            "secret": 0,
            "follower_count": 4_100_233,
            "following_count": 74,
            "total_favorited": 190_412_345,
            "aweme_count": len(self.videos),
            **self.user,
        }


def an_aweme(video_id: str, **changes: object) -> dict[str, Any]:
    """A video in the app's shape."""
    return {
        "aweme_id": video_id,
        "desc": "Which #hay is best? 🐐 @berta",
        "create_time": NEWEST,
        "author": {"uid": USER_ID, "unique_id": HANDLE, "nickname": "Nanny Bleat"},
        "statistics": {
            "aweme_id": video_id,
            "play_count": 987_654,
            "digg_count": 56_789,
            "comment_count": 1_234,
            "share_count": 456,
            "collect_count": 78,
            "download_count": 12,
        },
        "video": {
            "duration": 15_000,
            "cover": {"url_list": ["https://p16.example.net/cover.webp"]},
        },
        "status": {"is_delete": False, "private_status": 0},
        "music": {
            "id": 7_064_643_531_196_860_417,
            "id_str": "7064643531196860417",
            "title": "original sound - nanny",
            "author": "Nanny Bleat",
            "is_original_sound": True,
        },
        "cha_list": [{"cha_name": "hay"}],
        # Places are in units of UTF-16: the goat is two.
        "text_extra": [
            {"start": 6, "end": 10, "hashtag_name": "Hay", "type": 1},
            {"start": 23, "end": 29, "user_id": "7", "hashtag_name": "", "type": 0},
        ],
        "is_ads": False,
        "is_top": 1,
        "desc_language": "en",
        **changes,
    }


class PaidServer(ScriptedSite, ABC):
    """A service that has the accounts a test puts in, unless ``answers`` has a path."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, PaidAccount] = {}

    def add(self, account: PaidAccount) -> PaidAccount:
        self.accounts[account.handle] = account
        return account

    def answer_to(self, request: ReceivedRequest) -> Answer:
        if request.path in self.answers:
            return super().answer_to(request)
        return self.answer_from_accounts(request)

    @abstractmethod
    def answer_from_accounts(self, request: ReceivedRequest) -> Answer:
        """Answer as the service does, by what the accounts have."""

    def requested_video(self, request: ReceivedRequest) -> dict[str, Any] | None:
        named = _VIDEO.fullmatch(request.query["url"][0])
        assert named
        for account in self.accounts.values():
            for video in account.videos:
                if video["aweme_id"] == named[1]:
                    return video
        return None
