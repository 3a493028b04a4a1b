from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import Cursor

from domain import events as e
from domain.errors import LimitReachedError
from infra.eventstore import append as appending
from infra.eventstore.append import COPY_FROM, Context, QuotaCounter
from infra.eventstore.codec import NewEvent
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from tests.kit.builders import asking, events_for


@pytest.fixture(params=("the function", "COPY"), autouse=True)
def way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Events get in by the append function or by COPY, and nobody sees a difference."""
    if request.param == "COPY":
        monkeypatch.setattr(appending, "COPY_FROM", 1)
    return request.param


# order


def test_the_positions_of_one_append_are_consecutive_and_in_order(store: Store):
    a, b, c = new_id(), new_id(), new_id()
    store.append(events_for(c, "c1"), context=asking())
    before = store.head()
    entries = [
        NewEvent(stream, version, e.HandleBanned(handle=f"{version}"))
        for stream, version in ((b, 1), (a, 1), (b, 2), (c, 2), (a, 2), (b, 3))
    ]

    recorded = store.append(entries, context=asking())

    assert [event.position for event in recorded] == [before + n for n in range(1, 7)]
    assert [NewEvent(r.stream, r.version, r.event) for r in recorded] == entries
    assert _log(store)[-6:] == recorded
    assert store.head() == recorded[-1].position


def test_appends_follow_each_other(store: Store):
    first = store.append(events_for(new_id(), "a", "b"), context=asking())
    second = store.append(events_for(new_id(), "c"), context=asking())
    third = store.append(events_for(new_id(), "d", "e", "f"), context=asking())

    events = [*first, *second, *third]
    positions = [event.position for event in events]
    assert positions == list(range(positions[0], positions[0] + 6))
    times = [event.recorded_at for event in events]
    assert times == sorted(times)
    assert len(set(times)) == 3


def test_an_event_is_stored_with_who_asked_when_and_why(store: Store):
    stream = new_id()
    context = Context(actor="key:Söhne", command_id=new_id(), correlation_id=new_id())
    early = datetime.now(UTC)

    (returned,) = store.append(events_for(stream, "ada"), context=context)

    (stored,) = store.load(stream)[stream]
    assert stored == returned
    assert stored == RecordedEvent(
        position=returned.position,
        stream=stream,
        version=1,
        event=e.HandleBanned(handle="ada"),
        recorded_at=returned.recorded_at,
        actor="key:Söhne",
        correlation_id=context.correlation_id,
        causation_id=context.command_id,
    )
    assert early <= stored.recorded_at <= datetime.now(UTC)


def test_whoever_listens_hears_of_an_append(store: Store, database_url: str):
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN goatherd_events")
        store.append(events_for(new_id(), "ada"), context=asking())

        heard = list(listener.notifies(timeout=10, stop_after=1))

    assert [(notify.channel, notify.payload) for notify in heard] == [
        ("goatherd_events", "")
    ]


# conflicts


@pytest.mark.parametrize("versions", ((1,), (3, 4), (5,), (0,), (-1,), (3, 5), (4, 3)))
def test_events_go_only_where_their_stream_ends(
    store: Store, versions: tuple[int, ...]
):
    stream, other = new_id(), new_id()
    kept = store.append(events_for(stream, "a", "b", "c"), context=asking())

    with pytest.raises(AppendConflictError):
        store.append(
            [
                *events_for(other, "innocent"),
                *(NewEvent(stream, v, e.HandleBanned(handle="x")) for v in versions),
            ],
            context=asking(),
        )

    assert _log(store) == kept


@pytest.mark.parametrize("versions", ((2,), (0,), (1, 3), (2, 1), (1, 1), (1, 2, 2)))
def test_a_new_stream_begins_at_version_1(store: Store, versions: tuple[int, ...]):
    stream, other = new_id(), new_id()

    with pytest.raises(AppendConflictError):
        store.append(
            [
                *events_for(other, "innocent"),
                *(NewEvent(stream, v, e.HandleBanned(handle="x")) for v in versions),
            ],
            context=asking(),
        )

    assert _log(store) == []


def test_an_append_after_a_refused_one_is_not_disturbed(store: Store):
    stream = new_id()
    store.append(events_for(stream, "a"), context=asking())
    with pytest.raises(AppendConflictError):
        store.append(events_for(stream, "b"), context=asking())

    (second,) = store.append(
        [NewEvent(stream, 2, e.HandleBanned(handle="b"))], context=asking()
    )

    assert [event.version for event in _log(store)] == [1, 2]
    assert _log(store)[-1] == second


# guards


def test_guards_that_hold_let_an_append_through(store: Store):
    here, elsewhere, nowhere = new_id(), new_id(), new_id()
    store.append(events_for(here, "a"), context=asking())
    store.append(events_for(elsewhere, "a", "b"), context=asking())

    recorded = store.append(
        [NewEvent(here, 2, e.HandleBanned(handle="b"))],
        context=asking(),
        guards=[(elsewhere, 2), (nowhere, 0), (here, 1)],
    )

    assert [event.version for event in recorded] == [2]


@pytest.mark.parametrize("version", (0, 1, 3))
def test_a_guarded_stream_that_moved_on_stops_an_append(store: Store, version: int):
    guarded, nowhere = new_id(), new_id()
    kept = store.append(events_for(guarded, "a", "b"), context=asking())

    with pytest.raises(AppendConflictError):
        store.append(
            events_for(new_id(), "c"),
            context=asking(),
            guards=[(nowhere, 0), (guarded, version)],
        )

    assert _log(store) == kept


# quota_counters


def test_what_is_limited_can_be_used_up_but_not_passed(store: Store):
    key = new_id()

    def take(amount: int) -> None:
        counter = QuotaCounter(key=key, delta=amount, limit_key="max_goats", maximum=5)
        store.append(
            events_for(new_id(), "a"), context=asking(), quota_counters=[counter]
        )

    take(3)
    with pytest.raises(LimitReachedError) as refused:
        take(3)
    take(2)
    with pytest.raises(LimitReachedError) as full:
        take(1)

    assert _limit_of(refused.value) == ("max_goats", 3, 5)
    assert _limit_of(full.value) == ("max_goats", 5, 5)
    assert _counted(store, key) == 5
    assert len(_log(store)) == 2


def test_where_nothing_is_allowed_the_first_is_too_many(store: Store):
    counter = QuotaCounter(key=new_id(), delta=1, limit_key="max_goats", maximum=0)

    with pytest.raises(LimitReachedError) as refused:
        store.append(
            events_for(new_id(), "a"), context=asking(), quota_counters=[counter]
        )

    assert _limit_of(refused.value) == ("max_goats", 0, 0)
    assert _counted(store, counter.key) is None


def test_the_limit_that_is_reached_is_the_one_that_is_told(store: Store):
    goats, kids = new_id(), new_id()
    store.append(
        events_for(new_id(), "a"),
        context=asking(),
        quota_counters=[QuotaCounter(key=kids, delta=7)],
    )

    with pytest.raises(LimitReachedError) as refused:
        store.append(
            events_for(new_id(), "b"),
            context=asking(),
            quota_counters=[
                QuotaCounter(key=goats, delta=1, limit_key="max_goats", maximum=5),
                QuotaCounter(key=kids, delta=2, limit_key="max_kids", maximum=8),
            ],
        )

    assert _limit_of(refused.value) == ("max_kids", 7, 8)
    assert (_counted(store, goats), _counted(store, kids)) == (None, 7)
    assert len(_log(store)) == 1


def test_giving_back_is_never_refused(store: Store):
    key = new_id()
    store.append(
        events_for(new_id(), "a"),
        context=asking(),
        quota_counters=[QuotaCounter(key=key, delta=9)],
    )

    # The plan was changed to a smaller one in between.
    back = QuotaCounter(key=key, delta=-1, limit_key="max_goats", maximum=5)
    store.append(events_for(new_id(), "b"), context=asking(), quota_counters=[back])

    assert _counted(store, key) == 8


def test_a_conflict_counts_nothing(store: Store):
    stream, key = new_id(), new_id()
    store.append(events_for(stream, "a"), context=asking())

    with pytest.raises(AppendConflictError):
        store.append(
            events_for(stream, "b"),
            context=asking(),
            quota_counters=[QuotaCounter(key=key, delta=1)],
        )

    assert _counted(store, key) is None


# in_transaction


def test_what_is_written_in_transaction_is_there_with_the_events(store: Store):
    key = new_id()
    seen: list[list[RecordedEvent]] = []

    def in_transaction(cursor: Cursor[Any], events: list[RecordedEvent]) -> None:
        seen.append(events)
        cursor.execute(
            "INSERT INTO quota_counters VALUES (%s, %s)", (key, events[-1].position)
        )

    recorded = store.append(
        events_for(new_id(), "a", "b"), context=asking(), in_transaction=in_transaction
    )

    assert seen == [recorded]
    assert _counted(store, key) == recorded[-1].position
    assert _log(store) == recorded


def test_events_fall_with_what_fails_in_transaction(store: Store):
    key, counted = new_id(), new_id()

    def in_transaction(cursor: Cursor[Any], _: list[RecordedEvent]) -> None:
        cursor.execute("INSERT INTO quota_counters VALUES (%s, 1)", (key,))
        raise RuntimeError("the goat ate it")

    with pytest.raises(RuntimeError, match="the goat ate it"):
        store.append(
            events_for(new_id(), "a"),
            context=asking(),
            quota_counters=[QuotaCounter(key=counted, delta=1)],
            in_transaction=in_transaction,
        )

    assert _log(store) == []
    assert (_counted(store, key), _counted(store, counted)) == (None, None)


def test_what_is_written_in_transaction_falls_with_the_events(store: Store):
    stream, key = new_id(), new_id()
    store.append(events_for(stream, "a"), context=asking())

    def in_transaction(cursor: Cursor[Any], _: list[RecordedEvent]) -> None:
        cursor.execute("INSERT INTO quota_counters VALUES (%s, 1)", (key,))

    with pytest.raises(AppendConflictError):
        store.append(
            events_for(stream, "b"), context=asking(), in_transaction=in_transaction
        )

    assert _counted(store, key) is None


@pytest.mark.parametrize(
    ("statement", "error"),
    (
        ("INSERT INTO quota_counters VALUES (%s, 1)", psycopg.errors.UniqueViolation),
        ("UPDATE quota_counters SET value = NULL", psycopg.errors.NotNullViolation),
    ),
)
def test_a_violation_in_transaction_is_not_taken_for_a_conflict(
    store: Store, statement: str, error: type[psycopg.Error]
):
    key = new_id()
    store.append(
        events_for(new_id(), "a"),
        context=asking(),
        quota_counters=[QuotaCounter(key=key, delta=1)],
    )

    def in_transaction(cursor: Cursor[Any], _: list[RecordedEvent]) -> None:
        cursor.execute(statement.encode(), (key,) if "%s" in statement else None)

    with pytest.raises(error):
        store.append(
            events_for(new_id(), "b"), context=asking(), in_transaction=in_transaction
        )

    assert len(_log(store)) == 1


# before_append


def _nothing(cursor: Cursor[Any], events: list[RecordedEvent]) -> None:
    del cursor, events


@pytest.fixture(params=("one round trip", "with something in_transaction", "by COPY"))
def whichever_way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The arguments of an append for each of its ways; the events are about goats."""
    amount = COPY_FROM if request.param == "by COPY" else 2
    ways: dict[str, Any] = {"entries": events_for(new_id(), *["goat"] * amount)}
    if request.param == "with something in_transaction":
        ways["in_transaction"] = _nothing
    return ways


def test_what_is_written_before_append_is_there_with_the_events(
    store: Store, whichever_way: dict[str, Any]
):
    key = new_id()

    def before_append(cursor: Cursor[Any]) -> None:
        cursor.execute("INSERT INTO quota_counters VALUES (%s, 5)", (key,))

    recorded = store.append(
        **whichever_way, context=asking(), before_append=before_append
    )

    assert len(recorded) == len(whichever_way["entries"])
    assert _log(store) == recorded
    assert _counted(store, key) == 5


def test_what_is_written_before_append_falls_with_the_events(
    store: Store, whichever_way: dict[str, Any]
):
    key = new_id()
    store.append(whichever_way["entries"][:1], context=asking())

    def before_append(cursor: Cursor[Any]) -> None:
        cursor.execute("INSERT INTO quota_counters VALUES (%s, 5)", (key,))

    with pytest.raises(AppendConflictError):
        store.append(**whichever_way, context=asking(), before_append=before_append)

    assert _counted(store, key) is None
    assert len(_log(store)) == 1


def test_events_fall_with_what_the_server_refuses_before_append(
    store: Store, whichever_way: dict[str, Any]
):
    def before_append(cursor: Cursor[Any]) -> None:
        cursor.execute("INSERT INTO quota_counters VALUES (NULL, 5)")

    with pytest.raises(psycopg.errors.NotNullViolation):
        store.append(**whichever_way, context=asking(), before_append=before_append)

    assert _log(store) == []
    # The connection is good for the next one.
    store.append(events_for(new_id(), "goat"), context=asking())


def _log(store: Store) -> list[RecordedEvent]:
    """The whole log, by position."""
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT DISTINCT originator_id FROM goatherd_events")
        streams = [row[0] for row in rows]
    events = [event for history in store.load(*streams).values() for event in history]
    return sorted(events, key=lambda event: event.position)


def _counted(store: Store, key: object) -> int | None:
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT value FROM quota_counters WHERE key = %s", (key,)
        ).fetchone()
    return row[0] if row else None


def _limit_of(refusal: LimitReachedError) -> tuple[str, int, int]:
    return refusal.limit_key, refusal.current, refusal.maximum
