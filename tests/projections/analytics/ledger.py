"""A ledger that follows the log: an event that is applied twice stands in it twice."""

from collections.abc import Callable, Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from projections.engine.follower import Follower
from projections.engine.projection import Projection
from tests.kit.builders import asking
from tests.kit.histories import added

Then = Callable[[Cursor[TupleRow], Sequence[RecordedEvent]], None]


class Ledger:
    """A read model without any key; ``then`` is called before its writes are kept."""

    name = "ledger"
    events = frozenset({"creator_added", "creator_removed"})

    def __init__(self, *, version: int = 1, then: Then | None = None) -> None:
        self.version = version
        self.then = then

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        cursor.execute(
            "INSERT INTO ledger SELECT unnest(%s::bigint[])",
            ([event.position for event in events],),
        )
        if self.then is not None:
            self.then(cursor, events)


def create_ledger(store: Store) -> None:
    with store.pool.connection() as connection:
        connection.execute("CREATE TABLE ledger (position bigint NOT NULL)")


def registered(store: Store, projection: Projection) -> Follower:
    """A follower whose checkpoint row is there."""
    follower = Follower(projection, pool=store.pool, codec=store.codec)
    follower.register()
    return follower


def append(store: Store, *events: e.Event) -> list[int]:
    """Append each event to a stream of its own, and return their positions."""
    entries = [NewEvent(new_id(), 1, event) for event in events]
    return [event.position for event in store.append(entries, context=asking())]


def goats(amount: int) -> list[e.CreatorAdded]:
    return [added(f"goat{number}") for number in range(amount)]


def taken_in(store: Store) -> list[int]:
    """The positions that stand in the ledger."""
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT position FROM ledger ORDER BY position")
        return [row[0] for row in rows]


def position_of(store: Store, name: str = "ledger") -> int:
    """Where the projection's checkpoint stands."""
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT position FROM projection WHERE name = %s", (name,)
        ).fetchone()
    assert row is not None
    return row[0]


def dead_letters(store: Store) -> list[TupleRow]:
    with store.pool.connection() as connection:
        return connection.execute(
            "SELECT projection, position, name, error FROM dead_letter "
            "ORDER BY position"
        ).fetchall()
