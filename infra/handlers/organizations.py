"""Organizations: their making, their projects and their keys."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.errors import NotFoundError, StaleVersionError
from domain.organization import decider
from domain.organization.decider import OrganizationCommand
from domain.organization.plans import Limits
from infra.eventstore.append import Context
from infra.eventstore.store import (
    InTransaction,
    RecordedEvent,
    Store,
    adapt_hook,
    retry_conflicts,
)
from infra.handlers.handling import next_entries, organization_of
from infra.ids import new_id

ALL_SCOPES: tuple[e.Scope, ...] = ("read", "write", "admin")
DEFAULT_SCOPES: tuple[e.Scope, ...] = ("read", "write")
FIRST_PROJECT = "First project"


class OrganizationChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An organization's whole stream after a command; position None: nothing new."""

    history: tuple[RecordedEvent, ...]
    fresh: tuple[RecordedEvent, ...]

    @property
    def position(self) -> int | None:
        return self.fresh[-1].position if self.fresh else None


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key just issued; its text is known here and never again."""

    key_id: UUID
    text: str
    scopes: tuple[e.Scope, ...]
    fresh: tuple[RecordedEvent, ...] = ()

    @property
    def position(self) -> int | None:
        return self.fresh[-1].position if self.fresh else None


ChangedAlongside = Callable[[Cursor[TupleRow], OrganizationChanged], None]


class MadeOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """An organization just made, with its first project and a key with all scopes."""

    organization_id: UUID
    project_id: UUID
    key: IssuedKey


def draw_key() -> str:
    """Return the text of a new key."""
    return f"tga_{secrets.token_hex(32)}"


def digest_of(text: str) -> str:
    """Return the SHA-256 of a key's text in hex, which is all that is stored of it."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_organization(
    store: Store,
    *,
    name: str,
    plan: str,
    time_zone: str,
    context: Context,
    in_transaction: InTransaction | None = None,
) -> MadeOrganization:
    """Make an organization, its first project and a key with every scope, as one.

    Raises:
        InvalidTimeZoneError: the time zone is no IANA zone.
    """
    organization_id, project_id, key_id = new_id(), new_id(), new_id()
    text = draw_key()
    commands: list[OrganizationCommand] = [
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
    state = None
    events: list[e.OrganizationEvent] = []
    for command in commands:
        for event in decider.decide(state, command):
            state = decider.evolve(state, event)
            events.append(event)
    store.append(
        next_entries(organization_id, [], events),
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
    in_transaction: Callable[[Cursor[TupleRow], IssuedKey], None],
    draw: Callable[[UUID], str] = lambda _: draw_key(),
) -> IssuedKey:
    """Issue a key to the organization; ``draw`` makes its text, given its id.

    Raises:
        NotFoundError: no such organization.
        LimitReachedError: the plan has no room for another key.
        BusyError: too many writers at once.
    """
    key_id = new_id()
    text = draw(key_id)
    wanted = tuple(dict.fromkeys(scopes))

    def issued(changed: OrganizationChanged) -> IssuedKey:
        return IssuedKey(key_id=key_id, text=text, scopes=wanted, fresh=changed.fresh)

    changed = command_organization(
        store,
        organization_id,
        lambda limits: c.CreateApiKey(
            key_id=key_id,
            name=name,
            digest=digest_of(text),
            hint=text[-4:],
            scopes=wanted,
            expires_at=expires_at,
            limits=limits,
        ),
        plans=plans,
        context=context,
        in_transaction=lambda cursor, done: in_transaction(cursor, issued(done)),
    )
    return issued(changed)


def command_organization(
    store: Store,
    organization_id: UUID,
    command: Callable[[Limits], OrganizationCommand],
    *,
    plans: Mapping[str, Limits],
    context: Context,
    expected_versions: tuple[UUID, Collection[int]] | None = None,
    in_transaction: ChangedAlongside | None = None,
) -> OrganizationChanged:
    """Carry out a command that may depend on the plan's limits.

    ``expected_versions`` are those that the project, or the organization itself, with
    that id must be at.

    Raises:
        NotFoundError: no such organization, project or key.
        LimitReachedError: the plan has no room.
        InvalidTimeZoneError: the time zone is no IANA zone.
        StaleVersionError: the version is not among those expected.
        BusyError: too many writers at once.
    """

    def attempt() -> OrganizationChanged:
        past = store.load(organization_id)[organization_id]
        state = organization_of(past)
        if state is None:
            raise NotFoundError("organization")
        if expected_versions is not None:
            whose, versions = expected_versions
            checked = state if whose == organization_id else state.projects.get(whose)
            if checked is None:
                raise NotFoundError("project")
            if checked.version not in versions:
                raise StaleVersionError(checked.version)
        events = decider.decide(state, command(plans[state.plan]))
        if not events:
            return OrganizationChanged(history=tuple(past), fresh=())

        def changed(fresh: Sequence[RecordedEvent]) -> OrganizationChanged:
            return OrganizationChanged(history=(*past, *fresh), fresh=tuple(fresh))

        return changed(
            store.append(
                next_entries(organization_id, past, events),
                context=context,
                in_transaction=adapt_hook(in_transaction, changed),
            )
        )

    return retry_conflicts(attempt)
