"""People with accounts, as tests of pages and of the API meet them."""

from uuid import UUID, uuid4

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts.operators import register
from domain import commands as c
from domain.organization.plans import UNLIMITED
from domain.person.handlers import add_member
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.organizations import make_organization
from projections.organizations.projection import ApiKeys
from projections.people import People
from tests.kit.application import Tenant
from tests.kit.builders import asking
from tests.kit.visitor import Visitor

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
    email = f"ben.{uuid4().hex}@example.com"
    ben = register(store, name="Ben", email=email, context=asking())
    execute(
        store,
        lambda: add_member(organization_id, c.AddMember(person_id=ben, role="owner")),
        context=asking(),
        in_transaction=lambda cursor, done: People().write(cursor, done.events),
    )
    return ben
