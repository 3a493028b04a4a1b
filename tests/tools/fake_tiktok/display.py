"""The pretended Display API: users and videos, as far as the consent allows."""

import secrets
from collections.abc import Sequence
from typing import Any

from domain.connection.consent import BASIC, PROFILE, STATS, VIDEOS
from tests.tools.fake_tiktok.accounts import Accounts, FakeAccount, FakeVideo
from tests.tools.fake_tiktok.consents import FakeAnswer, FakeConsents

_PAGE = 20
_SCOPE_OF = {
    **dict.fromkeys(("open_id", "union_id", "avatar_url", "display_name"), BASIC),
    **dict.fromkeys(("username", "bio_description", "is_verified"), PROFILE),
    **dict.fromkeys(
        ("follower_count", "following_count", "likes_count", "video_count"), STATS
    ),
}
_VIDEO_FIELDS = frozenset(FakeVideo.__struct_fields__) | {
    *("video_description", "cover_image_url", "share_url", "duration"),
}


class FakeDisplay:
    """Answers requests that bring an access token."""

    def __init__(self, accounts: Accounts, consents: FakeConsents) -> None:
        self._accounts = accounts
        self._consents = consents

    def user(self, token: str, fields: str) -> FakeAnswer:
        """Answer GET /v2/user/info/."""
        account = self._account(token)
        if account is None:
            return _token_invalid()
        allowed = self._consents.scopes_of(account.open_id) or []
        user: dict[str, Any] = {}
        for field in fields.split(","):
            scope = _SCOPE_OF.get(field)
            if scope is None:
                return _error(400, "invalid_params", f"Field {field} is unknown.")
            if scope not in allowed:
                return _no_scope(scope)
            user[field] = self._field(account, field)
        return _ok({"user": user})

    def list_videos(self, token: str, fields: str, body: dict[str, Any]) -> FakeAnswer:
        """Answer POST /v2/video/list/: the newest first, at most 20 at a time."""
        account, refused = self._for_videos(token, fields)
        if account is None:
            return refused
        size = body.get("max_count", 10)
        if not isinstance(size, int) or not 1 <= size <= _PAGE:
            return _error(400, "invalid_params", "max_count must be 1 to 20.")
        before = body.get("cursor") or 2**62
        newest = sorted(account.videos, key=lambda v: v.create_time, reverse=True)
        rest = [video for video in newest if video.create_time * 1_000 < before]
        shown = rest[:size]
        return _ok(
            {
                "videos": _shown(shown, fields),
                "cursor": shown[-1].create_time * 1_000 if shown else 0,
                "has_more": len(rest) > len(shown),
            }
        )

    def query_videos(self, token: str, fields: str, body: dict[str, Any]) -> FakeAnswer:
        """Answer POST /v2/video/query/: the existing ones among up to 20 ids."""
        account, refused = self._for_videos(token, fields)
        if account is None:
            return refused
        ids = body.get("filters", {}).get("video_ids", [])
        if not 1 <= len(ids) <= _PAGE:
            return _error(400, "invalid_params", "video_ids must be 1 to 20.")
        found = [video for video in account.videos if video.id in ids]
        return _ok({"videos": _shown(found, fields)})

    def _for_videos(
        self, token: str, fields: str
    ) -> tuple[FakeAccount | None, FakeAnswer]:
        account = self._account(token)
        if account is None:
            return None, _token_invalid()
        if VIDEOS not in (self._consents.scopes_of(account.open_id) or []):
            return None, _no_scope(VIDEOS)
        for field in fields.split(","):
            if field not in _VIDEO_FIELDS:
                return None, _error(400, "invalid_params", f"Field {field} is unknown.")
        return account, _ok({})

    def _account(self, token: str) -> FakeAccount | None:
        open_id = self._consents.account_of(token)
        found = (a for a in self._accounts().values() if a.open_id == open_id)
        return next(found, None)

    def _field(self, account: FakeAccount, field: str) -> Any:  # noqa: ANN401 - JSON
        match field:
            case "union_id":
                return f"union{account.open_id}"
            case "avatar_url" | "bio_description":
                return ""
            case "is_verified":
                return False
            case _:
                return getattr(account, field)


def _shown(videos: Sequence[FakeVideo], fields: str) -> list[dict[str, Any]]:
    return [
        {
            field: video.title
            if field == "video_description"
            else getattr(video, field, "")
            for field in fields.split(",")
        }
        for video in videos
    ]


def _ok(data: dict[str, Any]) -> FakeAnswer:
    return 200, {"data": data, "error": _described("ok", "")}


def _error(status: int, code: str, message: str) -> FakeAnswer:
    return status, {"data": {}, "error": _described(code, message)}


def _described(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message, "log_id": secrets.token_hex(8)}


def _token_invalid() -> FakeAnswer:
    text = "The access token is invalid or not found in the request."
    return _error(401, "access_token_invalid", text)


def _no_scope(scope: str) -> FakeAnswer:
    text = f"The user did not authorize the scope {scope}."
    return _error(401, "scope_not_authorized", text)
