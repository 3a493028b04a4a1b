"""A stream of cells: the HTML of parts of an open page, sent as it changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.response.sse import ServerSentEvent, ServerSentEventMessage

from api.http.access.stream_places import StreamPlaces
from api.http.errors import ApiError, known_error
from api.http.request import Request
from api.http.shutdown import Shutdown

MOST_OF_SESSION: Final = 10
"""The streams of pages that a session may have at the same time in each process."""
MOST_OF_PROCESS: Final = 100
"""The streams of pages that a process may have, because each polls for itself."""

# Seconds between two polls after which a shutdown is noticed.
_TICK_SECONDS = 0.25
# A page that receives nothing for several of these intervals shows the state as
# unknown.
_HEARTBEAT_SECONDS = 3.0
_RETRY_MS = 3_000
_NO_CONTENT = 204


async def watch_cells(
    ending: Shutdown,
    *,
    draw: Callable[[], Awaitable[Mapping[str, str]]],
    is_allowed: Callable[[], Awaitable[bool]],
    poll_seconds: float,
    shown: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda _: {},
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[ServerSentEventMessage]:
    """Yield the cells that changed, as events ``cells``.

    ``shown`` returns those cells of the first drawing that the page has already.
    If nothing changed the event is ``unchanged``, if a poll failed ``unavailable``;
    during a slow poll there is none. The stream ends with the process, and soon after
    the user may not see the page any more.
    """
    sent: dict[str, str] | None = None
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
            sent = {**shown(drawn)} if sent is None else sent
            changed = {key: x for key, x in drawn.items() if sent.get(key) != x}
        except Exception as error:
            # An unavailable database returns, and then the stream continues.
            if known_error(error) is None:
                raise
            is_known = False
        now = clock()
        if changed and sent is not None:
            sent |= changed
            text = msgspec.json.encode(changed).decode()
            # A browser whose connection broke says the id when it comes back.
            yield ServerSentEventMessage(text, event="cells", id="sent")
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


def answer_with_cells(
    request: Request,
    places: StreamPlaces,
    stream: AsyncGenerator[ServerSentEventMessage],
) -> Response[Any]:
    """Answer with a stream, or with no content if there are too many.

    A browser does not come back for a stream without content, and notes no error.
    """
    most = {request.context.session: MOST_OF_SESSION, "process": MOST_OF_PROCESS}
    try:
        held = places.held(stream, most=most)
    except ApiError:
        return Response(None, status_code=_NO_CONTENT)
    return ServerSentEvent(held, headers={"Cache-Control": "no-store"})
