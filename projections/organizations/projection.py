"""api_keys and organizations: the data for checks of keys, and the settings.

The rows are also written in the append's own transaction (``in_transaction``), so that
a new key is accepted and a revoked key is refused at once, however far the followers
lag. Writing an event twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, Cursor, sql
from psycopg.rows import TupleRow

from domain import events as e
from domain.events import Scope
from domain.messages import MemberRole, set_fields
from domain.organization.decider import SETTINGS
from domain.texts import texts_after
from infra.database import AsyncPool, run_read_async
from infra.eventstore.store import RecordedEvent
from infra.keys.person_secrets import HAS_OWN_WAY_IN, LACKS_SECOND_FACTOR
from infra.structs import structs
from projections.engine.folds import Folds
from projections.engine.reader import Reader, newest_first

_ORGANIZATION = """
INSERT INTO organizations (organization_id, name, plan, time_zone, position,
                           created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (organization_id) DO NOTHING
"""
_PLAN = """
UPDATE organizations SET plan = %s, version = version + 1, updated_at = %s,
    position = %s
WHERE organization_id = %s AND position < %s
"""
_KEY_NAME = "UPDATE api_keys SET name = %s WHERE organization_id = %s AND id = %s"
_NAME = """
UPDATE organizations SET name = %s, position = %s
WHERE organization_id = %s AND position < %s
"""
_OPERATOR = """
UPDATE organizations SET is_operator = %s, version = version + 1, updated_at = %s,
    position = %s
WHERE organization_id = %s AND position < %s
"""
_SETTINGS = sql.SQL("""
UPDATE organizations SET {changes}, version = version + 1, updated_at = %(at)s,
    position = %(position)s
WHERE organization_id = %(organization)s AND position < %(position)s
""")
_KEY = """
INSERT INTO api_keys (organization_id, id, name, digest, hint, scopes, created_at,
                      expires_at, person_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (organization_id, id) DO NOTHING
"""
_REVOKE = """
UPDATE api_keys SET revoked_at = %s
WHERE organization_id = %s AND id = %s AND revoked_at IS NULL
"""


on = Folds[[Cursor[TupleRow], RecordedEvent], None]()


@on(e.OrganizationCreated)
def _created(
    event: e.OrganizationCreated, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    at = recorded.recorded_at
    cursor.execute(
        _ORGANIZATION,
        (
            *(recorded.stream, event.name, event.plan, event.time_zone),
            *(recorded.position, at, at),
        ),
    )


@on(e.PlanChanged)
def _plan_changed(
    event: e.PlanChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    position = recorded.position
    cursor.execute(
        _PLAN, (event.new, recorded.recorded_at, position, recorded.stream, position)
    )


@on(e.OperatorChanged)
def _operator_changed(
    event: e.OperatorChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    at, position = recorded.recorded_at, recorded.position
    cursor.execute(
        _OPERATOR, (event.is_operator, at, position, recorded.stream, position)
    )


@on(e.OrganizationSettingsChanged)
def _settings_changed(
    event: e.OrganizationSettingsChanged,
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    changed = set_fields(event, SETTINGS)
    cursor.execute(
        _SETTINGS.format(
            changes=sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
                for name in changed
            )
        ),
        {
            **changed,
            "at": recorded.recorded_at,
            "position": recorded.position,
            "organization": recorded.stream,
        },
    )


@on(e.ApiKeyCreated)
def _key_created(
    event: e.ApiKeyCreated, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(
        _KEY,
        (
            *(recorded.stream, event.key_id, event.name, event.digest, event.hint),
            *(list(event.scopes), recorded.recorded_at, event.expires_at),
            event.person_id,
        ),
    )


@on(e.ApiKeyRenamed)
def _key_renamed(
    event: e.ApiKeyRenamed, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_KEY_NAME, (event.name, recorded.stream, event.key_id))


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    (name,) = texts_after(event, ("name",)).values()
    if event.kind == "api_key":
        cursor.execute(_KEY_NAME, (name, event.organization_id, event.of))
    elif event.kind == "organization":
        position = recorded.position
        cursor.execute(_NAME, (name, position, event.organization_id, position))


@on(e.ApiKeyRevoked)
def _key_revoked(
    event: e.ApiKeyRevoked, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_REVOKE, (recorded.recorded_at, recorded.stream, event.key_id))


class ApiKeys:
    """Keeps the tables api_keys and organizations."""

    name = "api_keys"
    version = 4
    tables = ("api_keys", "organizations")
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write the rows of events, one by one; ignore events of other kinds."""
        for recorded in events:
            if recorded.event in on:
                on.fold(recorded.event, cursor, recorded)


# As clients read it


class KeyOwner(msgspec.Struct, frozen=True, kw_only=True):
    """The person or the organization whose key it is.

    A person's key has at most the person's rights, and ends with the membership.
    """

    type: Literal["organization", "person"]
    id: UUID


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key. Its text is shown once, at its creation, and is not stored.

    ``hint`` is the end of the text, to tell keys apart.
    """

    id: UUID
    name: str
    hint: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    owner: KeyOwner


_PAGE = f"""
SELECT id, name, hint, scopes, created_at, expires_at, revoked_at, person_id
FROM api_keys WHERE organization_id = %(organization)s {newest_first("created_at")}
""".encode()
_OWN_PAGE = f"""
SELECT id, name, hint, scopes, created_at, expires_at, revoked_at, person_id
FROM api_keys WHERE organization_id = %(organization)s AND person_id = %(person)s
{newest_first("created_at")}
""".encode()
_IS_OWN: LiteralString = """
SELECT EXISTS (SELECT FROM api_keys
               WHERE organization_id = %s AND id = %s AND person_id = %s)
"""
# True for the oldest organization, if the organization "o" has no event about it.
IS_OPERATOR = """coalesce(o.is_operator, o.organization_id = (
    SELECT organization_id FROM organizations
    ORDER BY created_at, organization_id LIMIT 1))"""
# This query runs before the organization is known, so it does not use the role that
# sees only one organization.
_FIND = f"""
SELECT k.id, k.organization_id, k.scopes, o.plan, {IS_OPERATOR}, k.expires_at,
       k.person_id, p.name, p.email, p.time_zone, m.role, m.project_ids,
       o.requires_second_factor AND {LACKS_SECOND_FACTOR},
       CASE WHEN p.person_id IS NOT NULL THEN {HAS_OWN_WAY_IN} END,
       CASE WHEN p.person_id IS NOT NULL THEN (
           SELECT max(i.confirmed_at) FROM person_identities i
           WHERE i.person_id = p.person_id) END
FROM api_keys k JOIN organizations o USING (organization_id)
LEFT JOIN members m ON m.organization_id = k.organization_id
    AND m.person_id = k.person_id AND m.removed_at IS NULL
LEFT JOIN people p ON p.person_id = m.person_id AND p.erased_at IS NULL
WHERE k.digest = %s AND k.revoked_at IS NULL
AND (k.expires_at IS NULL OR k.expires_at > now())
AND (k.person_id IS NULL OR p.person_id IS NOT NULL)
""".encode()


class PersonOfKey(msgspec.Struct, frozen=True, kw_only=True):
    """The person of a personal key, and their present rights in the organization.

    ``has_own_way_in`` is true for a person with a password or a passkey. A provider
    signed the person in at ``confirmed_at``, None for never.
    """

    id: UUID
    name: str
    email: str
    time_zone: str | None
    role: MemberRole
    project_ids: list[UUID] | None
    lacks_second_factor: bool
    has_own_way_in: bool
    confirmed_at: datetime | None


class KeyHolder(msgspec.Struct, frozen=True):
    """The organization of a valid key, and the scopes of the key.

    ``is_operator`` says that the organization runs the installation. If no event says
    it, the oldest organization does. The key ends at ``expires_at``, None for never.
    ``person`` is None for a key of the organization.
    """

    key_id: UUID
    organization_id: UUID
    scopes: list[Scope]
    plan: str
    is_operator: bool
    expires_at: datetime | None
    person: PersonOfKey | None


async def holder_of(pool: AsyncPool, digest: bytes) -> KeyHolder | None:
    """Return the owner of the key with this SHA-256 digest; None if it is invalid."""

    async def run(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
        cursor = await connection.execute(_FIND, (digest.hex(),), prepare=True)
        return await cursor.fetchone()

    row = await run_read_async(pool, run)
    if row is None:
        return None
    key, person = row[:6], row[6:]
    if person[0] is None:
        return KeyHolder(*key, person=None)
    (found,) = structs(PersonOfKey, [person])
    return KeyHolder(*key, person=found)


async def page_of_keys(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[ApiKey]:
    """Return up to ``limit`` keys after the given one, newest first."""
    rows = await reader.page(organization_id, _PAGE, limit=limit, after=after)
    return _keys(organization_id, rows)


async def page_of_own_keys(
    pool: AsyncPool,
    organization_id: UUID,
    person_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[ApiKey]:
    """Return a person's keys in the organization, as ``page_of_keys`` does.

    A person may see these without the right to see the others.
    """
    value, last_id = after or (None, None)
    where = {"person": person_id, "value": value, "last_id": last_id, "limit": limit}

    async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
        cursor = await connection.execute(
            _OWN_PAGE, {"organization": organization_id, **where}
        )
        return await cursor.fetchall()

    return _keys(organization_id, await run_read_async(pool, run))


def is_key_of(
    cursor: Cursor[TupleRow], organization_id: UUID, key_id: UUID, person_id: UUID
) -> bool:
    """Tell whether a key belongs to a person."""
    values = (organization_id, key_id, person_id)
    row = cursor.execute(_IS_OWN, values).fetchone()
    return row is not None and row[0]


def owner_of(organization_id: UUID, person_id: UUID | None) -> KeyOwner:
    """Return the owner of a key; no person stands for the organization."""
    if person_id is None:
        return KeyOwner(type="organization", id=organization_id)
    return KeyOwner(type="person", id=person_id)


def _keys(organization_id: UUID, rows: Iterable[TupleRow]) -> list[ApiKey]:
    return structs(
        ApiKey,
        ((*row[:-1], owner_of(organization_id, row[-1])) for row in rows),
    )
