"""What was decided last, kept in the browser so that it can be taken back."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from api.http.request import Request
from api.http.sessions import Sessions, set_cookie

COOKIE: Final = "goatherd_decided"

_SECONDS: Final = 600
_PURPOSE: Final = "decided"
_LONGEST: Final = 3_500
_ID_BYTES: Final = 16


class LastReview(Struct, frozen=True, array_like=True):
    """A review of one project's videos: which they were, and what was said of it."""

    project_id: UUID
    ids: bytes
    message: str

    @property
    def video_ids(self) -> list[UUID]:
        """Return the videos that the decision was about."""
        parts = range(0, len(self.ids), _ID_BYTES)
        return [UUID(bytes=self.ids[at : at + _ID_BYTES]) for at in parts]


def remember_review(
    request: Request,
    sessions: Sessions,
    *,
    project_id: UUID,
    video_ids: Sequence[UUID],
    message: str,
) -> None:
    """Remember a decision in the browser for some minutes; without videos forget it."""
    ids = b"".join(video_id.bytes for video_id in video_ids)
    payload = msgspec.msgpack.encode(LastReview(project_id, ids, message))
    value = sessions.signed(_PURPOSE, payload) if ids else ""
    header = set_cookie(
        COOKIE, value, seconds=_SECONDS if ids else 0, is_tls=request.is_tls
    )
    request.context.response_headers.append(header)


def last_review(
    request: Request, sessions: Sessions, *, project_id: UUID
) -> LastReview | None:
    """Return the last decision about a project's videos, if this browser took it."""
    payload = sessions.verified(
        _PURPOSE, request.sent_cookies.get(COOKIE), longest=_LONGEST
    )
    if payload is None:
        return None
    try:
        review = msgspec.msgpack.decode(payload, type=LastReview)
    except msgspec.DecodeError:
        # An older release kept it in another form.
        return None
    return review if review.project_id == project_id else None
