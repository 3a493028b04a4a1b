"""Signals: the streams of a process learn that their organization has new events."""

import asyncio
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from projections.feed.batch import CHANNEL

# The listener looks whether anybody still waits this often.
_LISTEN_SECONDS = 1.0
_RETRY_SECONDS = 1.0


class FeedSignals:
    """One connection of the process listens, as long as any stream is open.

    A stream holds no connection while it waits. Notifications are lost while the
    listener reconnects, so streams look by themselves from time to time.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    @contextmanager
    def signal(self, organization_id: UUID) -> Generator[asyncio.Event]:
        """Yield an event that is set whenever the organization has new events."""
        signal = asyncio.Event()
        self._waiting[organization_id].add(signal)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            yield signal
        finally:
            self._waiting[organization_id].discard(signal)
            if not self._waiting[organization_id]:
                del self._waiting[organization_id]

    async def close(self) -> None:
        """End the listener."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        while self._waiting:
            with suppress(psycopg.Error):
                await self._listen_once()
            if self._waiting:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _listen_once(self) -> None:
        connection = await AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            # Events from before the connection was open sent no notification here.
            for organization_id in [*self._waiting]:
                self._wake(organization_id)
            while self._waiting:
                async for notice in connection.notifies(timeout=_LISTEN_SECONDS):
                    self._wake(UUID(notice.payload))

    def _wake(self, organization_id: UUID) -> None:
        for signal in self._waiting.get(organization_id, ()):
            signal.set()
