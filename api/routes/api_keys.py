"""/api-keys: the keys of an organization, their scopes and their expiry."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.derived_secret import DerivedSecret
from api.http.errors import Code, field_error
from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from domain import commands as c
from domain import events as e
from domain.events import Scope
from domain.organization.api_keys import DEFAULT_SCOPES, create_key
from domain.organization.handlers.organizations import change_organization
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.organizations.projection import ApiKey, ApiKeys, page_of_keys

_HEX = 64
_ADMIN: dict[str, Any] = {"scope": "admin", "whole_organization": True}
# Stored answers hold this in place of a key's text. No name can contain the quotes of
# the field.
_MASKED = "tga_" + "*" * _HEX
_FIELD = '"api_key":"{}"'
_MASKED_FIELD = _FIELD.format(_MASKED).encode()

Future = Annotated[
    datetime,
    Meta(tz=True, description="The time after which the key does not work any more."),
]


class NewApiKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to issue."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)] = (
        DEFAULT_SCOPES
    )
    expires_at: Future | None = None


class IssuedApiKey(Struct, frozen=True, kw_only=True):
    """A key that was just issued.

    ``api_key`` is its text, which no other answer has.
    """

    id: UUID
    name: str
    api_key: str
    hint: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None


class ApiKeyName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new name of a key."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class RenamedApiKey(Struct, frozen=True, kw_only=True):
    """A key with its new name."""

    id: UUID
    name: str


class RevokedApiKey(Struct, frozen=True, kw_only=True):
    """A key that no longer works."""

    id: UUID
    revoked: bool = True


class ApiKeyRoutes(Controller):
    """The keys of the organization."""

    path = "/api-keys"
    tags = ("API keys",)

    @read_route("/", "listApiKeys", **_ADMIN)
    async def list_api_keys(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[ApiKey]:
        """List the organization's keys, newest first, without their texts."""
        await listing.caught_up("api_keys")
        return await listing.page(
            "api-keys",
            partial(page_of_keys, listing.reader, listing.organization_id),
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @write_route(
        post,
        "/",
        "createApiKey",
        **_ADMIN,
        recent_proof=True,
        errors=[Code.LIMIT_REACHED],
    )
    def create_api_key(
        self,
        request: Request,
        data: JSONBody[NewApiKey],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[IssuedApiKey]:
        """Issue a key; only this answer shows its text.

        A request with an Idempotency-Key can be repeated and gets the same text. The
        text is not stored: it is derived from the requesting key and the installation's
        secret.
        """
        key_id = new_id()
        secret = DerivedSecret(request, secret=writer.secret)
        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id,
                create_key(
                    key_id,
                    f"tga_{secret.draw(key_id.bytes)}",
                    name=data.name,
                    scopes=data.scopes,
                    # The time is compared now and not while the body is read, because
                    # an answer can be repeated after its key has expired.
                    expires_at=_checked_expiry(data.expires_at),
                ),
                plans=writer.plans,
            ),
            lambda _, done: _issued(done),
            in_transaction=_project_keys,
            unseal=lambda body: _unsealed(body, secret),
        )

    @write_route(patch, "/{key_id:uuid}", "renameApiKey", **_ADMIN, versioned=False)
    def rename_api_key(
        self,
        request: Request,
        key_id: FromPath[UUID],
        data: JSONBody[ApiKeyName],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[RenamedApiKey]:
        """Rename a key, which may be revoked; histories show it by its new name."""
        writer.require_no_version(request)
        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id,
                c.RenameApiKey(key_id=key_id, name=data.name),
                plans=writer.plans,
            ),
            lambda _, __: Answer(RenamedApiKey(id=key_id, name=data.name)),
        )

    @write_route(delete, "/{key_id:uuid}", "revokeApiKey", **_ADMIN, recent_proof=True)
    def revoke_api_key(
        self,
        request: Request,
        key_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[RevokedApiKey]:
        """Revoke a key, which stops working in every process within a second."""
        writer.require_no_version(request)
        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id,
                c.RevokeApiKey(key_id=key_id),
                plans=writer.plans,
            ),
            lambda _, __: Answer(RevokedApiKey(id=key_id)),
            in_transaction=_project_keys,
        )


def _project_keys(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
    # The key is looked up in the transaction of the append, so that from then on it is
    # valid, or not, in every process.
    ApiKeys().write(cursor, done.events)


def _unsealed(body: bytes, secret: DerivedSecret) -> bytes:
    if _MASKED_FIELD not in body:
        return body
    text = secret.again(msgspec.json.decode(body, type=_IssuedBody).data.id.bytes)
    if text is None:
        return body
    return body.replace(_MASKED_FIELD, _FIELD.format(f"tga_{text}").encode())


class _IssuedData(Struct):
    id: UUID


class _IssuedBody(Struct):
    data: _IssuedData


def _checked_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at <= datetime.now(UTC):
        raise field_error(Code.INVALID_BODY, "/expires_at", "must be in the future")
    try:
        return expires_at.astimezone(UTC)
    except OverflowError:
        message = "must lie in the years 1 to 9999 in UTC"
        raise field_error(Code.INVALID_BODY, "/expires_at", message) from None


def _issued(done: Executed[UUID]) -> Answer[IssuedApiKey]:
    recorded = done.events[-1]
    event = recorded.event
    assert isinstance(event, e.ApiKeyCreated)
    return Answer(
        IssuedApiKey(
            id=event.key_id,
            name=event.name,
            api_key=_MASKED,
            hint=event.hint,
            scopes=list(event.scopes),
            created_at=recorded.recorded_at,
            expires_at=event.expires_at,
        ),
        status=201,
    )
