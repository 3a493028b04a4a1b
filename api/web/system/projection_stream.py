"""The projection stream: the state of projections, sent to open pages as it changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from litestar.response.sse import ServerSentEventMessage

from api.http.shutdown import Shutdown
from api.routes.projection_responses import ProjectionState
from api.web.kit.cell_stream import watch_cells

LoadStates = Callable[[], Awaitable[list[ProjectionState]]]

_POLL_SECONDS = 1.0


class ProjectionStream:
    """Polls the API once a second, however many pages are open.

    The poll uses the rights of one of their users, because the state is that of the
    whole installation, and the same for all users who may see it.
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

    def watch(
        self,
        *,
        load: LoadStates,
        is_allowed: Callable[[], Awaitable[bool]],
        render: Callable[[list[ProjectionState]], dict[str, str]],
    ) -> AsyncGenerator[ServerSentEventMessage]:
        """Yield the cells that changed, as ``watch_cells`` does."""

        async def draw() -> dict[str, str]:
            return render(await self.latest(load))

        return watch_cells(
            self._ending,
            draw=draw,
            is_allowed=is_allowed,
            poll_seconds=_POLL_SECONDS,
            clock=self._clock,
        )
