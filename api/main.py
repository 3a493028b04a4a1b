"""Sets up the HTTP process: granian calls ``create`` in each of its workers."""

import asyncio
import gc
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import psycopg
from litestar import Litestar
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from api import routes
from api.app import AppConfig, create_app
from api.controllers import controllers_below, entities_of
from api.http.access.auth import Authenticator, Principal, SignedInPerson
from api.http.access.failed_logins import FailedLogins
from api.http.access.live_sessions import LiveSessions
from api.http.access.person_sessions import PersonSessions
from api.http.access.sessions import Sessions
from api.routes.videos.ids import video_ids
from api.services import Services
from api.system.gauges import Gauges
from api.system.readiness import readiness_checks, readiness_warnings
from api.system.well_known import well_known_routes
from api.web.images.cache import PictureCache
from api.web.images.erased import ErasedPictures
from api.web.images.fetching import image_source
from api.web.images.proxy import ImageProxy
from api.web.kit.assets import Assets
from api.web.kit.own_organizations import OwnOrganizations
from api.web.kit.parts import drawn
from api.web.kit.site import SignInWays, Site
from api.web.routes import web_routes
from api.web.sign_in.page import SignIn
from api.web.sign_in.proofs import Proofs
from application.accounts.joining import Joining
from application.accounts.oidc.client import OidcClient
from application.accounts.oidc.service import OidcSignIn
from application.accounts.service import PersonAccounts
from application.accounts.sessions import find_session
from application.erase.pictures import PICTURES
from domain.organization.roles import limits_of, may_operate, scopes_of
from infra.build import version
from infra.logs import configure_logs
from infra.settings import Settings, SettingsError
from projections.organizations.projection import PersonOfKey, holder_of

# The number of new objects after which the garbage collector searches.
_OBJECTS_BETWEEN_SEARCHES = 10_000


def create() -> Litestar:
    """Return the application for the settings of the environment.

    Raises:
        SettingsError: a setting is missing or unreadable.
    """
    settings = Settings.from_environment(os.environ)
    configure_logs(level=settings.log_level, form=settings.log_format)
    app = assemble(settings)
    # The objects that exist by now stay until the end. When the garbage collector
    # searched them along with all others, every tenth or twentieth answer waited for 50
    # ms.
    gc.collect()
    gc.freeze()
    # A page makes several thousand objects, nearly all of which are freed by their
    # counts. Searches for the others cost a page 2 ms at the usual threshold of 700.
    gc.set_threshold(_OBJECTS_BETWEEN_SEARCHES)
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
    services = Services(settings, url=url, secret=secret)
    store, own, plans = services.store, services.own, services.plans
    connections, limiter = services.connections, services.limiter
    client = OidcClient.of(settings)
    oidc = None if client is None else OidcSignIn(store, client)

    async def look_up(digest: bytes) -> Principal | None:
        holder = await holder_of(own, digest)
        if holder is None or not _is_vouched_for(holder.person, settings, oidc):
            return None
        key = Principal(
            key_id=holder.key_id,
            organization_id=holder.organization_id,
            scopes=frozenset(holder.scopes),
            plan=holder.plan,
            limits=plans[holder.plan],
            is_operator=holder.is_operator,
            key_ends_at=holder.expires_at,
        )
        person = holder.person
        if person is None:
            return key
        return replace(
            key,
            scopes=key.scopes & {*scopes_of(person.role)},
            is_operator=key.is_operator and may_operate(person.role),
            person=SignedInPerson(
                id=person.id,
                name=person.name,
                email=person.email,
                role=person.role,
                time_zone=person.time_zone,
                session_id=None,
            ),
            lacks_second_factor=settings.passwords and person.lacks_second_factor,
            project_ids=limits_of(person.role, person.project_ids),
        )

    async def look_up_session(digest: bytes) -> Principal | None:
        found = await find_session(own, digest)
        # Without an end a password or a passkey began it, which the settings may leave
        # out by now.
        if found is None or not (settings.passwords or found.has_end):
            return None
        return Principal(
            key_id=found.person_id,
            organization_id=found.organization_id,
            scopes=frozenset(scopes_of(found.role)),
            plan=found.plan,
            limits=plans[found.plan],
            is_operator=found.is_operator and may_operate(found.role),
            person=SignedInPerson(
                id=found.person_id,
                name=found.name,
                email=found.email,
                role=found.role,
                time_zone=found.time_zone,
                session_id=found.id,
            ),
            # Without passwords the provider decides on the factors of everybody.
            lacks_second_factor=settings.passwords and found.lacks_second_factor,
            proved_at=found.proved_at,
            project_ids=limits_of(found.role, found.project_ids),
        )

    accounts = PersonAccounts(store, own)
    joining = Joining(store, own, accounts)
    authenticator, attempts = Authenticator(look_up), FailedLogins()
    sessions = Sessions(secret)
    pictures = settings.data_dir.expanduser() / PICTURES
    erased_pictures = ErasedPictures(own, pictures)
    site = Site(
        sessions=sessions,
        live_sessions=LiveSessions(sessions, own, accepts=settings.key_sign_in),
        people=PersonSessions(look_up_session, accounts.is_anybody_registered),
        assets=Assets.of_the_package(),
        images=ImageProxy(
            sessions,
            source=image_source(settings),
            kept=PictureCache(pictures),
            erased=erased_pictures,
        ),
        video_id=video_ids(store),
        own_organizations=OwnOrganizations(joining),
        has_source=bool(settings.providers),
        plays_recording=settings.plays_recording,
        is_demo=settings.plays_recording and settings.recordings is None,
        connects=connections.consents is not None,
        callback=settings.display_redirect_url,
        ways=SignInWays(
            passwords=settings.passwords,
            keys=settings.key_sign_in,
            provider=None if oidc is None else oidc.client.host,
        ),
    )
    sign_in = SignIn(
        authenticator=authenticator,
        attempts=attempts,
        sessions=site.sessions,
        live_sessions=site.live_sessions,
        pool=own,
        accounts=accounts,
        joining=joining,
        people=site.people,
        oidc=oidc,
        ways=site.ways,
    )
    controllers = controllers_below(routes)
    registry = CollectorRegistry()
    registry.register(Gauges(services.writing, settings))

    @asynccontextmanager
    async def write_in_background(app: Litestar) -> AsyncGenerator[None]:
        del app
        tasks = [
            asyncio.create_task(limiter.keep_writing_counts()),
            asyncio.create_task(erased_pictures.keep_forgetting()),
            asyncio.create_task(drawn.keep_forgetting()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with suppress(psycopg.Error):
                await limiter.write_counts()

    return create_app(
        AppConfig(
            routes=controllers,
            authenticator=authenticator,
            limiter=limiter,
            attempts=attempts,
            checks=readiness_checks(
                own,
                writing=services.writing,
                redis_url=settings.redis_url,
                data_dir=settings.data_dir,
            ),
            warnings=readiness_warnings(
                services.writing, data_dir=settings.data_dir, settings=settings
            ),
            entities=entities_of(controllers),
            registry=registry,
            version=version(),
            site=site,
            prove=Proofs(sign_in).prove,
            pages=[*web_routes(site, sign_in), *well_known_routes()],
            cors_origins=settings.cors_origins,
            trusted_proxies=settings.trusted_proxies,
            dependencies=services.provided(authenticator),
            lifespan=[services.open, write_in_background],
        )
    )


def _is_vouched_for(
    person: PersonOfKey | None, settings: Settings, oidc: OidcSignIn | None
) -> bool:
    """Tell whether a key works: one of the organization, or that of a known person."""
    if person is None or oidc is None:
        return True
    return oidc.client.vouches_for_keys(
        confirmed_at=person.confirmed_at,
        has_own_way_in=person.has_own_way_in,
        passwords=settings.passwords,
        now=datetime.now(UTC),
    )
