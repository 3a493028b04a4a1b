"""/members: the people of the organization and their rights."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.derived_secret import DerivedSecret
from api.http.errors import Code
from api.http.reading.paging import ListRequest, caught_up
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.connections.links import own_address
from application.accounts.invitations import follow_members
from application.accounts.operators import is_of_others
from application.accounts.rows import LINK_LIFETIME, make_password_link
from application.connect.service import Connections
from application.leaving import (
    READ_MODELS,
    LeftThing,
    following_removal,
    kept_things,
    known_things,
    left_things,
)
from domain import commands as c
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.messages import MemberRole, copied
from domain.organization.handlers.leaving import remove_member
from domain.organization.handlers.organizations import change_organization
from domain.organization.members import LinkMaker
from infra.eventstore.execute import Executed
from infra.eventstore.recorder import AppendConflictError
from infra.structs import shared_fields
from projections.engine.reader import Reader
from projections.members import MemberRow, member_within, one_member, page_of_members
from projections.people import Member

GivenRole = Annotated[
    MemberRole,
    Meta(
        description="An `owner` may do everything; an `admin` everything but to change "
        "owners; a `member` reads and writes; a `viewer` reads."
    ),
]
ProjectIds = Annotated[
    tuple[UUID, ...],
    Meta(
        max_length=1_000,
        description="The projects that a member or viewer may see; null for all. "
        "Owners and admins see all.",
    ),
]
ThingIds = Annotated[tuple[UUID, ...], Meta(max_length=1_000)]
Money = Annotated[
    bool, Meta(description="True if the person may see and change payments.")
]

# Nothing of it is there for people limited to some projects.
ADMIN: dict[str, Any] = {"scope": "admin", "whole_organization": True}


class MemberChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; all others stay. At least one field is needed."""

    role: GivenRole | UnsetType = UNSET
    project_ids: ProjectIds | UnsetType | None = UNSET
    money: Money | UnsetType = UNSET


class MemberLeaves(Struct, frozen=True, kw_only=True):
    """The things that go on after the removal of a person, and the choices for them."""

    id: UUID
    things: list[LeftThing]


class RemovalChoices(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The things of a person that do not go on as they are."""

    to: UUID | None = None
    hand_over: ThingIds = ()
    end: ThingIds = ()
    take_out: ThingIds = ()


class RemovedMember(Struct, frozen=True, kw_only=True):
    """A person who no longer belongs to the organization.

    ``things`` are those that go on, as admins see them.
    """

    id: UUID
    removed: bool = True
    things: list[LeftThing] = []


class PasswordLink(Struct, frozen=True, kw_only=True):
    """A link with which the person chooses another password; no other answer has it."""

    id: UUID
    expires_at: datetime
    link: str


class _PasswordLinkBody(Struct):
    data: PasswordLink
    error: str | None
    meta: None = None


class MemberRoutes(Controller):
    """The people of the organization."""

    path = "/members"
    tags = ("Members",)
    entities: ClassVar = {"member": Member}

    @read_route("/", "listMembers", **ADMIN)
    async def list_members(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[Member]:
        """List the people of the organization; who joined last comes first.

        `last_seen_at` is the time of the last request in a session of the person here,
        null without one. It is up to a minute old.
        """
        await listing.caught_up("people")
        return await listing.page(
            "members",
            partial(_page, listing.reader, listing.organization_id),
            key=lambda row: (row.joined_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{person_id:uuid}", "getMember", **ADMIN)
    async def get_member(
        self,
        request: Request,
        person_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Member]:
        """Show one person of the organization.

        A request with If-None-Match is answered with 304 while their rights are
        unchanged, whenever they were last here.
        """
        await caught_up(request, reader, "people")
        return _answer(await one_member(reader, request.organization_id, person_id))

    @read_route(
        "/{person_id:uuid}/leaves", "listMemberLeaves", versioned=False, **ADMIN
    )
    async def list_leaves(
        self,
        request: Request,
        person_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[MemberLeaves]:
        """Show what a person leaves if they are removed, and the choices for it.

        These are the links and alert rules that they made or got from somebody who was
        removed, their saved views, the reports and email channels that mail to them,
        and their personal keys. A removal without choices ends the keys alone;
        `DELETE /members/{id}` takes the choices. Views for the person alone are not
        listed: nobody else sees them.
        """
        await caught_up(request, reader, *READ_MODELS)
        of, store = request.organization_id, writer.store
        if await one_member(reader, of, person_id) is None:
            raise NotFoundError("member")
        things = await asyncio.to_thread(left_things, store, of, person_id)
        return Answer(MemberLeaves(id=person_id, things=things))

    @write_route(
        patch,
        "/{person_id:uuid}",
        "changeMember",
        **ADMIN,
        recent_proof=True,
        errors=[Code.LAST_OWNER, Code.OWNERS_ONLY],
        body_examples={"MemberChange": {"role": "viewer", "money": False}},
    )
    def change_member(
        self,
        request: Request,
        person_id: FromPath[UUID],
        data: JSONBody[MemberChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Member]:
        """Change the role, the projects or the access to payments of a person.

        The person is signed out in all browsers, except in the one that asks. Only an
        owner changes an owner or makes one, and the last owner stays one.
        """
        ids = data.project_ids
        command = c.ChangeMember(
            person_id=person_id,
            role=data.role,
            project_ids=once_each(ids) if isinstance(ids, tuple) else ids,
            money=data.money,
            by=asker(request),
        )

        def present(rows: Rows, _: object) -> Answer[Member]:
            of = request.organization_id
            return _answer(
                rows.ask(lambda cursor: member_within(cursor, of, person_id))
            )

        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id,
                command,
                plans=writer.plans,
                expected_versions=writer.expected_versions(request),
            ),
            present,
            in_transaction=lambda cursor, done: follow_members(
                cursor, done.events, kept=_session(request)
            ),
        )

    @write_route(
        delete,
        "/{person_id:uuid}",
        "removeMember",
        **ADMIN,
        own=True,
        recent_proof=True,
        errors=[Code.LAST_OWNER, Code.OWNERS_ONLY],
    )
    def remove_member(
        self,
        request: Request,
        person_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        data: JSONBody[RemovalChoices | None] = None,
    ) -> Answer[RemovedMember]:
        """Remove a person, who is signed out within a second.

        Their deeds stay in the histories, with their name. The last owner can't be
        removed, and only an owner removes an owner. Everybody may remove themselves,
        and so leave the organization.

        Their keys end. Everything else that `GET /members/{id}/leaves` lists goes on,
        also reports and channels that mail to them, unless the body names it: all of
        that happens together with the removal, or nothing does. Links, views, rules and
        reports in `hand_over` are those of the member `to` from now on, which is the
        person who asks if it is left out; reports mail to them instead. Links, views,
        rules and channels in `end` end. Reports in `take_out` go on without the
        person's address. `things` are those that go on. Choices need the right to
        write as well as that of admins, also for those who leave.
        """
        choices = data or RemovalChoices()
        _check_may_remove(request, person_id, choices)
        principal, store = request.principal, writer.store
        of, asking = principal.organization_id, principal.person_id
        to = choices.to
        if to is None and choices.hand_over and asking != person_id:
            to = asking
        settled = copied(choices, c.SettleThings, to=to)
        command = c.RemoveMember(person_id=person_id, by=asker(request))
        sees_things = "admin" in principal.scopes and principal.project_ids is None

        def handler() -> Handler[UUID]:
            return remove_member(
                of,
                command,
                settled=settled,
                known=known_things(store, person_id, settled.ids),
                at=datetime.now(UTC),
                plans=writer.plans,
                expected_versions=writer.expected_versions(request),
            )

        def present(_: Rows, __: object) -> Answer[RemovedMember]:
            things: list[LeftThing] = []
            if sees_things:
                things = kept_things(store, of, person_id, settled)
            return Answer(RemovedMember(id=person_id, things=things))

        return writer.perform(
            request,
            handler,
            present,
            in_transaction=following_removal(store, person_id, kept=_session(request)),
        )

    @write_route(
        post,
        "/{person_id:uuid}/password-link",
        "makePasswordLink",
        **ADMIN,
        recent_proof=True,
        versioned=False,
        errors=[Code.OWNERS_ONLY, Code.NO_PASSWORD_LINK],
        status=201,
    )
    def make_password_link(
        self,
        request: Request,
        person_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[PasswordLink]:
        """Make a link with which a member chooses another password.

        Only this answer shows the link. It works once, within an hour, ends all
        sessions of the person, and asks for their second factor as before. An earlier
        link ends now. This one ends with any change of the person's rights, and with
        the rights of the person or key that made it.
        Only an owner makes one for an owner. The operator makes it for a person who
        belongs to another organization as well, or whom a directory signs in.
        """
        secret = DerivedSecret(request, secret=writer.secret)
        base = connections.base_address or own_address(request)
        of = request.organization_id
        until = datetime.now(UTC) + LINK_LIFETIME
        known = False

        def handler() -> Handler[UUID]:
            nonlocal known
            known = Rows(writer.store).ask(
                lambda cursor: is_of_others(cursor, person_id, of)
            )
            command = c.MakePasswordLink(
                person_id=person_id, is_of_others=known, by=asker(request)
            )
            return change_organization(of, command, plans=writer.plans)

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            del done
            # Somebody may have added them elsewhere since the decision.
            if is_of_others(cursor, person_id, of) != known:
                raise AppendConflictError
            token = secret.draw(_drawn_for(person_id, until))
            make_password_link(cursor, person_id, token=token, maker=_maker(request))

        def present(_: Rows, __: Executed[UUID]) -> Answer[PasswordLink]:
            link = PasswordLink(id=person_id, expires_at=until, link="")
            return Answer(link, status=201)

        def unseal(body: bytes) -> bytes:
            answered = msgspec.json.decode(body, type=_PasswordLinkBody)
            made = answered.data
            token = secret.again(_drawn_for(made.id, made.expires_at))
            link = "" if token is None else f"{base}/password/{token}"
            shown = replace(answered, data=replace(made, link=link))
            return msgspec.json.encode(shown)

        return writer.perform(
            request, handler, present, in_transaction=within, unseal=unseal
        )


def _check_may_remove(
    request: Request, person_id: UUID, choices: RemovalChoices
) -> None:
    """Let people leave, and owners and admins alone remove others or choose.

    Raises:
        NotFoundError: a person who is limited to some projects asks.
        ApiError: ``insufficient_scope`` or ``recent_proof_required``.
    """
    principal = request.principal
    has_choices = choices != RemovalChoices()
    if principal.person_id == person_id and not has_choices:
        return
    principal.require_whole_organization()
    principal.require("admin")
    if has_choices:
        principal.require("write")
    principal.require_recent_proof()


def _drawn_for(person_id: UUID, until: datetime) -> bytes:
    """Return what a link is drawn for: each one has another end."""
    return person_id.bytes + until.isoformat().encode()


def asker(request: Request) -> c.Asker:
    """Return the one who asks for a change of members, as commands name them."""
    principal = request.principal
    if principal.is_host:
        return "operator"
    return "key" if principal.person is None else principal.person.id


def _session(request: Request) -> UUID | None:
    """Return the session of a request, which goes on with other rights."""
    person = request.principal.person
    return None if person is None else person.session_id


def _maker(request: Request) -> LinkMaker:
    """Return the person or key of a request, whose rights a link depends on."""
    principal = request.principal
    person = principal.person
    in_session = person is not None and person.session_id is not None
    return LinkMaker(
        organization_id=principal.organization_id,
        person_id=None if person is None else person.id,
        key_id=None if in_session else principal.key_id,
    )


def once_each(ids: Iterable[UUID]) -> tuple[UUID, ...]:
    """Return the ids of projects without those that are named twice."""
    return tuple(dict.fromkeys(ids))


async def _page(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Member]:
    rows = await page_of_members(reader, organization_id, limit=limit, after=after)
    return [_member(row) for row in rows]


def _member(row: MemberRow) -> Member:
    return Member(**shared_fields(Member, row))


def _answer(row: MemberRow | None) -> Answer[Member]:
    if row is None:
        raise NotFoundError("member")
    return Answer(_member(row), version=row.version)
