"""Requests to the Display API within TikTok's limits, and its errors' meanings."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Literal

from msgspec import Raw

from application.connect.access import Access
from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    Blocked,
    RateLimited,
    SchemaChanged,
)
from infra.http_out.client import HttpClient
from infra.http_out.limiter import Limiter, NoTurnError
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import Deadline, TikTokReply, send
from workers.sources.providers.display.shapes import (
    BATCH_SIZE,
    VIDEO_FIELDS,
    DisplayedVideos,
    page_of,
    profile_of,
    user_fields,
)
from workers.sources.tiktok_envelope import open_envelope, refusal_of

USER_PATH = "/v2/user/info/"
LIST_PATH = "/v2/video/list/"
QUERY_PATH = "/v2/video/query/"
# TikTok allows an app so many requests of a kind in a minute.
A_MINUTE = 600
# A list of more than 10,000 videos must be an error.
MOST_PAGES = 500
# The wait after too many requests, if the answer does not say: TikTok counts the
# requests of a minute.
TOO_FAST_SECONDS = 30.0


class ScopeRefusedError(RefusedError):
    """The creator does not allow this request, or not any more."""


class DisplayAPI:
    """The API for one app, the ``owner`` of its limits.

    Make one for each process and share it between threads.
    """

    def __init__(self, http: HttpClient, limiter: Limiter, *, owner: str) -> None:
        self.http = http
        self._limiter = limiter
        self._owner = sha256(owner.encode()).hexdigest()[:16]

    def user(
        self, access: Access, *, deadline: Deadline
    ) -> tuple[ProfileObservation, bytes]:
        """Return the account's profile, and the data that it was read from.

        Raises:
            RefusedError: there is no readable profile.
            OtherAccountError: the profile is of another account than the connected one.
        """
        fields = user_fields(access.scopes)
        data = self._ask("GET", USER_PATH, access, fields=fields, deadline=deadline)
        return profile_of(data, open_id=access.open_id), bytes(data)

    def videos(
        self, access: Access, *, deadline: Deadline
    ) -> Iterator[DisplayedVideos]:
        """Yield page after page of the account's public videos, the newest first.

        Raises:
            RefusedError: a page could not be read.
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
        raise RefusedError(SchemaChanged("A list of videos has no end."))

    def videos_by_id(
        self, access: Access, video_ids: Sequence[str], *, deadline: Deadline
    ) -> DisplayedVideos:
        """Return the videos among up to 20 ids that TikTok answers with.

        Raises:
            RefusedError: the videos could not be read.
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
        self._wait(path, deadline)
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

    def _wait(self, path: str, deadline: Deadline) -> None:
        """Wait until a request may be sent, for up to half of the time left."""
        patience = deadline.left() / 2
        try:
            with self._limiter.turn(f"{self._owner}:{path}", patience=patience):
                pass
        except NoTurnError as error:
            detail = (
                f"TikTok allows {self._limiter.most} requests of a kind in a minute."
            )
            refused = RateLimited(error.retry_after, detail)
            raise RefusedError(refused, was_sent=False) from None


def data_of(reply: TikTokReply) -> Raw:
    """Return the reply's data, still encoded.

    Raises:
        TokenRefusedError: another access token may help.
        ScopeRefusedError: the creator does not allow the request.
        RefusedError: any other answer without data.
    """
    found = open_envelope(reply, too_fast=TOO_FAST_SECONDS)
    if isinstance(found, Raw):
        return found
    if found.code == "scope_not_authorized":
        raise ScopeRefusedError(Blocked(found.detail(reply)))
    raise refusal_of(reply, found, too_fast=TOO_FAST_SECONDS)
