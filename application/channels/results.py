"""The result of one try to send a message, and the requests of services over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from application.channels.messages import Message
from infra.http_out.posting import Posted, Poster
from infra.http_out.refusals import seconds_of
from infra.settings import Settings

# These statuses ask for another try. The other ones from 400 to 499 stay as they are.
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})
_GONE: Final = 410


class Sent(Struct, frozen=True, kw_only=True):
    """One try: whether the service took the message, or the reason why it did not.

    ``answer`` is the start of an answer over HTTP. ``failed`` names no address. After a
    try that ``is_final`` the same message need not be tried again; otherwise
    ``retry_after`` is the least wait in seconds that the service asks for.
    """

    failed: str | None = None
    status: int | None = None
    answer: str | None = None
    is_final: bool = False
    retry_after: float | None = None
    duration_ms: int = 0

    @property
    def is_taken(self) -> bool:
        return self.failed is None


class SendingContext(Struct, frozen=True, kw_only=True):
    """The needs of a transport: the room for other hosts, and secrets that sign."""

    settings: Settings
    poster: Poster
    secrets: Sequence[str] = ()
    channel_id: UUID
    organization_id: UUID

    def __repr__(self) -> str:
        return "SendingContext(***)"


class Transport(Protocol):
    """Sends a message to an address, once."""

    def __call__(
        self, context: SendingContext, address: str, message: Message
    ) -> Sent: ...


def posted(
    context: SendingContext,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    most_are_final: bool = True,
) -> Sent:
    """Post a body; with ``most_are_final`` a refusal (400 to 499) is for good."""
    done = context.poster.post(url, body, headers=headers)
    return Sent(
        failed=_reason(done),
        status=done.status,
        answer=done.answer.decode(errors="replace").replace("\0", "\ufffd") or None,
        is_final=_is_final(done, most_are_final=most_are_final),
        retry_after=None
        if done.retry_after is None
        else seconds_of(done.retry_after, now=datetime.now(UTC)),
        duration_ms=done.duration_ms,
    )


def _reason(done: Posted) -> str | None:
    if done.is_taken:
        return None
    return done.failed or f"The answer was {done.status}."


def _is_final(done: Posted, *, most_are_final: bool) -> bool:
    if done.status is None or done.status == _GONE:
        return done.status is not None
    return most_are_final and 400 <= done.status < 500 and done.status not in _TRY_AGAIN
