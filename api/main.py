"""Where the HTTP process is put together: what granian calls in each of its workers."""

import gc
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar
from litestar.di import NamedDependency, Provide
from prometheus_client import CollectorRegistry

from api.analytics import AnalyticsRoutes
from api.api_keys import ApiKeyRoutes
from api.app import Parts, create_app
from api.attempts import FailedAttempts
from api.auth import Authenticator, Principal
from api.bans import BanRoutes
from api.creator_figures import CreatorFigureRoutes
from api.creators import CreatorRoutes
from api.gauges import Gauges
from api.history import HistoryRoutes
from api.limits import RequestLimiter
from api.organization import Organization, OrganizationRoutes
from api.project_creators import ProjectCreatorRoutes
from api.project_videos import InboxRoutes, ProjectVideoRoutes
from api.projection_answers import ProjectionState
from api.projections import ProjectionRoutes
from api.projects import ProjectRoutes
from api.readiness import readiness_checks, readiness_warnings
from api.reading import Pages
from api.scrapes import ScrapeRoutes
from api.sessions import Sessions
from api.videos import VideoRoutes
from api.web.assets import Assets
from api.web.routes import web_routes
from api.web.sign_in import Door
from api.web.site import Site
from api.writing import Writer
from infra.database import own_pool, reading_pool, writing_pool
from infra.logs import configure_logs
from infra.settings import Settings, SettingsError
from infra.store import Store
from projections.api_keys import ApiKey, holder_of
from projections.bans import Ban
from projections.creators import Creator
from projections.history import Entry
from projections.projects import Project
from projections.reading import Reader
from projections.runs import Scrape
from projections.videos_list import Video

ENTITIES = {
    "organization": Organization,
    "project": Project,
    "creator": Creator,
    "video": Video,
    "scrape": Scrape,
    "history_entry": Entry,
    "api_key": ApiKey,
    "ban": Ban,
    "projection": ProjectionState,
}


def create() -> Litestar:
    """Return the application that the environment describes.

    Raises:
        SettingsError: a setting is missing or unreadable.
    """
    settings = Settings.from_environment(os.environ)
    configure_logs(level=settings.log_level, form=settings.log_format)
    app = assemble(settings)
    # What there is by now stays until the end. Looked through for cycles with all else,
    # it held up every tenth or twentieth answer for 50 ms.
    gc.collect()
    gc.freeze()
    return app


def assemble(settings: Settings) -> Litestar:
    """Return the application for these settings; its pools open when it starts.

    Raises:
        SettingsError: DATABASE_URL or SECRET is missing.
    """
    url, secret = settings.database_url, settings.secret
    if url is None or secret is None:
        msg = "Serving needs GOATHERD_DATABASE_URL and GOATHERD_SECRET."
        raise SettingsError(msg)
    plans = settings.all_plans
    writing = writing_pool(url, size=settings.writing_pool_size)
    reading = reading_pool(url, size=settings.reading_pool_size)
    own = own_pool(url, size=settings.own_pool_size)
    writer = Writer(
        Store(writing),
        plans=plans,
        max_queue_age_seconds=settings.max_queue_age_seconds,
        secret=secret,
    )
    reader, pages = Reader(reading), Pages(secret)

    async def look_up(digest: bytes) -> Principal | None:
        holder = await holder_of(own, digest)
        if holder is None:
            return None
        return Principal(
            key_id=holder.key_id,
            organization_id=holder.organization_id,
            scopes=frozenset(holder.scopes),
            plan=holder.plan,
            limits=plans[holder.plan],
        )

    def provide_pages(reader: NamedDependency[Reader]) -> Pages:
        # Litestar makes tasks of dependencies that do not wait for each other, and two
        # tasks cost a list more than its query's encoding.
        del reader
        return pages

    authenticator, attempts = Authenticator(look_up), FailedAttempts()
    site = Site(
        sessions=Sessions(secret),
        assets=Assets.of_the_package(),
        remote_images=settings.remote_images,
    )
    registry = CollectorRegistry()
    registry.register(Gauges(writing))

    @asynccontextmanager
    async def open_pools(app: Litestar) -> AsyncGenerator[None]:
        del app
        # They open without waiting: a database that is away makes requests fail, not
        # the process, and it is found again when it is back.
        writing.open()
        await reading.open()
        await own.open()
        try:
            yield
        finally:
            await own.close()
            await reading.close()
            writing.close()

    return create_app(
        Parts(
            routes=[
                OrganizationRoutes,
                ProjectRoutes,
                ApiKeyRoutes,
                CreatorRoutes,
                CreatorFigureRoutes,
                ProjectCreatorRoutes,
                VideoRoutes,
                ProjectVideoRoutes,
                InboxRoutes,
                ScrapeRoutes,
                BanRoutes,
                ProjectionRoutes,
                AnalyticsRoutes,
                HistoryRoutes,
            ],
            authenticator=authenticator,
            limiter=RequestLimiter(own),
            attempts=attempts,
            checks=readiness_checks(own, writing=writing, redis_url=settings.redis_url),
            warnings=readiness_warnings(writing),
            entities=ENTITIES,
            registry=registry,
            version=version("goatherd"),
            site=site,
            pages=web_routes(
                site,
                Door(
                    authenticator=authenticator,
                    attempts=attempts,
                    sessions=site.sessions,
                    pool=own,
                ),
            ),
            cors_origins=settings.cors_origins,
            dependencies={
                "reader": _provide(reader),
                "pages": Provide(provide_pages, sync_to_thread=False),
                "writer": _provide(writer),
                "own": _provide(own),
            },
            lifespan=[open_pools],
        )
    )


def _provide(thing: object) -> Provide:
    return Provide(lambda: thing, sync_to_thread=False)
