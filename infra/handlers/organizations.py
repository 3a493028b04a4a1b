"""Commands to organizations: create them, their projects and their API keys."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain import commands as c
from domain import events as e
from domain.handlers import organizations as handlers
from domain.organization.plans import Limits
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import Store
from infra.ids import new_id

ALL_SCOPES: tuple[e.Scope, ...] = ("read", "write", "admin")
DEFAULT_SCOPES: tuple[e.Scope, ...] = ("read", "write")
FIRST_PROJECT = "First project"


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new API key; its text cannot be read again later."""

    key_id: UUID
    text: str
    scopes: tuple[e.Scope, ...]


class MadeOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """A new organization with its first project and a key with every scope."""

    organization_id: UUID
    project_id: UUID
    key: IssuedKey


def draw_key() -> str:
    """Return the text of a new API key."""
    return f"tga_{secrets.token_hex(32)}"


def digest_of(text: str) -> str:
    """Return the SHA-256 of a key's text in hex; only that is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_organization(
    store: Store,
    *,
    name: str,
    plan: str,
    time_zone: str,
    context: Context,
    is_operator: bool = False,
    in_transaction: InTransaction[None] | None = None,
) -> MadeOrganization:
    """Create an organization, its first project and a key with all scopes, together.

    ``is_operator`` lets it run the installation; the oldest one does unless said.

    Raises:
        InvalidTimeZoneError: the time zone is no IANA zone.
    """
    organization_id, project_id, key_id = new_id(), new_id(), new_id()
    text = draw_key()
    commands: list[c.OrganizationCommand] = [
        c.CreateOrganization(name=name, plan=plan, time_zone=time_zone),
        c.CreateProject(
            project_id=project_id, name=FIRST_PROJECT, description=None, limits=Limits()
        ),
        c.CreateApiKey(
            key_id=key_id,
            name="First key",
            digest=digest_of(text),
            hint=text[-4:],
            scopes=ALL_SCOPES,
            expires_at=None,
            limits=Limits(),
        ),
    ]
    if is_operator:
        commands.insert(1, c.SetOperator(is_operator=True))
    execute(
        store,
        lambda: handlers.create_organization(organization_id, commands),
        context=context,
        in_transaction=in_transaction,
    )
    return MadeOrganization(
        organization_id=organization_id,
        project_id=project_id,
        key=IssuedKey(key_id=key_id, text=text, scopes=ALL_SCOPES),
    )


def issue_key(
    store: Store,
    organization_id: UUID,
    *,
    name: str,
    scopes: Sequence[e.Scope],
    expires_at: datetime | None,
    plans: Mapping[str, Limits],
    context: Context,
    in_transaction: InTransaction[IssuedKey] | None,
    draw: Callable[[UUID], str] = lambda _: draw_key(),
) -> Executed[IssuedKey]:
    """Issue an API key to the organization; ``draw`` returns its text for the key's id.

    Raises:
        NotFoundError: no such organization.
        LimitReachedError: the plan has no room for another key.
        BusyError: too many writers at once.
    """
    key_id = new_id()
    key = IssuedKey(
        key_id=key_id, text=draw(key_id), scopes=tuple(dict.fromkeys(scopes))
    )
    return execute(
        store,
        lambda: handlers.change_organization(
            organization_id,
            lambda limits: c.CreateApiKey(
                key_id=key_id,
                name=name,
                digest=digest_of(key.text),
                hint=key.text[-4:],
                scopes=key.scopes,
                expires_at=expires_at,
                limits=limits,
            ),
            plans=plans,
            result=key,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def command_organization(
    store: Store,
    organization_id: UUID,
    command: Callable[[Limits], c.OrganizationCommand],
    *,
    plans: Mapping[str, Limits],
    context: Context,
    expected_versions: tuple[UUID, Collection[int]] | None = None,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Execute a command that may depend on the plan's limits.

    The result is the organization's id. If ``expected_versions`` are given, the project
    that the command names, or the organization itself, must be at one of them.

    Raises:
        NotFoundError: no such organization, project or key.
        LimitReachedError: the plan has no room.
        InvalidTimeZoneError: the time zone is no IANA zone.
        StaleVersionError: the version is not among those expected.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.change_organization(
            organization_id,
            command,
            plans=plans,
            result=organization_id,
            expected_versions=expected_versions,
        ),
        context=context,
        in_transaction=in_transaction,
    )
