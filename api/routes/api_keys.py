"""/api-keys: the keys of an organization, their scopes and their expiry."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.access.auth import Principal, invalid_api_key
from api.http.derived_secret import DerivedSecret
from api.http.errors import Code, field_error
from api.http.reading.paging import FetchRows, ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from application.accounts.sessions import hold_session
from domain import commands as c
from domain import events as e
from domain.events import Scope
from domain.organization.api_keys import DEFAULT_SCOPES, create_key
from domain.organization.handlers.organizations import change_organization
from infra.database import AsyncPool
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.organizations.projection import (
    ApiKey,
    ApiKeys,
    KeyOwner,
    is_key_of,
    owner_of,
    page_of_keys,
    page_of_own_keys,
)

_HEX = 64
_ADMIN: dict[str, Any] = {"scope": "admin", "whole_organization": True, "own": True}
# Stored answers hold this in place of a key's text. No name can contain the quotes of
# the field.
_MASKED = "tga_" + "*" * _HEX
_FIELD = '"api_key":"{}"'
_MASKED_FIELD = _FIELD.format(_MASKED).encode()

Future = Annotated[datetime, Meta(tz=True)]


class NewApiKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to issue, to the organization or to the person who asks."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)] = (
        DEFAULT_SCOPES
    )
    expires_at: Future | None = None
    owner: Literal["organization", "person"] = "organization"


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
    owner: KeyOwner


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
    """The keys of the organization and of its members."""

    path = "/api-keys"
    tags = ("API keys",)
    entities: ClassVar = {"api_key": ApiKey}

    @read_route("/", "listApiKeys", **_ADMIN, errors=[Code.PERSON_REQUIRED])
    async def list_api_keys(
        self,
        request: Request,
        listing: NamedDependency[ListRequest],
        own: NamedDependency[AsyncPool],
        owner: Annotated[
            Literal["person"] | None,
            QueryParameter(description="Only the keys of the person who asks."),
        ] = None,
    ) -> ListPage[ApiKey]:
        """List the keys of the organization and its members, newest first.

        No text is shown. Members and viewers see their own keys only.
        """
        principal, organization_id = request.principal, listing.organization_id
        # Without the scope admin only people are let in.
        person = principal.person
        if owner == "person":
            person = principal.require_person()
        elif "admin" in principal.scopes:
            person = None
        fetch: FetchRows[ApiKey]
        if person is None:
            await listing.caught_up("api_keys")
            fetch = partial(page_of_keys, listing.reader, organization_id)
        else:
            # Each append writes the rows of keys itself.
            fetch = partial(page_of_own_keys, own, organization_id, person.id)
        return await listing.page(
            "api-keys",
            fetch,
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
            filters={} if person is None else {"person": str(person.id)},
        )

    @write_route(
        post,
        "/",
        "createApiKey",
        **_ADMIN,
        recent_proof=True,
        errors=[Code.LIMIT_REACHED, Code.PERSON_REQUIRED],
    )
    def create_api_key(
        self,
        request: Request,
        data: JSONBody[NewApiKey],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[IssuedApiKey]:
        """Issue a key; only this answer shows its text.

        A key of the organization needs the scope admin. A personal key needs a person,
        and has none but their scopes. A key with an end makes keys that end no later,
        and at its own end if `expires_at` is left out. Personal keys take half of the
        plan's `max_api_keys_per_org` at most, and those of one person a quarter.

        A request with an Idempotency-Key can be repeated and gets the same text. The
        text is not stored: it is derived from the requesting key and the installation's
        secret.
        """
        person_id = _owner(request, data)
        key_id = new_id()
        secret = DerivedSecret(request, secret=writer.secret)

        def within(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
            _hold_session(cursor, request.principal)
            _project_keys(cursor, done)

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
                    expires_at=_checked_expiry(
                        data.expires_at, ends_at=request.principal.key_ends_at
                    ),
                    person_id=person_id,
                ),
                plans=writer.plans,
            ),
            lambda _, done: _issued(done),
            in_transaction=within,
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
        """Rename a key, which may be revoked; histories show it by its new name.

        A person may rename their own; any other needs the scope admin.
        """
        writer.require_no_version(request)
        if not _is_own(request, writer, key_id):
            _require_admin(request.principal)
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
        """Revoke a key, which stops working in every process within a second.

        A person may revoke their own; any other needs the scope admin.
        """
        writer.require_no_version(request)
        if not _is_own(request, writer, key_id):
            _require_admin(request.principal)
            request.principal.require_recent_proof()
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


def _require_admin(principal: Principal) -> None:
    """Refuse whoever may not see the organization's keys, with one answer for each id.

    Raises:
        NotFoundError: a person who is limited to some projects.
        ApiError: ``insufficient_scope``.
    """
    principal.require_whole_organization()
    principal.require("admin")


def _owner(request: Request, data: NewApiKey) -> UUID | None:
    """Return the person whose key is asked for, None for one of the organization.

    Raises:
        ApiError: ``insufficient_scope``, ``person_required`` or
            ``recent_proof_required``.
    """
    principal = request.principal
    if data.owner == "organization":
        _require_admin(principal)
        principal.require_recent_proof()
        return None
    person = principal.require_person()
    # A key must not make another one that may more than itself.
    for scope in data.scopes:
        principal.require(scope)
    return person.id


def _is_own(request: Request, writer: CommandWriter, key_id: UUID) -> bool:
    """Tell whether a key belongs to the person who asks."""
    person = request.principal.person
    if person is None:
        return False
    with writer.store.pool.connection() as connection:
        cursor = connection.cursor()
        return is_key_of(cursor, request.organization_id, key_id, person.id)


def _hold_session(cursor: Cursor[TupleRow], principal: Principal) -> None:
    """Refuse a key that would outlive the session in which it is made.

    Raises:
        ApiError: ``invalid_api_key``: the session ended since the request began.
    """
    person = principal.person
    if person is None or person.session_id is None:
        return
    if not hold_session(cursor, person.session_id):
        raise invalid_api_key(presented=False)


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


def _checked_expiry(
    expires_at: datetime | None, *, ends_at: datetime | None
) -> datetime | None:
    """Return the end of a new key; ``ends_at`` is that of the key that makes it."""
    if expires_at is None:
        return ends_at
    if ends_at is not None and expires_at > ends_at:
        message = f"must not be later than the end of your key, {ends_at.isoformat()}"
        raise field_error(Code.INVALID_BODY, "/expires_at", message)
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
            owner=owner_of(recorded.stream, event.person_id),
        ),
        status=201,
    )
