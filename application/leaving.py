"""Removals: the things that a person leaves, and what becomes of them."""

from collections.abc import Collection, Mapping
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.accounts.invitations import follow_members
from application.accounts.typed_addresses import knows_address
from application.channels.follow import following
from application.mail.recipients import end_mails_of
from application.shares.links import forget_password
from domain import commands as c
from domain import events as e
from domain.organization.decider import organization_of
from domain.organization.handlers.leaving import ThingsKnown
from domain.organization.left_things import CHOICES, ThingChoice, ThingKind
from infra.database import run_read
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store, plain_events
from infra.keys.sealed_addresses import CHANNEL_ADDRESSES

_MADE: LiteralString = """
SELECT originator_id FROM goatherd_events
WHERE originator_id = ANY(%s) AND originator_version = 1 AND actor = %s
"""
_WITH_ADDRESS: LiteralString = """
SELECT channel_id FROM channel_addresses WHERE channel_id = ANY(%s)
"""
_CHANNELS: LiteralString = """
SELECT id, name FROM channels
WHERE organization_id = %(organization)s AND kind = 'email' AND removed_at IS NULL
ORDER BY name, id
"""
# A link without a name has that of the thing that it shows.
_LINKS: LiteralString = """
SELECT s.id, coalesce(nullif(s.name, ''), CASE s.scope
    WHEN 'creator' THEN (SELECT '@' || tiktok_handle FROM creator_list t
        WHERE t.organization_id = s.organization_id AND t.id = s.scope_id)
    WHEN 'campaign' THEN (SELECT name FROM campaigns t
        WHERE t.organization_id = s.organization_id AND t.id = s.scope_id)
    WHEN 'project' THEN (SELECT name FROM projects t
        WHERE t.organization_id = s.organization_id AND t.id = s.scope_id)
    ELSE (SELECT name FROM reports t
        WHERE t.organization_id = s.organization_id AND t.id = s.scope_id)
    END, '')
FROM shares s
WHERE s.organization_id = %(organization)s AND s.revoked_at IS NULL
AND (s.expires_at IS NULL OR s.expires_at > now()) ORDER BY 2, 1
"""
_VIEWS: LiteralString = """
SELECT id, name FROM views
WHERE organization_id = %(organization)s AND owner_id = %(person)s
AND NOT is_private AND deleted_at IS NULL ORDER BY name, id
"""
_RULES: LiteralString = """
SELECT id, name FROM alert_rules
WHERE organization_id = %(organization)s AND removed_at IS NULL AND built_in IS NULL
ORDER BY name, id
"""
_REPORTS: LiteralString = """
SELECT id, name, recipients FROM reports
WHERE organization_id = %(organization)s AND removed_at IS NULL ORDER BY name, id
"""
_KEYS: LiteralString = """
SELECT id, name FROM api_keys
WHERE organization_id = %(organization)s AND person_id = %(person)s
AND revoked_at IS NULL ORDER BY name, id
"""
_FOUND: Final[Mapping[ThingKind, LiteralString]] = {
    "link": _LINKS,
    "view": _VIEWS,
    "rule": _RULES,
    "report": _REPORTS,
    "channel": _CHANNELS,
    "key": _KEYS,
}
# The read models that the lists read.
READ_MODELS: Final = (
    *("people", "api_keys", "shares", "views", "alerts", "reports", "channels"),
    *("projects", "campaigns", "creator_list"),
)


class LeftThing(Struct, frozen=True, kw_only=True):
    """A thing of a person who is removed, and the choices for it.

    Without a choice it goes on as it is. A key has none: it ends with the membership.
    """

    kind: ThingKind
    id: UUID
    name: str
    choices: tuple[ThingChoice, ...]


def left_things(
    store: Store, organization_id: UUID, person_id: UUID
) -> list[LeftThing]:
    """Return the things that a person leaves in an organization, kind by kind.

    A view that is for the person alone is not among them: nobody else sees it.
    """
    history = plain_events(store.load(organization_id)[organization_id])
    organization = organization_of(history)
    assert organization is not None, "its people are listed"

    def find(connection: Connection[TupleRow]) -> list[LeftThing]:
        cursor = connection.cursor()
        params = {"organization": organization_id, "person": person_id}
        found: dict[ThingKind, list[TupleRow]] = {}
        for kind, sql in _FOUND.items():
            found[kind] = cursor.execute(sql, params).fetchall()
        known = _known(
            cursor,
            store,
            person_id,
            [row[0] for rows in found.values() for row in rows],
        )

        def is_theirs(kind: ThingKind, row: TupleRow) -> bool:
            match kind:
                case "link" | "rule":
                    made = row[0] in known.made
                    return organization.is_of(row[0], person_id, made=made)
                case "report":
                    return any(map(known.is_address, row[2]))
                case "channel":
                    return row[0] in known.channels
                case "view" | "key":
                    return True

        return [
            LeftThing(kind=kind, id=row[0], name=row[1], choices=CHOICES[kind])
            for kind, rows in found.items()
            for row in rows
            if is_theirs(kind, row)
        ]

    return run_read(store.pool, find)


def kept_things(
    store: Store, organization_id: UUID, person_id: UUID, settled: c.SettleThings
) -> list[LeftThing]:
    """Return the things that go on as they are after a removal.

    Read models may not know yet what became of the others.
    """
    return [
        one
        for one in left_things(store, organization_id, person_id)
        if one.kind != "key" and one.id not in settled.ids
    ]


def known_things(
    store: Store, person_id: UUID, thing_ids: Collection[UUID]
) -> ThingsKnown:
    """Return what the streams of these things do not tell of a person's part in them.

    The log and the addresses are read, which are never behind.
    """
    return run_read(
        store.pool,
        lambda connection: _known(connection.cursor(), store, person_id, thing_ids),
    )


def following_removal(
    store: Store, person_id: UUID, *, kept: UUID | None = None
) -> InTransaction[Any]:
    """Return the hook with which a removal has its effect at once.

    The person is signed out, except in the session with the id ``kept``.
    """
    follow_channels = following(store)

    def follow(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
        follow_members(cursor, done.events, kept=kept)
        removed = {
            each.stream
            for each in done.events
            if isinstance(each.event, e.ChannelRemoved)
        }
        if removed - {*_known(cursor, store, person_id, removed).channels}:
            # One got another address since the decision.
            raise AppendConflictError
        follow_channels(cursor, done)
        for each in done.events:
            match each.event:
                case e.ShareRevoked():
                    forget_password(cursor, each.stream)
                case e.ReportChanged():
                    end_mails_of(cursor, store, done, each.stream)
                case _:
                    pass

    return follow


def _known(
    cursor: Cursor[TupleRow],
    store: Store,
    person_id: UUID,
    thing_ids: Collection[UUID],
) -> ThingsKnown:
    ids = sorted(thing_ids)
    is_address = knows_address(cursor, store, person_id)
    made = cursor.execute(_MADE, (ids, f"person:{person_id}")).fetchall()
    master_key = store.keyring.master_key(cursor.connection)
    channels: set[UUID] = set()
    for (channel_id,) in cursor.execute(_WITH_ADDRESS, (ids,)).fetchall():
        address = CHANNEL_ADDRESSES.get(cursor, master_key, channel_id)
        if address is not None and is_address(address):
            channels.add(channel_id)
    return ThingsKnown(
        made={one for (one,) in made}, channels=channels, is_address=is_address
    )
