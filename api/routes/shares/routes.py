"""/shares: links to read-only pages, for people without an account."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Struct
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.derived_secret import DerivedSecret
from api.http.errors import ApiError, Code, field_error
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.connections.links import own_address
from api.routes.shares.schemas import MadeShare, NewShare, ShareChange
from application.connect.service import Connections
from application.shares.links import (
    add_link,
    forget_password,
    opened_within,
    path_of,
    set_password,
)
from application.shares.service import SharedLinks
from domain import commands as c
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.messages import copied
from domain.share.handlers import change_share, make_share
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.engine.reader import Reader
from projections.shares import (
    LINKS,
    Share,
    one_share,
    page_of_shares,
    share_from_row,
)

READ_MODEL = "shares"
_WRITE: dict[str, Any] = {"scope": "write"}
# A stored answer does not have the address.
_HIDDEN = ""
_MOST_DIGITS = 18
_OWN_EVENT = "SELECT position, at, is_known FROM goatherd_own_event(%s)"
_AS_TENANT = "SELECT set_config('goatherd.organization_id', %s, true)"


class _MadeBody(Struct):
    data: MadeShare
    error: str | None
    meta: None = None


class ShareRoutes(Controller):
    """The list of shared links, and one link."""

    path = "/shares"
    tags = ("Shared links",)
    entities: ClassVar = {"share": Share}

    @read_route("/", "listShares", **_WRITE)
    async def list_shares(
        self,
        listing: NamedDependency[ListRequest],
        scope_id: Annotated[
            UUID | None,
            QueryParameter(
                description="Show only links to this creator, campaign, project or "
                "report."
            ),
        ] = None,
    ) -> ListPage[Share]:
        """List the links that were not revoked, newest first, without their addresses.

        People who are limited to some projects see the links of these projects.
        """
        await listing.caught_up(READ_MODEL)
        return await listing.page(
            "shares",
            lambda limit, after: page_of_shares(
                listing.reader,
                listing.organization_id,
                scope_id=scope_id,
                limit=limit,
                after=after,
            ),
            filters={"scope_id": scope_id and str(scope_id)},
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{share_id:uuid}", "getShare", **_WRITE)
    async def get_share(
        self,
        request: Request,
        share_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Share]:
        """Show one link, also one that was revoked."""
        await caught_up(request, reader, READ_MODEL)
        return found(
            "share", await one_share(reader, request.organization_id, share_id)
        )

    @write_route(
        post,
        "/",
        "createShare",
        errors=[Code.NOT_FOUND],
        body_examples={
            "NewShare": {
                "scope": "creator",
                "scope_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a41",
                "rolling": "28d",
                "hide": ["money", "notes"],
            }
        },
    )
    def create_share(
        self,
        request: Request,
        data: JSONBody[NewShare],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
        shared_links: NamedDependency[SharedLinks],
    ) -> Answer[MadeShare]:
        """Create a link to a page about a creator, campaign, project or report.

        Everybody who has the address sees the page, without an account, until the link
        is revoked or expires. Only this answer shows the address. `?format=csv` behind
        it answers with the daily numbers, for spreadsheets.
        """
        share_id, now, target = new_id(), datetime.now(UTC), data.target
        as_of, as_of_at = _moment(writer, request.organization_id, data.as_of, now=now)
        command = c.MakeShare(
            organization_id=request.organization_id,
            scope=target.type,
            scope_id=target.id,
            at=now,
            name=data.name,
            first_day=data.from_,
            last_day=data.to,
            rolling=data.rolling,
            hide=data.hide,
            has_password=data.password is not None,
            expires_at=data.expires_at,
            as_of=as_of,
            as_of_at=as_of_at,
            embed=data.embed,
            origins=data.origins,
        )
        hashed = None if data.password is None else shared_links.hashed(data.password)
        secret = DerivedSecret(request, secret=writer.secret)
        base = connections.base_address or own_address(request)

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            row = LINKS.after(done.history(done.result))
            assert row is not None
            add_link(
                cursor,
                share_id,
                token=secret.draw(share_id.bytes),
                organization_id=row.organization_id,
                project_id=row.project_id,
                hashed=hashed,
                master_key=writer.store.keyring.master_key(cursor.connection),
            )

        def respond(_: Rows, done: Executed[UUID]) -> Answer[MadeShare]:
            share = _share(done, now=now)
            made = copied(share, MadeShare, url=_HIDDEN)
            return Answer(made, status=201, version=made.version)

        def unseal(body: bytes) -> bytes:
            answered = msgspec.json.decode(body, type=_MadeBody)
            token = secret.again(answered.data.id.bytes)
            url = _HIDDEN if token is None else f"{base}{path_of(token)}"
            data = replace(answered.data, url=url)
            return msgspec.json.encode(replace(answered, data=data))

        return writer.perform(
            request,
            lambda: make_share(share_id, command),
            respond,
            in_transaction=within,
            unseal=unseal,
        )

    @write_route(
        patch,
        "/{share_id:uuid}",
        "changeShare",
        body_examples={"ShareChange": {"rolling": "7d", "hide": ["money"]}},
    )
    def update_share(
        self,
        request: Request,
        share_id: FromPath[UUID],
        data: JSONBody[ShareChange],
        writer: NamedDependency[CommandWriter],
        shared_links: NamedDependency[SharedLinks],
    ) -> Answer[Share]:
        """Change what the page shows, its password or its end; its address stays.

        Another password, or none, takes effect at once for everybody. The creator,
        campaign or project and `as_of` stay.
        """
        now, password = datetime.now(UTC), data.password
        hashed = shared_links.hashed(password) if isinstance(password, str) else None
        command = c.ChangeShare(
            at=now,
            name=data.name,
            first_day=data.from_,
            last_day=data.to,
            rolling=data.rolling,
            hide=data.hide,
            has_password=UNSET if password is UNSET else password is not None,
            password_changed=hashed is not None,
            expires_at=data.expires_at,
            embed=data.embed,
            origins=data.origins,
        )

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            if password is UNSET:
                return
            master_key = writer.store.keyring.master_key(cursor.connection)
            set_password(cursor, done.result, hashed, master_key=master_key)

        return writer.perform(
            request,
            lambda: _changing(request, writer, share_id, command),
            lambda rows, done: _changed(rows, done, now=now),
            in_transaction=within,
        )

    @write_route(delete, "/{share_id:uuid}", "deleteShare")
    def delete_share(
        self,
        request: Request,
        share_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Share]:
        """Delete a link: its page is gone at once, and nothing brings it back."""
        return writer.perform(
            request,
            lambda: _changing(request, writer, share_id, c.RevokeShare()),
            lambda rows, done: _changed(rows, done, now=datetime.now(UTC)),
            in_transaction=lambda cursor, done: forget_password(cursor, done.result),
        )


def _changing(
    request: Request,
    writer: CommandWriter,
    share_id: UUID,
    command: c.ChangeShare | c.RevokeShare,
) -> Handler[UUID]:
    return change_share(
        share_id,
        command,
        organization_id=request.organization_id,
        expected_versions=writer.expected_versions(request),
    )


def _changed(rows: Rows, done: Executed[UUID], *, now: datetime) -> Answer[Share]:
    opened = rows.ask(lambda cursor: opened_within(cursor, done.result))
    share = _share(done, now=now, opened=opened)
    return Answer(share, version=share.version)


def _share(
    done: Executed[UUID],
    *,
    now: datetime,
    opened: tuple[int, datetime | None] = (0, None),
) -> Share:
    row = LINKS.after(done.history(done.result))
    if row is None:
        raise NotFoundError("share")
    return share_from_row(row, now=now, opened=opened)


def _moment(
    writer: CommandWriter,
    organization_id: UUID,
    given: str | int | None,
    *,
    now: datetime,
) -> tuple[str | None, datetime | None]:
    """Return the time or position at which a page stands still, and its time.

    The present becomes the position of the organization's newest event.

    Raises:
        ApiError: ``invalid_body``, if the time is not valid, or lies in the future.
    """
    if given is None:
        return None, None
    text = str(given).strip()
    if text == "now" or _is_position(text):
        until = writer.store.head() if text == "now" else int(text)

        def own_event(cursor: Cursor[TupleRow]) -> TupleRow | None:
            with cursor.connection.transaction():
                cursor.execute(_AS_TENANT, (str(organization_id),))
                return cursor.execute(_OWN_EVENT, (until,)).fetchone()

        row = Rows(writer.store).ask(own_event)
        if row is None or not (row[2] or text == "now"):
            raise _wrong_moment("must be the position of an event of your organization")
        return str(row[0]), row[1]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _wrong_moment(
            "must be now, a position of the log, or an ISO 8601 time with its zone"
        )
    if at > now:
        raise _wrong_moment("must not lie in the future")
    return at.astimezone(UTC).isoformat(), at


def _is_position(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _wrong_moment(reason: str) -> ApiError:
    return field_error(Code.INVALID_BODY, "/as_of", reason)
