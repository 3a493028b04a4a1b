"""The pools of one process, and the services on them that routes are given by name."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.di import Provide

from api.http.access.auth import Authenticator
from api.http.reading.paging import provide_list_request
from api.http.reading.snapshots import provide_reader
from api.http.writer import CommandWriter
from infra.database import own_pool, reading_pool, writing_pool
from infra.eventstore.store import Store
from infra.settings import Settings

if TYPE_CHECKING:
    from api.http.access.rate_limit import RequestLimiter
    from api.routes.feed.stream import FeedStreams
    from application.connect.service import Connections
    from application.integrity.signing import InstallationSigner
    from application.reports.recipients import Recipients
    from application.shares.service import SharedLinks
    from projections.engine.kept_results import KeptResults

# The last 30 days of about 10,000 creators.
_MOST_BYTES_OF_FIGURES = 16 * 2**20


class Services:
    """The pools, which open when the process starts, and the services on them.

    A service is made, and its library loaded, by the first route that needs it: a
    command needs few of them.
    """

    def __init__(self, settings: Settings, *, url: str, secret: str) -> None:
        self.settings = settings
        self.plans = settings.all_plans
        self.writing = writing_pool(url, size=settings.writing_pool_size)
        self.reading = reading_pool(url, size=settings.reading_pool_size)
        self.own = own_pool(url, size=settings.own_pool_size)
        self.store = Store(self.writing, settings)
        self.secret = secret
        self._url = url
        self._streams: FeedStreams | None = None

    @cached_property
    def connections(self) -> "Connections":
        from application.connect.service import Connections

        return Connections(self.store, self.settings)

    @cached_property
    def limiter(self) -> "RequestLimiter":
        from api.http.access.rate_limit import RequestLimiter

        return RequestLimiter(self.own)

    @cached_property
    def signer(self) -> "InstallationSigner":
        from application.integrity.signing import InstallationSigner

        return InstallationSigner(self.writing, self.settings)

    @cached_property
    def kept_figures(self) -> "KeptResults":
        from projections.engine.kept_results import KeptResults

        return KeptResults(most_bytes=_MOST_BYTES_OF_FIGURES)

    @cached_property
    def recipients(self) -> "Recipients":
        from application.reports.recipients import Recipients

        return Recipients(self.store)

    @cached_property
    def shared_links(self) -> "SharedLinks":
        from application.shares.service import SharedLinks

        return SharedLinks(self.store, self.own, plans=self.plans)

    def provided(self, authenticator: Authenticator) -> dict[str, Provide]:
        """Return the dependencies of routes by name.

        Streams ask the authenticator again and again who reads them.
        """

        def streams() -> object:
            if self._streams is None:
                from api.routes.feed.stream import FeedStreams

                self._streams = FeedStreams(
                    self._url,
                    pool=self.reading,
                    codec=self.store.codec,
                    authenticator=authenticator,
                )
            return self._streams

        writer = CommandWriter(
            self.store,
            plans=self.plans,
            max_queue_age_seconds=self.settings.max_queue_age_seconds,
            secret=self.secret,
        )
        return {
            "reader": provide_reader(self.reading, self.store.codec),
            "listing": provide_list_request(self.secret),
            "writer": _provide(lambda: writer),
            "own": _provide(lambda: self.own),
            "settings": _provide(lambda: self.settings),
            "connections": _provide(lambda: self.connections),
            "kept_figures": _provide(lambda: self.kept_figures),
            "feed_streams": _provide(streams),
            "limiter": _provide(lambda: self.limiter),
            "recipients": _provide(lambda: self.recipients),
            "shared_links": _provide(lambda: self.shared_links),
            "signer": _provide(lambda: self.signer),
        }

    @asynccontextmanager
    async def open(self, app: Litestar) -> AsyncGenerator[None]:
        """Open the pools, and close them at the end of the application.

        They open without waiting: while the database is unreachable, requests fail and
        the process does not, and it reconnects once the database is back.
        """
        del app
        self.writing.open()
        await self.reading.open()
        await self.own.open()
        try:
            yield
        finally:
            if self._streams is not None:
                await self._streams.close()
            await self.own.close()
            await self.reading.close()
            self.writing.close()


def _provide(value: Callable[[], object]) -> Provide:
    return Provide(value, sync_to_thread=False)
