"""Reads profiles and videos from the state that TikTok's pages embed."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    SchemaChanged,
    Transient,
)
from infra.http_out.refusals import RefusedError
from workers.sources.shapes.codes import (
    NotShown,
    reason_of_code,
    refusal_of_any_code,
    refusal_of_code,
)
from workers.sources.shapes.json_values import (
    code_of,
    decode,
    items_of,
    text_of,
    within,
)
from workers.sources.shapes.web import (
    SeenAccount,
    account_of,
    author_of,
    own_videos,
    video_of,
)

_STATE = b"__UNIVERSAL_DATA_FOR_REHYDRATION__"
# Pages had this until 2023, and rarely have it since.
_OLDER_STATE = b"SIGI_STATE"

_LONGEST_NAME = 500
_LONGEST_TAG = 1_000

# Texts of pages that TikTok sends instead of the requested one. They matter only if the
# state is missing, because ordinary pages mention captchas too.
_CHALLENGES = (
    b"captcha",
    b"please wait...",
    b"_wafchallengeid",
    b'id="wci"',
    b"<title>log in",
    b"<title>access denied",
)


class ProfilePage(Struct, frozen=True, kw_only=True):
    """An account, and the videos that its page shows, by id."""

    account: SeenAccount
    videos: dict[str, VideoObservation]


class VideoPage(Struct, frozen=True, kw_only=True):
    """A video, and its author's id and handle, if the page has them."""

    author_id: str | None
    author: str | None
    video: VideoObservation


class _Account(Struct, frozen=True, kw_only=True):
    """The fields about an account that both kinds of page have, as sent."""

    code: object | None
    user: object | None
    stats: object | None
    exact_stats: object | None = None
    items: object | None = None


def read_profile(html: bytes, *, handle: str) -> ProfilePage:
    """Return the profile on a page, and the videos that some pages show with it.

    Raises:
        RefusedError: the page has no profile; the verdict has the reason.
    """
    account = _account_on(html, handle)
    _refuse_by_code(account, handle)
    seen = account_of(
        account.user,
        exact=account.exact_stats,
        rounded=account.stats,
        subject=f"The page of @{handle}",
        handle=handle,
    )
    return ProfilePage(
        account=seen,
        videos=own_videos(items_of(account.items), author_id=seen.user_id),
    )


def read_video(html: bytes, *, video_id: str, photo: bool) -> VideoPage | NotShown:
    """Return the video on a page; ``photo`` says whether its address named a photo.

    Raises:
        RefusedError: the page says nothing about the video.
    """
    state = _state_on(html, _STATE)
    if state is None:
        raise RefusedError(_refusal_of_strange(html))
    detail = within(state, "__DEFAULT_SCOPE__", "webapp.video-detail")
    item = within(detail, "itemInfo", "itemStruct")
    written = within(detail, "statusCode")
    code = 0 if written is None and item else code_of(written)
    if code is None:
        raise RefusedError(SchemaChanged(f"The page of video {video_id} says nothing."))
    if code != 0:
        if reason := reason_of_code(code):
            return NotShown(video_id=video_id, reason=reason, code=code)
        raise RefusedError(refusal_of_any_code(code))
    if within(item, "isContentClassified") is True and not within(item, "video"):
        return NotShown(video_id=video_id, reason="unavailable")
    video = video_of(item)
    if video is None or video.tiktok_video_id != video_id:
        raise RefusedError(SchemaChanged(f"The page of video {video_id} is not its."))
    return VideoPage(
        author_id=author_of(item),
        author=text_of(within(item, "author", "uniqueId"), longest=_LONGEST_NAME),
        video=replace(video, kind="photo") if photo else video,
    )


def _account_on(html: bytes, handle: str) -> _Account:
    state = _state_on(html, _STATE)
    detail = within(state, "__DEFAULT_SCOPE__", "webapp.user-detail")
    if detail is not None:
        info = within(detail, "userInfo")
        return _Account(
            code=within(detail, "statusCode"),
            user=within(info, "user"),
            stats=within(info, "stats"),
            exact_stats=within(info, "statsV2"),
            items=within(info, "itemList"),
        )
    older = _state_on(html, _OLDER_STATE)
    if older is not None:
        name = within(older, "UserPage", "uniqueId")
        key = name if isinstance(name, str) else handle
        return _Account(
            code=within(older, "UserPage", "statusCode"),
            user=within(older, "UserModule", "users", key),
            stats=within(older, "UserModule", "stats", key),
        )
    if state is not None:
        raise RefusedError(SchemaChanged(f"The page of @{handle} lacks its account."))
    raise RefusedError(_refusal_of_strange(html))


def _refuse_by_code(account: _Account, handle: str) -> None:
    written = account.code
    code = 0 if written is None and account.user else code_of(written)
    if code is None:
        unread = SchemaChanged(f"The page of @{handle} says nothing of the account.")
        raise RefusedError(unread)
    if refusal := refusal_of_code(code, handle=handle):
        raise RefusedError(refusal)
    if not isinstance(account.user, dict):
        raise RefusedError(SchemaChanged(f"The page of @{handle} lacks its account."))


def _state_on(html: bytes, script_id: bytes) -> object | None:
    """Return the JSON of the script with this id, None if there is no such script.

    Raises:
        RefusedError: the script cannot be read.
    """
    for start in _scripts(html, script_id):
        end = html.find(b"</script", start)
        if end < 0:
            raise RefusedError(Transient("The page was cut off."))
        state = decode(html[start:end])
        if not isinstance(state, dict):
            raise RefusedError(SchemaChanged("The state of the page is not JSON."))
        return state  # pyright: ignore[reportUnknownVariableType]
    return None


def _scripts(html: bytes, script_id: bytes) -> Iterator[int]:
    """Yield the positions at which the contents of such scripts begin.

    It searches without patterns, because a page could have megabytes for which a
    pattern takes hours.
    """
    at = html.find(script_id)
    while at >= 0:
        # A text that only mentions the id is not within the tag of a script.
        tag = html[max(at - _LONGEST_TAG, 0) : at].rpartition(b"<")[2]
        close = html.find(b">", at, at + _LONGEST_TAG)
        if tag.lower().startswith(b"script") and b">" not in tag and close >= 0:
            yield close + 1
        at = html.find(script_id, at + len(script_id))


def _refusal_of_strange(html: bytes) -> Blocked | Transient | SchemaChanged:
    if not html.strip():
        return Transient("The page was empty.")
    text = html.lower()
    if any(mark in text for mark in _CHALLENGES):
        return Blocked("TikTok showed a challenge in place of the page.")
    return SchemaChanged("The page carries no state.")
