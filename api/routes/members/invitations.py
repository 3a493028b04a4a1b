"""/invitations: people who may become members, and their answers."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.derived_secret import DerivedSecret
from api.http.errors import Code
from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.connections.links import own_address
from api.routes.members.members import (
    ADMIN,
    GivenRole,
    Money,
    ProjectIds,
    asker,
    once_each,
)
from application.accounts.invitation_mails import mail_invitation
from application.accounts.invitations import (
    LIFETIME,
    accepting,
    add_link,
    email_digest,
    follow_members,
    path_of,
    renew_link,
    spend_link,
)
from application.accounts.invitations import decline as decline_invitation
from application.accounts.operators import person_with_email
from application.connect.service import Connections
from domain import commands as c
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.messages import MemberRole
from domain.organization.decider import organization_of
from domain.organization.handlers.organizations import change_organization
from infra.eventstore.execute import Executed
from infra.ids import new_id
from projections.members import (
    Invitation,
    address_within,
    member_within,
    page_of_invitations,
)

# A stored answer has neither the link nor the address.
_HIDDEN = ""

EmailAddress = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        description="An email address; capital letters make no difference.",
        examples=["ben@example.com"],
    ),
]
Token = Annotated[
    str,
    Meta(min_length=1, max_length=200, description="The last part of the link."),
]


class NewInvitation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to invite, and the rights that they get if they accept."""

    email: EmailAddress
    role: GivenRole
    project_ids: ProjectIds | None = None
    money: Money = False


class SentInvitation(Struct, frozen=True, kw_only=True):
    """An invitation with its link, which no other answer has.

    ``mailed`` is true if the address is sent a mail, which has a link of its own.
    """

    id: UUID
    email: str
    role: MemberRole
    project_ids: list[UUID] | None
    expires_at: datetime
    link: str
    mailed: bool


class WithdrawnInvitation(Struct, frozen=True, kw_only=True):
    """An invitation that nobody can accept any more."""

    id: UUID
    withdrawn: bool = True


class InvitationToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret of an invitation's link."""

    token: Token


class Joined(Struct, frozen=True, kw_only=True):
    """The organization that the person belongs to now, and their rights there."""

    org_id: UUID
    role: MemberRole
    project_ids: list[UUID] | None
    money: bool


class DeclinedInvitation(Struct, frozen=True, kw_only=True):
    """An invitation that the invited person declined."""

    declined: bool = True


class _SentBody(Struct):
    data: SentInvitation
    error: str | None
    meta: None = None


class InvitationRoutes(Controller):
    """Invitations to the organization, and the answers to them."""

    path = "/invitations"
    tags = ("Members",)
    entities: ClassVar = {"invitation": Invitation}

    @read_route("/", "listInvitations", **ADMIN)
    async def list_invitations(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[Invitation]:
        """List open invitations, newest first, without their links.

        An invitation that nobody answered stays for a week after `expires_at`, and can
        be sent again. Then it is withdrawn, and nobody can read its address any more.
        """
        await listing.caught_up("people")
        return await listing.page(
            "invitations",
            partial(page_of_invitations, listing.reader, listing.organization_id),
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @write_route(
        post,
        "/",
        "createInvitation",
        **ADMIN,
        recent_proof=True,
        errors=[
            Code.NOT_FOUND,
            Code.LIMIT_REACHED,
            Code.ALREADY_MEMBER,
            Code.ALREADY_INVITED,
            Code.OWNERS_ONLY,
        ],
        body_examples={
            "NewInvitation": {"email": "ben@example.com", "role": "viewer"},
        },
    )
    def create_invitation(
        self,
        request: Request,
        data: JSONBody[NewInvitation],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[SentInvitation]:
        """Invite somebody by their email address.

        Only this answer shows the link, with which the invited person accepts or
        declines within seven days. Where a mail server is set up, `mailed` is true and
        the address is sent another link as well. The plan's `max_members_per_org`
        counts members and open invitations. Only an owner invites an owner.
        """
        now = datetime.now(UTC)
        sending = _Sending(
            request, writer, connections, id_=new_id(), expires_at=now + LIFETIME
        )
        digest = email_digest(writer.store, data.email)
        ids = data.project_ids

        def invite() -> Handler[UUID]:
            command = c.InvitePerson(
                id=sending.id,
                email=data.email,
                role=data.role,
                project_ids=None if ids is None else once_each(ids),
                money=data.money,
                at=now,
                expires_at=sending.expires_at,
                person_id=person_with_email(writer.store, data.email),
                by=asker(request),
            )
            return change_organization(
                request.organization_id, command, plans=writer.plans
            )

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            follow_members(cursor, done.events)
            add_link(
                cursor,
                sending.id,
                organization_id=request.organization_id,
                token=sending.token(),
                email_digest=digest,
            )
            sending.mail(cursor)

        return writer.perform(
            request,
            invite,
            lambda _, done: sending.answer(done, status=201),
            in_transaction=within,
            unseal=sending.unseal,
        )

    @write_route(
        post,
        "/{invitation_id:uuid}/resend",
        "resendInvitation",
        **ADMIN,
        recent_proof=True,
        versioned=False,
        errors=[Code.LIMIT_REACHED, Code.OWNERS_ONLY],
        status=200,
    )
    def resend_invitation(
        self,
        request: Request,
        invitation_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[SentInvitation]:
        """Give an open invitation a new link for seven days; earlier ones end.

        It is mailed as a new invitation is: three times a day at most.
        """
        now = datetime.now(UTC)
        until = now + LIFETIME
        sending = _Sending(
            request, writer, connections, id_=invitation_id, expires_at=until
        )
        command = c.SendInvitationAgain(
            id=invitation_id, at=now, expires_at=until, by=asker(request)
        )

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            follow_members(cursor, done.events)
            renew_link(cursor, invitation_id, token=sending.token())
            sending.mail(cursor)

        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id, command, plans=writer.plans
            ),
            lambda _, done: sending.answer(done, status=200),
            in_transaction=within,
            unseal=sending.unseal,
        )

    @write_route(
        delete,
        "/{invitation_id:uuid}",
        "withdrawInvitation",
        **ADMIN,
        versioned=False,
        errors=[Code.OWNERS_ONLY],
    )
    def withdraw_invitation(
        self,
        request: Request,
        invitation_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[WithdrawnInvitation]:
        """Withdraw an open invitation, whose address can't be read any more then."""
        writer.require_no_version(request)
        command = c.WithdrawInvitation(id=invitation_id, by=asker(request))
        return writer.perform(
            request,
            lambda: change_organization(
                request.organization_id, command, plans=writer.plans
            ),
            lambda _, __: Answer(WithdrawnInvitation(id=invitation_id)),
            in_transaction=lambda cursor, done: follow_members(cursor, done.events),
        )

    @write_route(
        post,
        "/accept",
        "acceptInvitation",
        scope="read",
        errors=[Code.PERSON_REQUIRED, Code.ANOTHER_ADDRESS, Code.GONE],
        status=200,
    )
    def accept(
        self,
        request: Request,
        data: JSONBody[InvitationToken],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Joined]:
        """Become a member of the organization that made the invitation.

        It needs a personal key, of a person with the invited address. Somebody without
        an account opens the link in a browser.
        """
        person = request.principal.require_person()

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            spend_link(cursor, data.token)
            follow_members(cursor, done.events)

        def joined(rows: Rows, done: Executed[UUID]) -> Answer[Joined]:
            of = done.result
            member = rows.ask(lambda cursor: member_within(cursor, of, person.id))
            if member is None:
                raise NotFoundError("member")
            return Answer(
                Joined(
                    org_id=of,
                    role=member.role,
                    project_ids=member.project_ids,
                    money=member.money,
                )
            )

        return writer.perform(
            request,
            lambda: accepting(writer.store, data.token, person.id),
            joined,
            in_transaction=within,
        )

    @write_route(
        post,
        "/decline",
        "declineInvitation",
        scope=None,
        errors=[Code.GONE],
        status=200,
    )
    def decline(
        self,
        request: Request,
        data: JSONBody[InvitationToken],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[DeclinedInvitation]:
        """Decline an invitation, with its link and without an account.

        The invited address can't be read any more then.
        """
        correlation_id = request.context.correlation_id
        decline_invitation(writer.store, data.token, correlation_id=correlation_id)
        return Answer(DeclinedInvitation())


class _Sending:
    """The sending of an invitation; stored answers have no link and no address."""

    def __init__(
        self,
        request: Request,
        writer: CommandWriter,
        connections: Connections,
        *,
        id_: UUID,
        expires_at: datetime,
    ) -> None:
        self.id = id_
        self.expires_at = expires_at
        self._of = request.organization_id
        self._store = writer.store
        self._base = connections.base_address or own_address(request)
        self._secret = DerivedSecret(request, secret=writer.secret)
        self._is_mailed = False

    def token(self) -> str:
        return self._secret.draw(_drawn_for(self.id, self.expires_at))

    def mail(self, cursor: Cursor[TupleRow]) -> None:
        self._is_mailed = mail_invitation(cursor, self._store, self.id)

    def answer(self, done: Executed[UUID], *, status: int) -> Answer[SentInvitation]:
        history = [recorded.event for recorded in done.history(done.result)]
        organization = organization_of(history)
        if organization is None or self.id not in organization.invitations:
            raise NotFoundError("invitation")
        invitation = organization.invitations[self.id]
        ids = invitation.project_ids
        return Answer(
            SentInvitation(
                id=self.id,
                email=_HIDDEN,
                role=invitation.role,
                project_ids=None if ids is None else list(ids),
                expires_at=invitation.expires_at,
                link=_HIDDEN,
                mailed=self._is_mailed,
            ),
            status=status,
        )

    def unseal(self, body: bytes) -> bytes:
        answered = msgspec.json.decode(body, type=_SentBody)
        sent = answered.data
        token = self._secret.again(_drawn_for(sent.id, sent.expires_at))
        link = _HIDDEN if token is None else f"{self._base}{path_of(token)}"
        email = Rows(self._store).ask(
            lambda cursor: address_within(cursor, self._of, sent.id)
        )
        data = replace(sent, link=link, email=email or _HIDDEN)
        return msgspec.json.encode(replace(answered, data=data))


def _drawn_for(invitation_id: UUID, expires_at: datetime) -> bytes:
    """Return what a link is drawn for: each sending has another end."""
    return invitation_id.bytes + expires_at.isoformat().encode()
