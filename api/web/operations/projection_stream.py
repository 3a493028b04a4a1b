"""The board: where projections stand, told to everybody who watches as it changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.http.errors import known_error
from api.http.shutdown import Shutdown
from api.routes.projection_responses import ProjectionState

Ask = Callable[[], Awaitable[list[ProjectionState]]]

_LOOK_EVERY_SECONDS = 1.0
# An end is heard this soon, though a look is further away.
_TICK_SECONDS = 0.25
_TICKS_BETWEEN_LOOKS = round(_LOOK_EVERY_SECONDS / _TICK_SECONDS)
# A page that hears nothing for some of these takes it that nothing is known.
_HEARTBEAT_SECONDS = 3.0
_RETRY_MS = 3_000


class Board:
    """Asks once a second, however many watch; nobody waits with a connection in hand.

    It asks as one of those who watch: what is answered is of the whole installation,
    and the same for all who may see it.
    """

    def __init__(
        self, ending: Shutdown, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ending = ending
        self._clock = clock
        self._lock = asyncio.Lock()
        self._found: list[ProjectionState] = []
        self._look_at = 0.0

    async def latest(self, ask: Ask) -> list[ProjectionState]:
        """Return where projections stood at most a second ago."""
        async with self._lock:
            if self._clock() >= self._look_at:
                self._found = await ask()
                self._look_at = self._clock() + _LOOK_EVERY_SECONDS
            return self._found

    async def watch(
        self,
        *,
        ask: Ask,
        is_allowed: Callable[[], Awaitable[bool]],
        draw: Callable[[list[ProjectionState]], dict[str, str]],
    ) -> AsyncGenerator[ServerSentEventMessage]:
        """Tell what was drawn otherwise than before, and whether we could look at all.

        Of nothing new it tells that it ``looked``, of a look that failed ``unseen``;
        while a look takes its time it is silent. It ends with the process, and soon
        after whoever watches may do so no more.
        """
        told: dict[str, str] = {}
        told_at = self._clock()
        could_look = True
        yield ServerSentEventMessage(None, comment="watching", retry=_RETRY_MS)
        while not self._ending.has_begun:
            changed: dict[str, str] = {}
            could, could_look = could_look, True
            try:
                if not await is_allowed():
                    return
                drawn = draw(await self.latest(ask))
                changed = {key: x for key, x in drawn.items() if told.get(key) != x}
            except Exception as error:
                # A database that is away comes back, and so does what we tell.
                if known_error(error) is None:
                    raise
                could_look = False
            now = self._clock()
            if changed:
                told |= changed
                text = msgspec.json.encode(changed).decode()
                yield ServerSentEventMessage(text, event="cells")
                told_at = now
            elif could_look != could or now - told_at >= _HEARTBEAT_SECONDS:
                yield ServerSentEventMessage(
                    "", event="looked" if could_look else "unseen"
                )
                told_at = now
            await self._pause()

    async def _pause(self) -> None:
        for _ in range(_TICKS_BETWEEN_LOOKS):
            if self._ending.has_begun:
                return
            await asyncio.sleep(_TICK_SECONDS)
