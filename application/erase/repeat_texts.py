"""Repeats the forgetting of texts that the keys record and a restored log lacks."""

from collections.abc import Collection
from itertools import count, takewhile
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.erase.repeat import ACTOR, wipe_what_is_older
from application.erase.sealed_list import ErasedValues, keep
from application.erase.texts import ForgottenAnswer, forgotten_by
from application.erase.values import ErasedValue
from application.integrity.kept_keys import erased_subjects
from domain.organization.handlers.texts import ForgottenTexts, repeat_forgetting
from domain.subjects import subject_of_texts
from infra.database import NO_HURRY
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.opened import opened_master_key

_DESTROYED = "SELECT subject FROM subject_keys WHERE wrapped IS NULL"
_THINGS = """
SELECT coalesce(body ->> 'organization_id', stream::text)::uuid,
       CASE topic WHEN 'api_key_created' THEN body ->> 'key_id'
                  WHEN 'project_created' THEN body ->> 'project_id'
                  ELSE stream::text END::uuid,
       topic IN ('view_saved', 'alert_rule_made', 'channel_added')
FROM (SELECT originator_id AS stream, topic, convert_from(state, 'UTF8')::jsonb AS body
      FROM goatherd_events WHERE topic IN (
          'organization_created', 'api_key_created', 'project_created',
          'campaign_created', 'view_saved', 'share_made',
          'alert_rule_made', 'report_made', 'channel_added')) AS created
"""
# Values of rows that the backup has in the clear.
_VALUES = """
SELECT DISTINCT text FROM (
    SELECT unnest(ARRAY[name, description, readme]) FROM campaigns WHERE id = %(of)s
    UNION ALL
    SELECT jsonb_path_query(metadata::jsonb, '$.** ? (@.type() == "string")') #>> '{}'
    FROM campaigns WHERE id = %(of)s
    UNION ALL SELECT unnest(ARRAY[name, description, client, comment])
    FROM projects WHERE id = %(of)s
    UNION ALL SELECT name FROM api_keys WHERE id = %(of)s
    UNION ALL SELECT name FROM views WHERE id = %(of)s
    UNION ALL SELECT name FROM alert_rules WHERE id = %(of)s
    UNION ALL SELECT unnest(ARRAY[name, shown]) FROM channels WHERE id = %(of)s
    UNION ALL SELECT unnest(name || origins) FROM shares WHERE id = %(of)s
    UNION ALL SELECT unnest(name || recipients || unsubscribed) FROM reports
    WHERE id = %(of)s
    UNION ALL SELECT name FROM organizations WHERE organization_id = %(of)s
) AS texts (text) WHERE text NOT IN ('', 'erased')
"""


def unapplied_forgettings(connection: Connection[TupleRow]) -> list[tuple[UUID, UUID]]:
    """Return the owners of forgotten texts that only the keys record.

    They are pairs of an organization and one of its things, or itself. The log is read
    once if any key was destroyed without an event.
    """
    destroyed = _destroyed(connection)
    lacking = destroyed - erased_subjects(connection)
    if not lacking:
        return []
    things = connection.execute(_THINGS).fetchall()
    return [
        (organization_id, of)
        for organization_id, of, is_own in things
        if not lacking.isdisjoint(_forgotten(of, destroyed, is_own=is_own))
    ]


def repeat_forgettings(store: Store) -> list[ForgottenAnswer]:
    """Append each forgetting that the keys record and the log lacks; return the owners.

    Each is one transaction, as for a repeated erasure. Nothing else may use the
    database.
    """
    with store.pool.connection() as connection, connection.transaction():
        connection.execute(NO_HURRY)
        things = unapplied_forgettings(connection)
        destroyed = _destroyed(connection)
    return [_repeat(store, *thing, destroyed) for thing in things]


def _repeat(
    store: Store, organization_id: UUID, of: UUID, destroyed: Collection[UUID]
) -> ForgottenAnswer:
    with store.pool.connection() as connection:
        master_key = opened_master_key(store.settings, connection)

    def in_transaction(
        cursor: Cursor[TupleRow], done: Executed[ForgottenTexts]
    ) -> None:
        rows = cursor.execute(_VALUES, {"of": of}).fetchall()
        forgotten = ErasedValues(
            organization_id=organization_id,
            creator_ids=[of],
            position=done.events[-1].position,
            values={ErasedValue("earlier text", text) for (text,) in rows},
        )
        keep(cursor, new_id(), forgotten, master_key)
        wipe_what_is_older(cursor, organization_id)

    done = execute(
        store,
        lambda: repeat_forgetting(
            of, organization_id=organization_id, destroyed=destroyed
        ),
        context=Context(actor=ACTOR, command_id=new_id()),
        in_transaction=in_transaction,
    )
    return forgotten_by(done)


def _destroyed(connection: Connection[TupleRow]) -> set[UUID]:
    return {subject for (subject,) in connection.execute(_DESTROYED)}


def _forgotten(of: UUID, destroyed: Collection[UUID], *, is_own: bool) -> list[UUID]:
    """Return the subjects of the forgotten texts of a thing."""
    kind = "view" if is_own else "campaign"
    subjects = (subject_of_texts(kind, of, times) for times in count())
    return [*takewhile(destroyed.__contains__, subjects)]
