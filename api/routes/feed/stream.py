"""The stream: the feed as server-sent events, for as long as the reader may read it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.http.access.auth import Authenticator, Principal
from api.http.access.stream_places import StreamPlaces
from api.http.errors import ApiError, Code, field_error, known_error
from api.http.shutdown import SHUTDOWN, Shutdown
from api.routes.feed.signals import FeedSignals
from infra.database import AsyncPool
from infra.eventstore.codec import Codec
from projections.engine.reader import Reader
from projections.feed.queries import FeedEvent, FeedFilter, FeedPlace, public_events

MOST_STREAMS: Final = 20
"""The streams that an organization may have at the same time in each process."""
MOST_STREAMS_OF_KEY: Final = 5
"""The streams that a key may have of these, so that one client leaves some."""

_MOST_AT_ONCE = 200
# A revoked key ends its streams after this time, and half a second.
_CHECK_SECONDS = 2.0
_HEARTBEAT_SECONDS = 15.0
# Streams look for events without a notification this often.
_LOOK_SECONDS = 5.0
# A shutdown is noticed within this time.
_TICK_SECONDS = 0.25
_RETRY_MS = 3_000
_MOST_DIGITS = 18

_encode = msgspec.json.Encoder().encode


class FeedStreams:
    """Opens streams of the feed; ``ending`` ends them with the process.

    ``url`` is the database of the pool, for notifications.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: AsyncPool,
        codec: Codec,
        authenticator: Authenticator,
        ending: Shutdown = SHUTDOWN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._codec = codec
        self._authenticator = authenticator
        self._signals = FeedSignals(url)
        self._places = StreamPlaces()
        self._ending = ending
        self._clock = clock

    async def close(self) -> None:
        await self._signals.close()

    def is_allowed(
        self, principal: Principal, authorization: bytes | None
    ) -> Callable[[], Awaitable[bool]]:
        """Return the function that tells whether the stream may go on.

        It ends with the key, with the right to read, with the scope ``admin`` that the
        reader had, and with a change of the projects that the reader may see.
        """

        async def is_allowed() -> bool:
            try:
                now = await self._authenticator.authenticate(authorization)
                now.require("read")
            except ApiError as error:
                if error.code in {Code.INVALID_API_KEY, Code.INSUFFICIENT_SCOPE}:
                    return False
                raise
            return (
                now.project_ids == principal.project_ids
                and not now.lacks_second_factor
                and ("admin" in now.scopes or "admin" not in principal.scopes)
            )

        return is_allowed

    def watch(
        self,
        principal: Principal,
        requested: FeedFilter,
        *,
        after: FeedPlace,
        is_allowed: Callable[[], Awaitable[bool]],
    ) -> AsyncGenerator[ServerSentEventMessage]:
        """Return events after a place as they happen, and comments as a heartbeat.

        Raises:
            ApiError: ``rate_limit_exceeded``, if the organization or the key has the
                most streams already.
        """
        return self._places.held(
            self._events(principal, requested, after=after, is_allowed=is_allowed),
            most={
                principal.key_id: MOST_STREAMS_OF_KEY,
                principal.organization_id: MOST_STREAMS,
            },
        )

    async def _events(
        self,
        principal: Principal,
        requested: FeedFilter,
        *,
        after: FeedPlace,
        is_allowed: Callable[[], Awaitable[bool]],
    ) -> AsyncGenerator[ServerSentEventMessage]:
        organization_id = principal.organization_id
        reader = Reader(self._pool, self._codec, project_ids=principal.project_ids)
        with self._signals.signal(organization_id) as signal:
            yield ServerSentEventMessage(None, comment="listening", retry=_RETRY_MS)
            sent_at = look_at = check_at = self._clock()
            while not self._ending.has_begun:
                now = self._clock()
                try:
                    if now >= check_at:
                        check_at = now + _CHECK_SECONDS
                        if not await is_allowed():
                            return
                    if signal.is_set() or now >= look_at:
                        signal.clear()
                        look_at = now + _LOOK_SECONDS
                        page = await public_events(
                            reader,
                            organization_id,
                            requested,
                            after=after,
                            limit=_MOST_AT_ONCE,
                        )
                        for message in messages(page.events):
                            sent_at = now
                            yield message
                        after = max(after, FeedPlace(page.next_after))
                        if len(page.events) >= _MOST_AT_ONCE:
                            signal.set()
                            continue
                except Exception as error:
                    # An unavailable database returns, and then the stream goes on.
                    if known_error(error) is None:
                        raise
                    look_at = now
                if now - sent_at >= _HEARTBEAT_SECONDS:
                    sent_at = now
                    yield ServerSentEventMessage(None, comment="heartbeat")
                await _wait(signal)


async def _wait(signal: asyncio.Event) -> None:
    """Return once there is a signal, and after a tick in any case."""
    try:
        await asyncio.wait_for(signal.wait(), _TICK_SECONDS)
    except TimeoutError:
        return


def messages(events: Sequence[FeedEvent]) -> list[ServerSentEventMessage]:
    """Return the messages of whole positions.

    The id of the last event of a position is that position. An earlier one has its
    number there as well, so that a reader whose connection breaks misses nothing.
    """
    following = [*events, None][1:]
    return [
        ServerSentEventMessage(
            _encode(each.event).decode(),
            event=each.event.type,
            id=_place_text(each.place, is_last=_is_last(each, after)),
        )
        for each, after in zip(events, following, strict=True)
    ]


def _is_last(event: FeedEvent, following: FeedEvent | None) -> bool:
    return following is None or following.place.position != event.place.position


def _place_text(place: FeedPlace, *, is_last: bool) -> str:
    return f"{place.position}" if is_last else f"{place.position}.{place.ordinal}"


def read_place(last_event_id: bytes) -> FeedPlace:
    """Return the place that the id of a message names.

    Raises:
        ApiError: ``invalid_params``, if the id names no place.
    """
    position, dot, ordinal = last_event_id.partition(b".")
    parts = (position, ordinal) if dot else (position,)
    if not all(part.isdigit() and len(part) <= _MOST_DIGITS for part in parts):
        message = "must be the id of a message of the stream, or a position"
        raise field_error(Code.INVALID_PARAMS, "/Last-Event-ID", message)
    return FeedPlace(*map(int, parts))
