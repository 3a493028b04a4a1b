"""People with accounts, as tests of pages and of the API meet them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID, uuid4

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts.joining import Joining
from application.accounts.operators import register
from application.accounts.service import AskingBrowser, PersonAccounts
from application.accounts.sessions import begin_session
from domain import commands as c
from domain.messages import MemberRole
from domain.organization.handlers.members import add_member
from domain.organization.plans import UNLIMITED
from infra.database import own_pool
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.organizations import make_organization
from projections.organizations.projection import ApiKeys
from projections.people import People
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.builders import asking
from tests.kit.visitor import Visitor

T = TypeVar("T")

EMAIL = "ada@example.com"
PASSWORD = "seven goats on a hill"  # noqa: S105 - of a test
COOKIE = "goatherd_person"


class Person(Struct, frozen=True, kw_only=True):
    """The first owner of an organization, and the browser in which they signed in."""

    id: UUID
    name: str
    email: str
    password: str
    tenant: Tenant
    browser: Visitor

    def sign_in(self, visitor: Visitor, *, password: str = "") -> None:
        """Sign the person in with another browser."""
        answer = visitor.post(
            "/sign-in", {"email": self.email, "password": password or self.password}
        )
        assert answer.status_code == 303, answer.text


def owner_of(tenant: Tenant, *, name: str = "Ada Alm") -> Person:
    """Make the first owner of an organization on the page You, as a key may."""
    email = f"ada.{uuid4().hex}@example.com"
    visitor = Visitor(tenant.goatherd)
    visitor.sign_in(tenant.key)
    answer = visitor.post(
        "/you/account", {"name": name, "email": email, "password": PASSWORD}
    )
    assert answer.status_code == 303, answer.text
    ((person_id,),) = tenant.goatherd.query(
        "SELECT person_id FROM people WHERE email = %s", email
    )
    return Person(
        id=person_id,
        name=name,
        email=email,
        password=PASSWORD,
        tenant=tenant,
        browser=visitor,
    )


class Colleague(Struct, frozen=True, kw_only=True):
    """Somebody who accepted an invitation, and the browser in which they did."""

    id: UUID
    name: str
    email: str
    tenant: Tenant
    browser: Visitor


def member_of(tenant: Tenant, name: str = "Ben", **rights: object) -> Colleague:
    """Invite somebody with these rights, who registers and accepts."""
    email = f"{name.lower()}.{uuid4().hex}@example.com"
    sent = tenant.post("/invitations", {"email": email, "role": "member", **rights})
    return joined(tenant, data_of(sent, status=201), name=name)


def joined(tenant: Tenant, sent: Mapping[str, Any], *, name: str) -> Colleague:
    """Register somebody with the link of an invitation."""
    token = sent["link"].rpartition("/")[2]
    signed_in = with_joining(
        tenant.goatherd,
        lambda joining: joining.join(
            token, name=name, password=PASSWORD, client=a_browser()
        ),
    )
    visitor = Visitor(tenant.goatherd)
    visitor.cookies[COOKIE] = signed_in.token
    ((person_id,),) = tenant.goatherd.query(
        "SELECT person_id FROM people WHERE email = %s", sent["email"]
    )
    return Colleague(
        id=person_id,
        name=name,
        email=sent["email"],
        tenant=tenant,
        browser=visitor,
    )


def a_browser() -> AskingBrowser:
    return AskingBrowser(address="10.1.1.1", browser="Firefox", correlation_id=new_id())


def with_joining(goatherd: Goatherd, use: Callable[[Joining], Awaitable[T]]) -> T:
    """Use the service that answers invitations, as pages do."""

    async def run() -> T:
        async with own_pool(goatherd.url, size=1) as own:
            accounts = PersonAccounts(goatherd.store, own)
            return await use(Joining(goatherd.store, own, accounts))

    return asyncio.run(run())


def organization_of(store: Store, owner: UUID, *, name: str) -> UUID:
    """Create an organization with a person as its only owner, and return its id."""

    def project(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
        ApiKeys().write(cursor, done.events)
        People().write(cursor, done.events)

    return make_organization(
        store,
        name=name,
        plan=UNLIMITED,
        time_zone="UTC",
        owner=owner,
        context=asking(),
        in_transaction=project,
    ).organization_id


def second_owner(store: Store, organization_id: UUID) -> UUID:
    """Make somebody else an owner as well, so that the first one may go."""
    return added_member(store, organization_id, role="owner")


def added_member(
    store: Store,
    organization_id: UUID,
    *,
    role: MemberRole,
    project_ids: tuple[UUID, ...] | None = None,
) -> UUID:
    """Register somebody without a password, and make them a member."""
    email = f"ben.{uuid4().hex}@example.com"
    ben = register(store, name="Ben", email=email, context=asking())
    member = c.AddMember(person_id=ben, role=role, project_ids=project_ids)
    execute(
        store,
        lambda: add_member(organization_id, member),
        context=asking(),
        in_transaction=lambda cursor, done: People().write(cursor, done.events),
    )
    return ben


def session_of(store: Store, person_id: UUID, organization_id: UUID) -> str:
    """Begin a session, as a sign-in does, and return the value of its cookie."""
    with store.pool.connection() as connection:
        return begin_session(
            connection.cursor(),
            person_id=person_id,
            organization_id=organization_id,
            address="",
            browser="",
        )
