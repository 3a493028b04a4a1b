"""/me: the person who asks, and the sessions in which they are signed in."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.access.auth import invalid_api_key
from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code, field_error
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.organization import TimeZone
from api.routes.projects import Name
from application.accounts.operators import erase
from application.accounts.sessions import end_session, sessions_of
from domain import commands as c
from domain.email import same_email
from domain.errors import NotFoundError
from domain.messages import MemberRole
from domain.person.events import SignInMethod
from domain.person.handlers import change_person
from infra.database import AsyncPool
from infra.eventstore.execute import Executed
from projections.people import (
    People,
    PersonInOrganization,
    one_person,
    read_person,
)


class Me(Struct, frozen=True, kw_only=True):
    """The person who asks, and their rights in the organization.

    Times are shown to them in ``time_zone``, null for that of the organization.
    ``project_ids`` are the projects that they may see, null for all. The version counts
    changes of the name, the address and the time zone. ``email_confirmed`` tells that
    a mail to the present address reached them. ``sign_in_methods`` are the ways that
    they have set up: ``codes`` and ``recovery`` follow a password. ``locale`` is
    ``en``, because all pages are in English.
    """

    # They change without a new version.
    FIGURE_FIELDS: ClassVar = (
        *("email_confirmed", "sign_in_methods", "role", "project_ids", "money"),
    )

    id: UUID
    name: str
    email: str
    email_confirmed: bool
    sign_in_methods: list[SignInMethod]
    locale: str
    time_zone: str | None
    org_id: UUID
    role: MemberRole
    project_ids: list[UUID] | None
    money: bool
    version: int


class MeChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; all others stay. At least one field is needed.

    ``locale`` is the language of pages and mails, which are in English.
    """

    name: Name | UnsetType = UNSET
    locale: Literal["en"] | UnsetType = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET


class OwnSession(Struct, frozen=True, kw_only=True):
    """A browser in which the person is signed in; ``is_this`` is the asking one."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    address: str
    browser: str
    is_this: bool


class EraseMe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``confirm`` is the person's email address, because nothing brings them back."""

    confirm: str


class ErasedPerson(Struct, frozen=True, kw_only=True):
    """The person who was erased."""

    id: UUID
    erased: bool = True


class EndedSession(Struct, frozen=True, kw_only=True):
    """A session that is over; its browser is signed out."""

    id: UUID
    ended: bool = True


_ERRORS = [Code.PERSON_REQUIRED]


class MeRoutes(Controller):
    """The person of a personal key or of a page."""

    path = "/me"
    tags = ("You",)
    entities: ClassVar = {"me": Me, "session": OwnSession}

    @read_route("/", "getMe", errors=_ERRORS, versioned=True)
    async def get_me(
        self, request: Request, own: NamedDependency[AsyncPool]
    ) -> Answer[Me]:
        """Show the person who asks."""
        person = request.principal.require_person()
        return _me(await read_person(own, person.id, request.organization_id), request)

    @write_route(
        patch,
        "/",
        "changeMe",
        scope="read",
        errors=_ERRORS,
        body_examples={"MeChange": {"name": "Ada", "time_zone": "Europe/Vienna"}},
    )
    def change_me(
        self,
        request: Request,
        data: JSONBody[MeChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Me]:
        """Change the name, the language or the time zone.

        Histories show the new name everywhere.
        """
        person = request.principal.require_person()
        change = c.ChangePerson(name=data.name, time_zone=data.time_zone)

        def present(rows: Rows, _: object) -> Answer[Me]:
            of = request.organization_id
            return _me(
                rows.ask(lambda cursor: one_person(cursor, person.id, of)), request
            )

        return writer.perform(
            request,
            lambda: change_person(
                person.id,
                change,
                expected_versions=writer.expected_versions(request),
            ),
            present,
            in_transaction=_project,
        )

    @read_route("/sessions", "listMySessions", errors=_ERRORS)
    async def list_my_sessions(
        self, request: Request, own: NamedDependency[AsyncPool]
    ) -> Answer[list[OwnSession]]:
        """List the browsers in which the person is signed in, the last used first."""
        person = request.principal.require_person()
        found = await sessions_of(own, person.id)
        this = person.session_id
        return Answer(
            [OwnSession(**asdict(one), is_this=one.id == this) for one in found]
        )

    @write_route(
        delete, "/sessions/{session_id:uuid}", "endMySession", scope="read",
        errors=_ERRORS,
    )  # fmt: skip
    def end_my_session(
        self,
        request: Request,
        session_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[EndedSession]:
        """Sign a browser out, within a second."""
        person = request.principal.require_person()
        with writer.store.pool.connection() as connection:
            if not end_session(connection.cursor(), person.id, session_id):
                raise NotFoundError("session")
        return Answer(EndedSession(id=session_id))

    @write_route(
        post,
        "/erase",
        "eraseMe",
        scope="read",
        recent_proof=True,
        errors=[*_ERRORS, Code.LAST_OWNER],
        body_examples={"EraseMe": {"confirm": "ada@example.com"}},
        status=200,
    )
    def erase_me(
        self,
        request: Request,
        data: JSONBody[EraseMe],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ErasedPerson]:
        """Erase the person who asks: name, address, ways to sign in and sessions.

        They leave their organizations, whose email channels to their address are
        removed, and whose reports mail to it no more. Their deeds stay, and histories
        say "an erased person". Nothing brings them back. A last owner is refused with
        `last_owner`: another person becomes an owner first. The page You does it, since
        a personal key can't.
        """
        person = request.principal.require_person()
        if same_email(data.confirm) != same_email(person.email):
            message = "must be your email address"
            raise field_error(Code.INVALID_BODY, "/confirm", message)
        context = writer.context(request)
        # The act is about the person, whichever projects they see.
        erase(writer.store, person.id, context=replace(context, project_ids=None))
        return Answer(ErasedPerson(id=person.id))


def _me(found: PersonInOrganization | None, request: Request) -> Answer[Me]:
    if found is None:
        # The membership or the person ended after the request was let in.
        raise invalid_api_key(presented=True)
    me = Me(org_id=request.organization_id, **asdict(found))
    return Answer(me, version=me.version)


def _project(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
    People().write(cursor, done.events)
