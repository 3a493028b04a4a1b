"""Requests to the Display API: within TikTok's limits, and what its errors mean."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Raw, Struct

from infra.logs import masked
from workers.connections.access import Access
from workers.http.tiktok_api import (
    Deadline,
    NoReplyError,
    TikTokHttp,
    TikTokReply,
    send,
    verdict_of_status,
)
from workers.provider import (
    Blocked,
    ProfileObservation,
    RateLimited,
    SchemaChanged,
    Transient,
)
from workers.providers.display.pace import Pace
from workers.providers.display.shapes import (
    BATCH_SIZE,
    VIDEO_FIELDS,
    DisplayedVideos,
    decoded,
    page_of,
    profile_of,
    user_fields,
)

USER_PATH = "/v2/user/info/"
LIST_PATH = "/v2/video/list/"
QUERY_PATH = "/v2/video/query/"
# A list of 10,000 videos that goes on must be an error.
MOST_PAGES = 500
# How long to wait after too many requests, if the answer does not say: TikTok counts
# the requests of a minute.
TOO_FAST_SECONDS = 30.0

_LONGEST_DETAIL = 300
_LONGEST_LOG_ID = 64
_CODES: dict[str, type[Blocked | Transient | SchemaChanged]] = {
    # The app was not granted it, whoever consents: TikTok has to review it.
    "scope_permission_missed": Blocked,
    "internal_error": Transient,
    "timeout": Transient,
    "invalid_params": SchemaChanged,
    "invalid_param": SchemaChanged,
    "invalid_request": SchemaChanged,
}


class AccessRefusedError(NoReplyError):
    """The access token is not valid, or not any more."""


class ScopeRefusedError(NoReplyError):
    """The creator does not allow it, or not any more."""


class _DisplayError(Struct, frozen=True):
    code: str
    message: Any = None
    log_id: Any = None


class _DisplayEnvelope(Struct, frozen=True):
    error: _DisplayError
    data: Raw = Raw(b"null")


class DisplayAPI:
    """The API for one app; make one for each process and share it between threads."""

    def __init__(self, http: TikTokHttp, pace: Pace) -> None:
        self.http = http
        self.pace = pace

    def user(
        self, access: Access, *, deadline: Deadline
    ) -> tuple[ProfileObservation, bytes]:
        """Return the account's profile, and the data that it was read from.

        Raises:
            NoReplyError: there is none.
            OtherAccountError: it is of another account than the one that connected.
        """
        fields = user_fields(access.scopes)
        data = self._ask("GET", USER_PATH, access, fields=fields, deadline=deadline)
        return profile_of(data, open_id=access.open_id), bytes(data)

    def videos(
        self, access: Access, *, deadline: Deadline
    ) -> Iterator[DisplayedVideos]:
        """Yield page after page of the account's public videos, the newest first.

        Raises:
            NoReplyError: a page could not be read.
        """
        cursor: int | None = None
        for _ in range(MOST_PAGES):
            body: dict[str, object] = {"max_count": BATCH_SIZE}
            if cursor is not None:
                body["cursor"] = cursor
            data = self._ask(
                "POST", LIST_PATH, access, fields=VIDEO_FIELDS, body=body,
                deadline=deadline,
            )  # fmt: skip
            page = page_of(data, after=cursor)
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor
        raise NoReplyError(SchemaChanged("A list of videos has no end."))

    def videos_by_id(
        self, access: Access, video_ids: Sequence[str], *, deadline: Deadline
    ) -> DisplayedVideos:
        """Return those of up to 20 videos that TikTok answers with.

        Raises:
            NoReplyError: they could not be read.
        """
        data = self._ask(
            "POST",
            QUERY_PATH,
            access,
            fields=VIDEO_FIELDS,
            body={"filters": {"video_ids": list(video_ids)}},
            deadline=deadline,
        )
        return page_of(data, is_whole=True)

    def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        access: Access,
        *,
        fields: str,
        deadline: Deadline,
        body: object = None,
    ) -> Raw:
        self.pace.wait(path, deadline)
        reply = send(
            self.http,
            method,
            path,
            deadline=deadline,
            token=access.token,
            params={"fields": fields},
            json=body,
        )
        return data_of(reply)


def data_of(reply: TikTokReply) -> Raw:
    """Return the reply's data, still encoded.

    Raises:
        AccessRefusedError: another access token may help.
        ScopeRefusedError: the creator does not allow it.
        NoReplyError: any other answer without data.
    """
    try:
        envelope: _DisplayEnvelope = decoded(reply.body, _DisplayEnvelope)
    except NoReplyError:
        size = len(reply.body)
        detail = f"HTTP {reply.status} with {size:,} bytes that are not the API's JSON."
        if reply.status == 200 and not reply.body.strip():
            raise NoReplyError(Transient(detail)) from None
        raise _by_status(reply, detail) from None
    error = envelope.error
    if reply.status == 200 and error.code == "ok":
        return envelope.data
    detail = _detail(reply, error)
    if error.code == "access_token_invalid":
        raise AccessRefusedError(Blocked(detail))
    if error.code == "scope_not_authorized":
        raise ScopeRefusedError(Blocked(detail))
    if reply.status == 429 or "limit_exceeded" in error.code:
        raise NoReplyError(RateLimited(reply.retry_after or TOO_FAST_SECONDS, detail))
    if kind := _CODES.get(error.code):
        raise NoReplyError(kind(detail))
    raise _by_status(reply, detail)


def _by_status(reply: TikTokReply, detail: str) -> NoReplyError:
    """Return an error by the status alone, for error pages and unknown codes."""
    if reply.status == 401:
        return AccessRefusedError(Blocked(detail))
    verdict = verdict_of_status(reply, detail, too_fast=TOO_FAST_SECONDS)
    return NoReplyError(verdict)


def _detail(reply: TikTokReply, error: _DisplayError) -> str:
    text = f"{error.code}: {error.message}" if error.message else error.code
    log_id = str(error.log_id)[:_LONGEST_LOG_ID]
    where = f" (HTTP {reply.status}, log_id {log_id})"
    return f"{masked(text)[: _LONGEST_DETAIL - len(where)]}{where}"
