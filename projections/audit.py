"""audit: what happened to organizations themselves, and who did it, newest first.

The rows have positions, and the log has the words. A person's sign-in is in no
organization, and neither is a change of how they sign in: each has a row for each
organization that the person was a member of then.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.alert.sentences import SentencedRuleEvent
from domain.summaries import AuditedEvent, actor_label, audit_summary
from infra.eventstore.store import RecordedEvent
from projections.creator_history.entries import actor_names, fields_of
from projections.engine.folds import stored_name, stored_names
from projections.engine.log_end import END
from projections.engine.reader import Reader

EVENTS: Final[frozenset[str]] = stored_names(*get_args(AuditedEvent))

_EVENT = """
INSERT INTO audit (organization_id, position, event, at, actor)
VALUES (%(organization)s, %(position)s, %(event)s, %(at)s, %(actor)s)
ON CONFLICT DO NOTHING
"""
# A batch may be applied twice, so a later membership has no part in it.
_OF_MEMBER = """
INSERT INTO audit (organization_id, position, event, at, actor)
SELECT organization_id, %(position)s, %(event)s, %(at)s, %(actor)s FROM audit_members
WHERE person_id = %(stream)s AND is_member AND position < %(position)s
ON CONFLICT DO NOTHING
"""
_MEMBER = """
INSERT INTO audit_members AS m (organization_id, person_id, is_member, position)
VALUES (%(organization)s, %(person)s, %(is_member)s, %(position)s)
ON CONFLICT (organization_id, person_id) DO UPDATE
SET is_member = excluded.is_member, position = excluded.position
WHERE m.position < excluded.position
"""


class Audit:
    """Keeps the tables audit and audit_members."""

    name = "audit"
    version = 2
    tables = ("audit", "audit_members")
    events = EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write the rows of events, one by one; ignore events of other kinds."""
        for recorded in events:
            event = recorded.event
            row: dict[str, object] = {
                "stream": recorded.stream,
                "position": recorded.position,
                "event": stored_name(event),
                "at": recorded.recorded_at,
                "actor": recorded.actor,
                "organization": getattr(event, "organization_id", recorded.stream),
            }
            if row["event"] not in EVENTS:
                continue
            if isinstance(event, e.PersonSignedIn | e.SignInMethodChanged):
                cursor.execute(_OF_MEMBER, row)
                continue
            cursor.execute(_EVENT, row)
            if isinstance(event, e.MemberAdded | e.MemberRemoved):
                is_member = isinstance(event, e.MemberAdded)
                member = {"person": event.person_id, "is_member": is_member}
                cursor.execute(_MEMBER, {**row, **member})


# As clients read it


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to the organization, and a sentence for people.

    ``position`` is the place in the log, and ``event`` the name of the event. ``actor``
    is the stored name of the person, key or process behind it. ``data`` has the set
    fields of the event, without secrets.
    """

    position: int
    at: datetime
    event: str
    actor: str
    summary: str
    data: dict[str, Any]


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The rows to return; None is any. Both ends are inclusive.

    ``actors`` are stored names of which one matches.
    """

    events: frozenset[str] | None = None
    actors: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    first: int = 0
    last: int = END


def actors_named(text: str) -> list[str]:
    """Return the stored names that an actor, or the id of a key or person, means."""
    try:
        id_ = UUID(text)
    except ValueError:
        return [text]
    return [f"{kind}:{id_}" for kind in ("key", "person")]


_PAGE = b"""
SELECT * FROM goatherd_audit_events(ARRAY(
    SELECT position FROM audit
    WHERE organization_id = %(organization)s
    AND position BETWEEN %(first)s AND %(last)s
    AND (%(events)s::text[] IS NULL OR event = ANY(%(events)s::text[]))
    AND (%(actors)s::text[] IS NULL OR actor = ANY(%(actors)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR at <= %(until)s)
    ORDER BY position DESC LIMIT %(limit)s
))
"""
_NAMES = b"""
SELECT id, 'key "' || name || '"' FROM api_keys
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
UNION ALL
SELECT id, 'project "' || name || '"' FROM projects
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
UNION ALL
SELECT id, substring(url FROM '^[a-z]+://([^/?#]+)') FROM webhooks
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND removed_at IS NULL
UNION ALL
SELECT id, '"' || name || '"' FROM channels
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND removed_at IS NULL
UNION ALL
SELECT id, '"' || name || '"' FROM alert_rules
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND removed_at IS NULL
UNION ALL
SELECT id, '"' || name || '"' FROM campaigns
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
UNION ALL
SELECT id, email FROM invitations
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND email IS NOT NULL
UNION ALL
SELECT person_id, name FROM members
WHERE organization_id = %(organization)s AND person_id = ANY(%(ids)s)
AND name IS NOT NULL
"""
# An invitation that ended keeps no address. A member has their present one.
_ADDRESSES = b"""
SELECT person_id, email FROM members
WHERE organization_id = %(organization)s AND person_id = ANY(%(ids)s)
AND removed_at IS NULL AND email IS NOT NULL
"""
_OF_EVENTS = b"""
SELECT * FROM goatherd_audit_events(ARRAY(
    SELECT position FROM audit
    WHERE organization_id = %(organization)s AND position <= %(last)s
    AND event = ANY(%(events)s)
))
WHERE stream = ANY(%(streams)s)
"""
_RENAMING = (
    e.ProjectDetailsChanged
    | e.ApiKeyRenamed
    | e.AlertRuleChanged
    | e.CampaignDetailsChanged
)
_NAMING = stored_names(
    *get_args(_RENAMING),
    *(e.ProjectCreated, e.ApiKeyCreated, e.AlertRuleMade, e.CampaignCreated),
)
_ACCEPTED = stored_names(e.InvitationAccepted)
_INVITATIONS = (e.InvitationMade, e.InvitationSentAgain, e.InvitationAccepted)
_FORGOTTEN = '"erased"'
# Events in the stream of the thing or person that their sentences name.
_ABOUT_THEMSELVES = (
    e.WebhookEvent
    | e.ChannelEvent
    | e.AlertRuleEvent
    | e.CampaignEvent
    | e.SignInMethodChanged
)
# The digest of a key tells nothing to a client, and is a secret of the installation.
_SECRETS: Mapping[str, frozenset[str]] = {"api_key_created": frozenset({"digest"})}


async def page_of_audit(
    reader: Reader,
    organization_id: UUID,
    requested: AuditFilter,
    *,
    limit: int,
    after: int | None = None,
) -> list[AuditEntry]:
    """Return up to ``limit`` rows before the position ``after``, newest first.

    Things and people have their present names, and a thing that is renamed the one
    from before. An invitation has its address while it is open, and after it
    was accepted the present one of the member.
    """
    last = requested.last if after is None else min(requested.last, after - 1)
    events, actors = requested.events, requested.actors
    params = {
        "organization": organization_id,
        "events": None if events is None else sorted(events),
        "actors": None if actors is None else [*actors],
        "since": requested.since,
        "until": requested.until,
        "first": requested.first,
        "last": last,
        "limit": limit,
    }
    recorded = await reader.opened(await reader.rows(organization_id, _PAGE, params))
    by = await actor_names(reader, organization_id, recorded)
    about = {id_ for one in recorded if (id_ := _about(one)) is not None}
    about |= {
        one.event.to_person_id
        for one in recorded
        if isinstance(one.event, e.ThingsHandedOver)
    }
    items: dict[UUID, str] = {}
    if about:
        named = {"organization": organization_id, "ids": sorted(about)}
        items.update(await reader.rows(organization_id, _NAMES, named))
        items.update(await _removed_rules(reader, organization_id, recorded, items))
        items.update(await _accepted(reader, organization_id, recorded, items))
    former = await _former_names(reader, organization_id, recorded)
    return [_entry(one, by, items, former) for one in recorded]


async def _former_names(
    reader: Reader, organization_id: UUID, recorded: Sequence[RecordedEvent]
) -> dict[int, str]:
    """Return how each thing was named before it was renamed, by position."""
    renamed = [
        one for one in recorded if isinstance(one.event, _RENAMING) and _named(one)
    ]
    if not renamed:
        return {}
    naming = await _events(
        reader,
        organization_id,
        _NAMING,
        streams={one.stream for one in renamed},
        last=max(one.position for one in renamed),
    )
    names: dict[UUID, str] = {}
    found: dict[int, str] = {}
    for one in naming:
        if (named := _named(one)) is None:
            continue
        id_, name = named
        # A thing whose earlier name is forgotten has its present one.
        if not names.get(id_, _FORGOTTEN).endswith(_FORGOTTEN):
            found[one.position] = names[id_]
        names[id_] = name
    return found


async def _removed_rules(
    reader: Reader,
    organization_id: UUID,
    recorded: Sequence[RecordedEvent],
    items: Mapping[UUID, str],
) -> dict[UUID, str]:
    """Return the last names of alert rules that are removed, from the log."""
    rules = {
        one.stream
        for one in recorded
        if isinstance(one.event, SentencedRuleEvent) and one.stream not in items
    }
    if not rules:
        return {}
    naming = await _events(reader, organization_id, _NAMING, streams=rules)
    named = [each for one in naming if (each := _named(one))]
    return {id_: name for id_, name in named if name != _FORGOTTEN}


async def _accepted(
    reader: Reader,
    organization_id: UUID,
    recorded: Sequence[RecordedEvent],
    items: Mapping[UUID, str],
) -> dict[UUID, str]:
    """Return the present addresses of members, by the invitations they accepted."""
    ended = {
        one.event.id
        for one in recorded
        if isinstance(one.event, _INVITATIONS) and one.event.id not in items
    }
    if not ended:
        return {}
    people = {
        one.event.id: one.event.person_id
        for one in await _events(
            reader, organization_id, _ACCEPTED, streams={organization_id}
        )
        if isinstance(one.event, e.InvitationAccepted) and one.event.id in ended
    }
    named = {"organization": organization_id, "ids": [*people.values()]}
    addresses = dict(await reader.rows(organization_id, _ADDRESSES, named))
    return {
        id_: addresses[person_id]
        for id_, person_id in people.items()
        if person_id in addresses
    }


async def _events(
    reader: Reader,
    organization_id: UUID,
    names: frozenset[str],
    *,
    streams: set[UUID],
    last: int = END,
) -> list[RecordedEvent]:
    """Return the events of streams with one of the names, the oldest first."""
    of = {
        "organization": organization_id,
        "events": sorted(names),
        "streams": sorted(streams),
        "last": last,
    }
    rows = await reader.rows(organization_id, _OF_EVENTS, of)
    return [*reversed(await reader.opened(rows))]


def _named(recorded: RecordedEvent) -> tuple[UUID, str] | None:
    """Return the thing that an event names, and how sentences call it from then on."""
    match event := recorded.event:
        case e.ProjectCreated(name=name) | e.ProjectDetailsChanged(name=str(name)):
            return event.project_id, f'project "{name}"'
        case e.ApiKeyCreated(name=name) | e.ApiKeyRenamed(name=name):
            return event.key_id, f'key "{name}"'
        case (
            e.AlertRuleMade(name=name)
            | e.AlertRuleChanged(name=str(name))
            | e.CampaignCreated(name=name)
            | e.CampaignDetailsChanged(name=str(name))
        ):
            return recorded.stream, f'"{name}"'
        case _:
            return None


def _entry(
    recorded: RecordedEvent,
    by: Mapping[UUID, str],
    items: Mapping[UUID, str],
    former: Mapping[int, str],
) -> AuditEntry:
    event: Any = recorded.event
    name, id_ = stored_name(event), _about(recorded)
    item = items.get(id_, _nameless(event)) if id_ else ""
    item = former.get(recorded.position, item)
    if isinstance(event, e.ThingsHandedOver):
        item = f"{item} to {items.get(event.to_person_id, _nameless(event))}"
    secrets = _SECRETS.get(name, frozenset())
    fields = fields_of(event).items()
    return AuditEntry(
        position=recorded.position,
        at=recorded.recorded_at,
        event=name,
        actor=recorded.actor,
        summary=audit_summary(
            event,
            by=actor_label(recorded.actor, by),
            item=item,
            is_own=id_ is not None and recorded.actor == f"person:{id_}",
        ),
        data={field: value for field, value in fields if field not in secrets},
    )


def _about(recorded: RecordedEvent) -> UUID | None:
    """Return the id of the thing or person that a sentence names, if any."""
    match event := recorded.event:
        case e.ApiKeyRenamed() | e.ApiKeyRevoked():
            return event.key_id
        case (
            e.ProjectDetailsChanged()
            | e.ProjectLogoChanged()
            | e.ProjectArchived()
            | e.ProjectRestored()
        ):
            return event.project_id
        case (
            e.MemberAdded()
            | e.MemberChanged()
            | e.MemberRemoved()
            | e.ThingsHandedOver()
            | e.PasswordLinkMade()
        ):
            return event.person_id
        case _ if isinstance(event, _INVITATIONS):
            return event.id
        case _ if isinstance(event, _ABOUT_THEMSELVES):
            return recorded.stream
        case _:
            return None


def _nameless(event: e.Event) -> str:
    match event:
        case e.ApiKeyRenamed() | e.ApiKeyRevoked():
            return "a key"
        case (
            e.ProjectDetailsChanged()
            | e.ProjectLogoChanged()
            | e.ProjectArchived()
            | e.ProjectRestored()
        ):
            return "a project"
        case _ if isinstance(event, e.WebhookEvent):
            return "an address that is gone"
        case _ if isinstance(
            event, e.ChannelEvent | e.AlertRuleEvent | e.CampaignEvent
        ):
            return "that is gone"
        case _ if isinstance(event, _INVITATIONS):
            return ""
        case _:
            return "an erased person"
