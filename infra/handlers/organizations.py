"""Organizations: their making, their projects and their keys."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain import organization
from domain.errors import NotFoundError, StaleVersionError
from domain.organization import OrganizationCommand
from domain.plans import Limits
from infra.handlers.folding import next_entries, organization_of
from infra.ids import new_id
from infra.recorder import Context
from infra.store import Alongside, Recorded, Store, retry_conflicts

ALL_SCOPES: tuple[e.Scope, ...] = ("read", "write", "admin")
DEFAULT_SCOPES: tuple[e.Scope, ...] = ("read", "write")
FIRST_PROJECT = "First project"


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key just issued; its text is known here and never again."""

    key_id: UUID
    text: str
    scopes: tuple[e.Scope, ...]
    recorded: tuple[Recorded, ...] = ()


class MadeOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """An organization just made, with its first project and a key with all scopes."""

    organization_id: UUID
    project_id: UUID
    key: IssuedKey


def draw_key() -> tuple[str, str, str]:
    """Return a new key's text, its SHA-256 digest in hex, and its hint for people."""
    text = f"tga_{secrets.token_hex(32)}"
    return text, hashlib.sha256(text.encode()).hexdigest(), text[-4:]


def make_organization(
    store: Store,
    *,
    name: str,
    plan: str,
    time_zone: str,
    context: Context,
    alongside: Alongside | None = None,
) -> MadeOrganization:
    """Make an organization, its first project and a key with every scope, as one.

    Raises:
        InvalidTimeZoneError: the time zone is no IANA zone.
    """
    organization_id, project_id, key_id = new_id(), new_id(), new_id()
    text, digest, hint = draw_key()
    commands: list[OrganizationCommand] = [
        c.CreateOrganization(name=name, plan=plan, time_zone=time_zone),
        c.CreateProject(
            project_id=project_id, name=FIRST_PROJECT, description=None, limits=Limits()
        ),
        c.CreateApiKey(
            key_id=key_id,
            name="First key",
            digest=digest,
            hint=hint,
            scopes=ALL_SCOPES,
            expires_at=None,
            limits=Limits(),
        ),
    ]
    state = None
    facts: list[e.OrganizationEvent] = []
    for command in commands:
        for fact in organization.decide(state, command):
            state = organization.evolve(state, fact)
            facts.append(fact)
    store.append(
        next_entries(organization_id, [], facts), context=context, alongside=alongside
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
    alongside: Callable[[Cursor[TupleRow], IssuedKey], None],
) -> IssuedKey:
    """Issue a key to the organization.

    Raises:
        NotFoundError: no such organization.
        LimitReachedError: the plan has no room for another key.
        BusyError: too many writers at once.
    """
    key_id = new_id()
    text, digest, hint = draw_key()
    wanted = tuple(dict.fromkeys(scopes))

    def issued(facts: Sequence[Recorded]) -> IssuedKey:
        return IssuedKey(key_id=key_id, text=text, scopes=wanted, recorded=tuple(facts))

    facts = command_organization(
        store,
        organization_id,
        lambda limits: c.CreateApiKey(
            key_id=key_id,
            name=name,
            digest=digest,
            hint=hint,
            scopes=wanted,
            expires_at=expires_at,
            limits=limits,
        ),
        plans=plans,
        context=context,
        alongside=lambda cursor, facts: alongside(cursor, issued(facts)),
    )
    return issued(facts)


def command_organization(
    store: Store,
    organization_id: UUID,
    command: Callable[[Limits], OrganizationCommand],
    *,
    plans: Mapping[str, Limits],
    context: Context,
    expected_project_version: tuple[UUID, int] | None = None,
    alongside: Alongside | None = None,
) -> list[Recorded]:
    """Carry out a command that may depend on the plan's limits; [] if all is so.

    Raises:
        NotFoundError: no such organization, project or key.
        LimitReachedError: the plan has no room.
        StaleVersionError: the project is not at the expected version any more.
        BusyError: too many writers at once.
    """

    def attempt() -> list[Recorded]:
        past = store.load(organization_id)[organization_id]
        state = organization_of(past)
        if state is None:
            raise NotFoundError("organization")
        if expected_project_version is not None:
            project_id, version = expected_project_version
            project = state.projects.get(project_id)
            if project is None:
                raise NotFoundError("project")
            if project.version != version:
                raise StaleVersionError(project.version)
        facts = organization.decide(state, command(plans[state.plan]))
        if not facts:
            return []
        return store.append(
            next_entries(organization_id, past, cast("list[e.Fact]", facts)),
            context=context,
            alongside=alongside,
        )

    return retry_conflicts(attempt)
