"""people, members and invitations: names of people, and rights in organizations.

The rows are also written in the append's own transaction (``in_transaction``), so that
a right begins and ends at once, however far the followers lag. Writing an event twice
changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import MemberRole
from domain.summaries import actor_id
from infra.database import AsyncPool, run_read_async
from infra.eventstore.store import RecordedEvent
from infra.structs import structs
from projections.engine.folds import Folds

_REGISTERED = """
INSERT INTO people (person_id, name, email, locale, time_zone, version, registered_at,
                    position)
VALUES (%s, %s, %s, %s, %s, 1, %s, %s) ON CONFLICT (person_id) DO NOTHING
"""
_NAME = """
UPDATE people SET name = %(name)s, version = version + 1, position = %(position)s
WHERE person_id = %(person)s AND position < %(position)s
"""
_EMAIL = """
UPDATE people SET email = %(email)s, email_confirmed = false, version = version + 1,
    position = %(position)s
WHERE person_id = %(person)s AND position < %(position)s
"""
_EMAIL_CONFIRMED = """
UPDATE people SET email_confirmed = true, position = %(position)s
WHERE person_id = %(person)s AND position < %(position)s
"""
_TIME_ZONE = """
UPDATE people SET time_zone = %(time_zone)s, version = version + 1,
    position = %(position)s
WHERE person_id = %(person)s AND position < %(position)s
"""
_ERASED = """
UPDATE people SET name = NULL, email = NULL, email_confirmed = false,
    time_zone = NULL, erased_at = %(at)s, position = %(position)s
WHERE person_id = %(person)s AND position < %(position)s
"""
# Members have the present name and address of the person, whichever came first.
_SHOWN = """
UPDATE members AS m SET name = p.name, email = p.email FROM people AS p
WHERE p.person_id = %(person)s AND m.person_id = p.person_id
AND (m.name, m.email) IS DISTINCT FROM (p.name, p.email)
"""
_ADDED = """
INSERT INTO members AS m (organization_id, person_id, name, email, role, project_ids,
                          money, joined_at, position)
SELECT %(organization)s, %(person)s, p.name, p.email, %(role)s, %(project_ids)s::uuid[],
       %(money)s, %(at)s, %(position)s
FROM (SELECT) AS one LEFT JOIN people p ON p.person_id = %(person)s
ON CONFLICT (organization_id, person_id) DO UPDATE SET
    role = excluded.role, project_ids = excluded.project_ids, money = excluded.money,
    joined_at = excluded.joined_at, removed_at = NULL, version = 1,
    position = excluded.position
WHERE m.position < excluded.position
"""
_CHANGED = """
UPDATE members SET role = coalesce(%(role)s, role), money = coalesce(%(money)s, money),
    project_ids = CASE WHEN %(narrows)s THEN %(project_ids)s::uuid[]
                       ELSE project_ids END,
    version = version + 1, position = %(position)s
WHERE organization_id = %(organization)s AND person_id = %(person)s
AND position < %(position)s
"""
_REMOVED = """
UPDATE members SET removed_at = %(at)s, position = %(position)s
WHERE organization_id = %(organization)s AND person_id = %(person)s
AND position < %(position)s
"""
_INVITED = """
INSERT INTO invitations (organization_id, id, email, role, project_ids, money,
                         invited_by, created_at, expires_at, position)
VALUES (%(organization)s, %(id)s, %(email)s, %(role)s, %(project_ids)s::uuid[],
        %(money)s, %(by)s, %(at)s, %(expires_at)s, %(position)s)
ON CONFLICT (organization_id, id) DO NOTHING
"""
_SENT_AGAIN = """
UPDATE invitations SET expires_at = %(expires_at)s, position = %(position)s
WHERE organization_id = %(organization)s AND id = %(id)s AND position < %(position)s
"""
_ENDED = """
UPDATE invitations SET email = NULL, ended_at = %(at)s, position = %(position)s
WHERE organization_id = %(organization)s AND id = %(id)s AND position < %(position)s
"""

on = Folds[[Cursor[TupleRow], RecordedEvent], None]()


@on(e.PersonRegistered)
def _registered(
    event: e.PersonRegistered, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(
        _REGISTERED,
        (
            *(recorded.stream, event.name, event.email, event.locale),
            *(event.time_zone, recorded.recorded_at, recorded.position),
        ),
    )


@on(e.PersonRenamed)
def _renamed(
    event: e.PersonRenamed, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_NAME, {"name": event.name, **_of_person(recorded)})
    cursor.execute(_SHOWN, _of_person(recorded))


@on(e.EmailChanged)
def _email_changed(
    event: e.EmailChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_EMAIL, {"email": event.email, **_of_person(recorded)})
    cursor.execute(_SHOWN, _of_person(recorded))


@on(e.EmailConfirmed)
def _email_confirmed(
    event: e.EmailConfirmed,  # noqa: ARG001 - the type chooses the fold
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    cursor.execute(_EMAIL_CONFIRMED, _of_person(recorded))


@on(e.PersonPreferencesChanged)
def _preferences_changed(
    event: e.PersonPreferencesChanged,
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    if event.time_zone is not UNSET:
        of = {"time_zone": event.time_zone, **_of_person(recorded)}
        cursor.execute(_TIME_ZONE, of)


@on(e.PersonErased)
def _erased(
    event: e.PersonErased,  # noqa: ARG001 - the type chooses the fold
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    cursor.execute(_ERASED, _of_person(recorded))
    cursor.execute(_SHOWN, _of_person(recorded))


@on(e.MemberAdded)
def _added(
    event: e.MemberAdded, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    of = _of_member(recorded, event.person_id)
    rights = {"role": event.role, "money": event.money}
    cursor.execute(_ADDED, {**of, **rights, "project_ids": _ids(event.project_ids)})


@on(e.MemberChanged)
def _changed(
    event: e.MemberChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    narrows = event.project_ids is not UNSET
    cursor.execute(
        _CHANGED,
        {
            **_of_member(recorded, event.person_id),
            "role": None if event.role is UNSET else event.role,
            "money": None if event.money is UNSET else event.money,
            "narrows": narrows,
            "project_ids": (
                None if event.project_ids is UNSET else _ids(event.project_ids)
            ),
        },
    )


@on(e.MemberRemoved)
def _removed(
    event: e.MemberRemoved, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_REMOVED, _of_member(recorded, event.person_id))


@on(e.InvitationMade)
def _invited(
    event: e.InvitationMade, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(
        _INVITED,
        {
            **_of_invitation(recorded, event.id),
            "email": event.email,
            "role": event.role,
            "project_ids": _ids(event.project_ids),
            "money": event.money,
            "by": recorded.actor,
            "expires_at": event.expires_at,
        },
    )


@on(e.InvitationSentAgain)
def _sent_again(
    event: e.InvitationSentAgain, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    of = {"expires_at": event.expires_at, **_of_invitation(recorded, event.id)}
    cursor.execute(_SENT_AGAIN, of)


@on(e.InvitationAccepted, e.InvitationDeclined, e.InvitationWithdrawn)
def _invitation_ended(
    event: e.InvitationAccepted | e.InvitationDeclined | e.InvitationWithdrawn,
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    cursor.execute(_ENDED, _of_invitation(recorded, event.id))


class People:
    """Keeps the tables people, members and invitations."""

    name = "people"
    version = 1
    tables = ("people", "members", "invitations")
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write the rows of events, one by one; ignore events of other kinds."""
        for recorded in events:
            if recorded.event in on:
                on.fold(recorded.event, cursor, recorded)


def _of_person(recorded: RecordedEvent) -> dict[str, Any]:
    return {
        "person": recorded.stream,
        "position": recorded.position,
        "at": recorded.recorded_at,
    }


def _of_member(recorded: RecordedEvent, person_id: UUID) -> dict[str, Any]:
    return {
        "organization": recorded.stream,
        "person": person_id,
        "position": recorded.position,
        "at": recorded.recorded_at,
    }


def _of_invitation(recorded: RecordedEvent, invitation_id: UUID) -> dict[str, Any]:
    return {
        "organization": recorded.stream,
        "id": invitation_id,
        "position": recorded.position,
        "at": recorded.recorded_at,
    }


def _ids(project_ids: Sequence[UUID] | None) -> list[UUID] | None:
    return None if project_ids is None else list(project_ids)


# As clients read it


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person in an organization, with their rights; null projects are all."""

    id: UUID
    name: str
    email: str
    role: MemberRole
    project_ids: list[UUID] | None
    money: bool
    joined_at: datetime
    last_seen_at: datetime | None


ACTOR_NAMES = b"""
SELECT id, name FROM api_keys
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
UNION ALL
SELECT person_id, name FROM members
WHERE organization_id = %(organization)s AND person_id = ANY(%(ids)s)
AND name IS NOT NULL
"""
"""The query of the present names of keys and people, which ``actor_ids`` identifies."""


def actor_ids(events: Iterable[RecordedEvent]) -> list[UUID]:
    """Return the ids of the keys and people that caused the events."""
    return sorted({id_ for r in events if (id_ := actor_id(r.actor)) is not None})


class PersonInOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """A person, how they can sign in, and their rights in one organization."""

    id: UUID
    name: str
    email: str
    email_confirmed: bool
    sign_in_methods: list[e.SignInMethod]
    locale: str
    time_zone: str | None
    role: MemberRole
    project_ids: list[UUID] | None
    money: bool
    version: int


_ONE = """
SELECT p.person_id, p.name, p.email, p.email_confirmed, ARRAY(
           SELECT kind FROM person_secrets s WHERE s.person_id = p.person_id
           UNION SELECT 'passkey' FROM passkeys k WHERE k.person_id = p.person_id
           UNION SELECT 'oidc' FROM person_identities i WHERE i.person_id = p.person_id
           ORDER BY kind),
       p.locale, p.time_zone, m.role, m.project_ids, m.money, p.version
FROM people p JOIN members m ON m.person_id = p.person_id
WHERE p.person_id = %s AND m.organization_id = %s AND m.removed_at IS NULL
AND p.erased_at IS NULL
"""


def one_person(
    cursor: Cursor[TupleRow], person_id: UUID, organization_id: UUID
) -> PersonInOrganization | None:
    """Return a member of an organization; None if the person is not a member."""
    rows = cursor.execute(_ONE, (person_id, organization_id)).fetchall()
    return next(iter(structs(PersonInOrganization, rows)), None)


async def read_person(
    pool: AsyncPool, person_id: UUID, organization_id: UUID
) -> PersonInOrganization | None:
    """Return the same as ``one_person``, for a request that only reads."""

    async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
        cursor = await connection.execute(_ONE, (person_id, organization_id))
        return await cursor.fetchall()

    rows = await run_read_async(pool, run)
    return next(iter(structs(PersonInOrganization, rows)), None)
