"""A stream of cells: the HTML of parts of an open page, sent as it changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.http.errors import known_error
from api.http.shutdown import Shutdown

# Seconds between two polls after which a shutdown is noticed.
_TICK_SECONDS = 0.25
# A page that receives nothing for several of these intervals shows the state as
# unknown.
_HEARTBEAT_SECONDS = 3.0
_RETRY_MS = 3_000


async def watch_cells(
    ending: Shutdown,
    *,
    draw: Callable[[], Awaitable[Mapping[str, str]]],
    is_allowed: Callable[[], Awaitable[bool]],
    poll_seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[ServerSentEventMessage]:
    """Yield the cells that changed, as events ``cells``.

    If nothing changed the event is ``unchanged``, if a poll failed ``unavailable``;
    during a slow poll there is none. The stream ends with the process, and soon after
    the user may not see the page any more.
    """
    sent: dict[str, str] = {}
    sent_at = clock()
    is_known = True
    yield ServerSentEventMessage(None, comment="watching", retry=_RETRY_MS)
    while not ending.has_begun:
        changed: dict[str, str] = {}
        was_known, is_known = is_known, True
        try:
            if not await is_allowed():
                return
            drawn = await draw()
            changed = {key: x for key, x in drawn.items() if sent.get(key) != x}
        except Exception as error:
            # An unavailable database returns, and then the stream continues.
            if known_error(error) is None:
                raise
            is_known = False
        now = clock()
        if changed:
            sent |= changed
            text = msgspec.json.encode(changed).decode()
            yield ServerSentEventMessage(text, event="cells")
            sent_at = now
        elif is_known != was_known or now - sent_at >= _HEARTBEAT_SECONDS:
            yield ServerSentEventMessage(
                "", event="unchanged" if is_known else "unavailable"
            )
            sent_at = now
        for _ in range(round(poll_seconds / _TICK_SECONDS)):
            if ending.has_begun:
                return
            await asyncio.sleep(_TICK_SECONDS)
