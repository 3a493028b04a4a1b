"""New organizations: with new ids, a first project and the text of a first key."""

import secrets
from uuid import UUID

import msgspec

from domain import commands as c
from domain.organization.api_keys import ALL_SCOPES, create_key
from domain.organization.handlers.organizations import create_organization
from infra.eventstore.append import Context
from infra.eventstore.execute import InTransaction, execute
from infra.eventstore.store import Store
from infra.ids import new_id

FIRST_PROJECT = "First project"
# The name of an organization until somebody answers for it.
UNNAMED_ORGANIZATION = "My organization"


class MadeOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """A new organization, with its first project and a key with all scopes.

    The text of the key is not stored anywhere else.
    """

    organization_id: UUID
    project_id: UUID
    key_id: UUID
    key: str


def draw_key() -> str:
    return f"tga_{secrets.token_hex(32)}"


def make_organization(
    store: Store,
    *,
    name: str,
    plan: str,
    time_zone: str,
    context: Context,
    project_name: str = FIRST_PROJECT,
    is_operator: bool = False,
    owner: UUID | None = None,
    invitation: c.InvitePerson | None = None,
    in_transaction: InTransaction[None] | None = None,
) -> MadeOrganization:
    """Create an organization, its first project and a key with all scopes together.

    ``is_operator`` lets it run the installation, as the oldest organization does by
    default. ``owner`` is a person who becomes its first owner, and ``invitation`` is
    for somebody without an account.

    Raises:
        InvalidTimeZoneError: the time zone is no IANA zone.
    """
    made = MadeOrganization(
        organization_id=new_id(), project_id=new_id(), key_id=new_id(), key=draw_key()
    )
    commands: list[c.OrganizationCommand] = [
        c.CreateOrganization(name=name, plan=plan, time_zone=time_zone),
        c.CreateProject(
            project_id=made.project_id, name=project_name, description=None
        ),
        create_key(made.key_id, made.key, name="First key", scopes=ALL_SCOPES),
    ]
    if is_operator:
        commands.insert(1, c.SetOperator(is_operator=True))
    if owner is not None:
        commands.append(c.AddMember(person_id=owner, role="owner", money=True))
    if invitation is not None:
        commands.append(invitation)
    execute(
        store,
        lambda: create_organization(made.organization_id, commands),
        context=context,
        in_transaction=in_transaction,
    )
    return made
