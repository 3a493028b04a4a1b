"""The projection stream: the state of projections, sent to open pages as it changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.http.errors import known_error
from api.http.shutdown import Shutdown
from api.routes.projection_responses import ProjectionState

LoadStates = Callable[[], Awaitable[list[ProjectionState]]]

_POLL_SECONDS = 1.0
# How soon it notices a shutdown between two polls.
_TICK_SECONDS = 0.25
_TICKS_BETWEEN_POLLS = round(_POLL_SECONDS / _TICK_SECONDS)
# A page that receives nothing for several of these intervals shows the state as
# unknown.
_HEARTBEAT_SECONDS = 3.0
_RETRY_MS = 3_000


class ProjectionStream:
    """Polls the API once a second, however many pages are open.

    It does so on behalf of one of their users, because the state is that of the whole
    installation, and the same for all users who may see it.
    """

    def __init__(
        self, ending: Shutdown, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ending = ending
        self._clock = clock
        self._lock = asyncio.Lock()
        self._states: list[ProjectionState] = []
        self._poll_at = 0.0

    async def latest(self, load: LoadStates) -> list[ProjectionState]:
        """Return the state of the projections, at most a second old."""
        async with self._lock:
            if self._clock() >= self._poll_at:
                self._states = await load()
                self._poll_at = self._clock() + _POLL_SECONDS
            return self._states

    async def watch(
        self,
        *,
        load: LoadStates,
        is_allowed: Callable[[], Awaitable[bool]],
        render: Callable[[list[ProjectionState]], dict[str, str]],
    ) -> AsyncGenerator[ServerSentEventMessage]:
        """Yield the cells that changed, as events ``cells``.

        If nothing changed it yields ``unchanged``, if a poll failed ``unavailable``;
        during a slow poll it is silent. It ends with the process, and soon after the
        user's key is no longer allowed to see it.
        """
        sent: dict[str, str] = {}
        sent_at = self._clock()
        is_known = True
        yield ServerSentEventMessage(None, comment="watching", retry=_RETRY_MS)
        while not self._ending.has_begun:
            changed: dict[str, str] = {}
            was_known, is_known = is_known, True
            try:
                if not await is_allowed():
                    return
                drawn = render(await self.latest(load))
                changed = {key: x for key, x in drawn.items() if sent.get(key) != x}
            except Exception as error:
                # An unavailable database comes back, and then the stream continues.
                if known_error(error) is None:
                    raise
                is_known = False
            now = self._clock()
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
            await self._pause()

    async def _pause(self) -> None:
        for _ in range(_TICKS_BETWEEN_POLLS):
            if self._ending.has_begun:
                return
            await asyncio.sleep(_TICK_SECONDS)
