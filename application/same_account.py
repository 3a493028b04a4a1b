"""Finds the creators of a TikTok account, in the table and at the end of the log."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.decisions import Handler
from domain.scrape.handlers.scrapes import end_scrape
from infra.database import run_read
from infra.eventstore.execute import Executed
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store

_POSITIONS = """
SELECT (SELECT coalesce(max(notification_id), 0) FROM goatherd_events),
       coalesce((SELECT position FROM projection WHERE name = 'creator_identities'), 0)
"""
_KNOWN = """
SELECT user_id, creator_id FROM creator_identity
WHERE organization_id = %s AND user_id = ANY(%s)
"""
# Accounts that the table may not have yet. Their ids are sealed.
_LATE = """
SELECT topic, state FROM goatherd_events
WHERE notification_id > %(since)s AND notification_id < %(before)s
AND topic = 'account_pinned' AND position(%(organization)s::bytea IN state) > 0
"""


def seen_accounts(
    store: Store, organization_id: UUID, user_ids: Collection[str]
) -> tuple[Mapping[str, Collection[UUID]], int]:
    """Return the creators of each account, and the last position that was read."""

    def read(cursor: Cursor[TupleRow]) -> tuple[Mapping[str, Collection[UUID]], int]:
        head, since = cursor.execute(_POSITIONS.encode()).fetchone() or (0, 0)
        known = cursor.execute(_KNOWN.encode(), (organization_id, [*user_ids]))
        found: defaultdict[str, set[UUID]] = defaultdict(set)
        for user_id, creator_id in known.fetchall():
            found[user_id].add(creator_id)
        for pin in _pins(store, cursor, organization_id, since, head + 1):
            found[pin.user_id].add(pin.creator_id)
        return found, head

    return run_read(store.pool, lambda connection: read(connection.cursor(binary=True)))


class FirstProfile:
    """The handler and the hook of the first run that names a creator's account."""

    def __init__(
        self,
        store: Store,
        scrape_id: UUID,
        command: c.RecordResult,
        *,
        organization_id: UUID,
        user_id: str,
    ) -> None:
        self._store = store
        self._scrape_id = scrape_id
        self._command = command
        self._organization_id = organization_id
        self._user_id = user_id
        self._head = 0

    def handler(self) -> Handler[None]:
        """Start a try, which reads the creators of the account anew."""
        found, self._head = seen_accounts(
            self._store, self._organization_id, [self._user_id]
        )
        same = found.get(self._user_id, ())
        return end_scrape(
            self._scrape_id,
            self._command,
            names=self._store.names,
            same_account=same,
        )

    def in_transaction(self, cursor: Cursor[TupleRow], done: Executed[None]) -> None:
        """Look in the append's transaction for events since the try began.

        Raises:
            AppendConflictError: a run found another creator with the same account.
        """
        since, before = self._head, done.events[0].position
        for pin in _pins(self._store, cursor, self._organization_id, since, before):
            if pin.user_id == self._user_id:
                raise AppendConflictError


def _pins(
    store: Store,
    cursor: Cursor[TupleRow],
    organization_id: UUID,
    since: int,
    before: int,
) -> Iterator[e.AccountPinned]:
    """Yield the pins of creators to accounts between two positions."""
    params = {
        "since": since,
        "before": before,
        "organization": str(organization_id).encode(),
    }
    rows = cursor.execute(_LATE.encode(), params).fetchall()
    keys = store.codec.keys_for((body for _, body in rows), cursor.connection)
    for name, body in rows:
        event = store.codec.decode(name, body, keys)
        if isinstance(event, e.AccountPinned):
            yield event
