"""The last review of an inbox, kept in a cookie so that it can be undone."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from api.web.kit.page import PageContext

COOKIE: Final = "goatherd_decided"

_SECONDS: Final = 600
_PURPOSE: Final = "decided"
_LONGEST: Final = 3_500
_ID_BYTES: Final = 16


class LastReview(Struct, frozen=True, array_like=True):
    """A review of one project's videos, and its message."""

    project_id: UUID
    ids: bytes
    message: str

    @property
    def video_ids(self) -> list[UUID]:
        starts = range(0, len(self.ids), _ID_BYTES)
        return [UUID(bytes=self.ids[at : at + _ID_BYTES]) for at in starts]


def remember_review(
    page: PageContext, *, project_id: UUID, video_ids: Sequence[UUID], message: str
) -> None:
    """Keep a review in the browser for some minutes.

    Without videos, forget the last review.
    """
    ids = b"".join(video_id.bytes for video_id in video_ids)
    payload = msgspec.msgpack.encode(LastReview(project_id, ids, message))
    value = page.site.sessions.signed(_PURPOSE, payload) if ids else ""
    page.set_cookie(COOKIE, value, seconds=_SECONDS if ids else 0)


def last_review(page: PageContext, *, project_id: UUID) -> LastReview | None:
    """Return the last review of a project's videos, if this browser sent it."""
    cookie = page.request.sent_cookies.get(COOKIE)
    payload = page.site.sessions.verified(_PURPOSE, cookie, longest=_LONGEST)
    if payload is None:
        return None
    try:
        review = msgspec.msgpack.decode(payload, type=LastReview)
    except msgspec.DecodeError:
        # An older release stored the review in another form.
        return None
    return review if review.project_id == project_id else None
