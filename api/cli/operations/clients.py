"""Senders of a command's request: to the API in this process, or elsewhere."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from litestar import Controller, Litestar
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct
from msgspec.structs import replace

from api.cli import CommandError, UsageError
from api.cli.kit.databases import database_url, fitting
from api.cli.kit.names import chosen_organization
from api.cli.kit.options import own_settings
from api.cli.operations.sources import modules_with
from api.controllers import controllers_in
from api.core import core_app
from api.http.access.auth import SCOPES, Authenticator, Principal
from api.http.access.failed_logins import FailedLogins
from api.http.access.sessions import Sessions
from api.http.guard import RequestGuard
from api.in_process import RawResponse, SentBody, send_in_process
from api.operations import Operation, operations_of
from api.services import Services
from domain.organization.plans import UNLIMITED
from infra.embedded import running_valkey_url
from infra.embedded.data_dir import secret_path
from infra.keys.erasures import check_erasures_applied
from infra.settings import Settings

_ROOT = Path(__file__).parents[3]


def routes_of(operation_id: str) -> list[type[Controller]]:
    """Return the routes that the operation's module declares; none if no module has it.

    Ids are looked for in the text of the modules, because loading all of them takes
    seconds.
    """
    for path in modules_with(operation_id):
        name = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        found = controllers_in(import_module(name))
        if any(operation_id in _ids(route) for route in found):
            return found
    return []


def _ids(controller: type[Controller]) -> set[str]:
    return {
        str(value.operation_id)
        for value in vars(controller).values()
        if isinstance(value, HTTPRouteHandler)
    }


_PLAN = "SELECT plan FROM organizations WHERE organization_id = %s"
_ANY = "SELECT organization_id FROM organizations ORDER BY created_at LIMIT 1"
# A key that only this process accepts: streams ask again who reads them.
_OWN_KEY = f"tga_{secrets.token_hex(32)}"
_NOBODY = UUID(int=0)
_MOST_BYTES = 256 * 2**20
_SECONDS = 600.0


class Call(Struct, frozen=True, kw_only=True):
    """A request of an operation, as a command line gives it."""

    operation_id: str
    method: str
    path: str
    query: Mapping[str, str] = {}
    content: SentBody = SentBody.of(None)
    headers: Mapping[str, str] = {}

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


Take = Callable[[bytes], None]


class Sender(Protocol):
    """Sends requests, one after another."""

    def send(self, call: Call, *, take: Take | None = None) -> RawResponse:
        """Return the answer; ``take`` gets its body part by part instead."""
        ...


def operation_of(app: Litestar, operation_id: str) -> Operation | None:
    """Return the operation with an id; None if the application has none."""
    return next((o for o in operations_of(app) if o.id == operation_id), None)


def app_of(
    operation_id: str, settings: Settings, *, principal: Principal | None = None
) -> Litestar:
    """Return an application that can carry out the operation, and few others.

    ``principal`` is the reader of streams, which ask again who reads them.
    """
    routes = routes_of(operation_id)
    if not routes:
        # Few operations are no resource's: the schema, health, keys for receivers.
        return whole_app(settings)
    url, secret = settings.database_url or "", settings.secret or secrets.token_hex(32)
    services = Services(settings, url=url, secret=secret)

    async def look_up(_: bytes) -> Principal | None:
        return principal

    authenticator = Authenticator(look_up)
    guard = RequestGuard(
        authenticator, services.limiter, FailedLogins(), Sessions(""), None, None
    )
    return core_app(
        routes,
        guard,
        dependencies=services.provided(authenticator),
        lifespan=[services.open],
    )


def whole_app(settings: Settings) -> Litestar:
    """Return the application with all operations, which takes seconds to load."""
    from api.main import assemble

    return assemble(
        replace(
            settings,
            database_url=settings.database_url or "",
            secret=settings.secret or secrets.token_hex(32),
        )
    )


class InProcess:
    """Sends requests to the API in this process, as the operator of the host."""

    def __init__(self, settings: Settings, principal: Principal) -> None:
        self._settings = settings
        self._principal = principal
        self._address = urlsplit(settings.own_url)

    def send(self, call: Call, *, take: Take | None = None) -> RawResponse:
        app = app_of(call.operation_id, self._settings, principal=self._principal)
        return asyncio.run(self._send(app, call, take))

    async def _send(self, app: Litestar, call: Call, take: Take | None) -> RawResponse:
        try:
            async with app.lifespan():
                return await send_in_process(
                    app,
                    self._principal,
                    call.method,
                    call.path,
                    query=urlencode(call.query).encode("ascii"),
                    headers={
                        "authorization": f"Bearer {_OWN_KEY}",
                        "host": self._address.netloc,
                        "x-forwarded-proto": self._address.scheme,
                        **call.headers,
                    },
                    content=call.content,
                    take=take,
                )
        except* OSError as errors:
            # Litestar's groups of tasks wrap it.
            error: BaseException = errors
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None


class Elsewhere:
    """Sends requests to another installation, with a key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._key = key

    def send(self, call: Call, *, take: Take | None = None) -> RawResponse:
        from infra.http_out.client import HttpClient, body_of, trusted_certificates
        from infra.http_out.refusals import RefusedError

        headers = {
            "authorization": f"Bearer {self._key}",
            "accept-encoding": "identity" if take else "gzip",
            **call.headers,
            **call.content.headers,
        }
        try:
            with HttpClient(
                tls=trusted_certificates(),
                headers=headers,
                failed=f"{self._url} does not answer",
            ) as client:
                request = client.build_request(
                    call.method,
                    f"{self._url}{call.target}",
                    content=call.content.body or None,
                )
                with client.requested(
                    request, what="an operation", seconds=_SECONDS
                ) as (_, response):
                    if take is not None:
                        for chunk in response.iter_raw():
                            take(chunk)
                        body = b""
                    else:
                        body = body_of(response, most=_MOST_BYTES)
        except RefusedError as error:
            raise CommandError(str(error)) from error
        return RawResponse(
            body=body, status=response.status_code, headers=dict(response.headers)
        )


def sender_of(
    operation: Operation,
    *,
    settings: Settings,
    org: str | None,
    url: str | None,
    key: str | None,
) -> Sender:
    """Return the sender: to the installation at ``url`` with a key, else to this one.

    Raises:
        CommandError: there is no database here, or no such organization.
        UsageError: an address is without a key, or an organization with one.
    """
    # The kept settings of a running `goatherd up` are about this installation.
    own = own_settings()
    key = key or own.key
    if key is None and url is None:
        return _in_process(operation, settings, org)
    url = url or own.url
    if key is None or url is None:
        missing = "--key (GOATHERD_KEY)" if key is None else "--url (GOATHERD_URL)"
        raise UsageError(f"Another installation needs --url and --key: add {missing}.")
    if org is not None:
        raise UsageError("--org is for this installation: a key has one organization.")
    return Elsewhere(url, key)


def _in_process(operation: Operation, settings: Settings, org: str | None) -> Sender:
    database = database_url(settings)
    secret = settings.secret
    if secret is None and (path := secret_path(settings.data_dir)).exists():
        secret = path.read_text().strip()
    settings = replace(
        settings,
        database_url=database,
        redis_url=settings.redis_url or running_valkey_url(settings.data_dir),
        # Each request has an application of its own, and their cursors share a secret.
        secret=secret or secrets.token_hex(32),
    )
    with fitting(settings) as connection:
        check_erasures_applied(connection)
        if org is None and operation.route.is_operator_only:
            row = connection.execute(_ANY).fetchone()
            organization_id = _NOBODY if row is None else row[0]
        else:
            organization_id = chosen_organization(connection, org)
        row = connection.execute(_PLAN, (organization_id,)).fetchone()
    plan = UNLIMITED if row is None else row[0]
    principal = Principal(
        key_id=_NOBODY,
        organization_id=organization_id,
        scopes=frozenset(SCOPES),
        plan=plan,
        limits=settings.all_plans[plan],
        is_operator=True,
        is_host=True,
    )
    return InProcess(settings, principal)
