from uuid import UUID

import pytest
from eventsourcing.persistence import Tracking
from eventsourcing.projection import ApplicationSubscription
from psycopg_pool import PoolClosed

from domain import events as e
from domain.errors import LimitReachedError
from infra.eventstore.append import Context, QuotaCounter
from infra.eventstore.codec import NewEvent, UnknownEventError
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import BusyError, Store, open_store, retry_conflicts
from infra.ids import new_id
from tests.kit.builders import asking, events_for
from tests.kit.keys import SETTINGS

# reading


def test_each_stream_is_loaded_whole_and_in_order(store: Store):
    a, b, unknown = new_id(), new_id(), new_id()
    first = store.append([*events_for(a, "a1"), *events_for(b, "b1")], context=asking())
    second = store.append(
        [
            NewEvent(b, 2, e.HandleUnbanned(handle="b1")),
            NewEvent(a, 2, e.HandleUnbanned(handle="a1")),
        ],
        context=asking(),
    )

    histories = store.load(b, unknown, a)

    assert histories == {
        a: [first[0], second[1]],
        b: [first[1], second[0]],
        unknown: [],
    }
    assert list(histories) == [b, unknown, a]


def test_a_stream_that_is_asked_for_twice_is_loaded_once(store: Store):
    stream = new_id()
    recorded = store.append(events_for(stream, "a", "b"), context=asking())

    assert store.load(stream, stream) == {stream: recorded}


def test_nothing_asked_nothing_loaded(store: Store):
    assert store.load() == {}


def test_the_head_is_the_position_of_the_newest_event(store: Store):
    before = store.head()

    recorded = store.append(events_for(new_id(), "a", "b"), context=asking())

    assert before == 0
    assert store.head() == recorded[-1].position


def test_a_store_opens_its_own_connections(database_url: str):
    store = open_store(database_url, pool_size=1, settings=SETTINGS)

    recorded = store.append(events_for(new_id(), "a"), context=asking())

    assert store.head() == recorded[0].position
    assert not store.pool.closed
    store.pool.close()


def test_an_event_that_no_code_knows_is_named_when_its_stream_is_loaded(store: Store):
    stream = new_id()
    with store.pool.connection() as connection:
        connection.execute(
            "INSERT INTO goatherd_events (notification_id, originator_id,"
            " originator_version, topic, state, recorded_at, actor, digest)"
            " VALUES (1, %s, 1, 'goat_sold', '{}', now(), 'test', '')",
            (stream,),
        )

    with pytest.raises(UnknownEventError, match="goat_sold"):
        store.load(stream)


# the library's own ways in and out


def test_the_library_saves_entries_and_says_where_they_went(store: Store):
    stream, context = new_id(), Context(actor="cli", command_id=new_id())
    entries = events_for(stream, "a", "b")

    recordings = store.save(*entries, context=context)

    recorded = store.load(stream)[stream]
    assert [recording.domain_event for recording in recordings] == entries
    assert [recording.notification.id for recording in recordings] == [
        event.position for event in recorded
    ]
    assert [(event.actor, event.causation_id) for event in recorded] == [
        ("cli", context.command_id)
    ] * 2


def test_the_library_saves_under_guards_and_limits(store: Store):
    stream, key = new_id(), new_id()
    counter = QuotaCounter(key=key, delta=2, limit_key="max_goats", maximum=1)

    with pytest.raises(AppendConflictError):
        store.save(*events_for(stream, "a"), context=asking(), guards=[(new_id(), 1)])
    with pytest.raises(LimitReachedError):
        store.save(*events_for(stream, "a"), context=asking(), quota_counters=[counter])

    assert store.head() == 0


def test_the_library_saves_nothing_where_there_is_nothing(store: Store):
    assert store.save(context=asking()) == []
    assert store.head() == 0


@pytest.mark.parametrize(
    ("bounds", "versions"),
    (
        ({}, [1, 2, 3, 4]),
        ({"gt": 2}, [3, 4]),
        ({"lte": 2}, [1, 2]),
        ({"gt": 1, "lte": 3}, [2, 3]),
        ({"desc": True}, [4, 3, 2, 1]),
        ({"limit": 2}, [1, 2]),
        ({"desc": True, "limit": 1}, [4]),
        ({"gt": 4}, []),
        ({"lte": 0}, []),
    ),
)
def test_the_library_reads_a_stream(
    store: Store, bounds: dict[str, int | bool], versions: list[int]
):
    stream = new_id()
    entries = events_for(stream, "a", "b", "c", "d")
    store.append([*events_for(new_id(), "x"), *entries], context=asking())

    read = list(store.events.get(stream, **bounds))  # pyright: ignore[reportArgumentType]

    assert read == [entries[version - 1] for version in versions]


def test_the_library_reads_the_log(store: Store):
    a, b = new_id(), new_id()
    entries = [
        NewEvent(a, 1, e.HandleBanned(handle="a")),
        NewEvent(b, 1, e.HandleBanned(handle="b")),
        NewEvent(a, 2, e.HandleUnbanned(handle="a")),
    ]
    first, second, third = (
        event.position for event in store.append(entries, context=asking())
    )
    select = store.notification_log.select

    notifications = select(first, 10)
    assert [
        (each.originator_id, each.originator_version, each.topic, each.id)
        for each in notifications
    ] == [
        (a, 1, "handle_banned", first),
        (b, 1, "handle_banned", second),
        (a, 2, "handle_unbanned", third),
    ]
    assert [store.mapper.to_domain_event(each) for each in notifications] == entries
    assert _ids(select(None, 10)) == [first, second, third]
    assert _ids(select(first, 2)) == [first, second]
    assert _ids(select(second, 10)) == [second, third]
    assert _ids(select(first, 10, stop=second)) == [first, second]
    assert _ids(select(first, 10, inclusive_of_start=False)) == [second, third]
    assert _ids(select(first, 10, topics=["handle_unbanned"])) == [third]
    assert _ids(select(third + 1, 10)) == []
    assert store.notification_log["1,10"].id == f"{first},{third}"


def test_the_library_follows_the_log(store: Store):
    first, second, third = events_for(new_id(), "a", "b", "c")
    (passed,) = store.append([first], context=asking())

    with ApplicationSubscription(store, gt=passed.position) as subscription:
        (recorded,) = store.append([second], context=asking())
        assert next(subscription) == (second, Tracking("goatherd", recorded.position))
        (recorded,) = store.append([third], context=asking())
        assert next(subscription) == (third, Tracking("goatherd", recorded.position))


def test_whoever_follows_by_the_library_is_told_when_the_log_cannot_be_read(
    store: Store,
):
    with store.recorder.subscribe() as subscription:
        store.pool.close()
        with pytest.raises(PoolClosed):
            next(subscription)


# conflicts


def test_whoever_loses_reads_again_and_decides_anew(store: Store):
    stream = new_id()
    lost: list[int] = []

    def attempt() -> int:
        history = store.load(stream)[stream]
        if len(lost) < 4:
            lost.append(len(history))
            store.append(events_for(stream, "rival", after=history), context=asking())
        ours = store.append(events_for(stream, "ours", after=history), context=asking())
        return ours[0].version

    assert retry_conflicts(attempt) == 5
    assert lost == [0, 1, 2, 3]


def test_whoever_loses_five_times_is_told_that_others_are_busy(store: Store):
    stream = new_id()

    def attempt() -> None:
        history = store.load(stream)[stream]
        store.append(events_for(stream, "rival", after=history), context=asking())
        store.append(events_for(stream, "ours", after=history), context=asking())

    with pytest.raises(BusyError, match="try again"):
        retry_conflicts(attempt)

    assert [event.event for event in store.load(stream)[stream]] == [
        e.HandleBanned(handle="rival")
    ] * 5


def test_other_errors_are_not_tried_again():
    tries: list[UUID] = []

    def attempt() -> None:
        tries.append(new_id())
        raise LimitReachedError("max_goats", current=1, maximum=1)

    with pytest.raises(LimitReachedError):
        retry_conflicts(attempt)

    assert len(tries) == 1


def _ids(notifications: object) -> list[int]:
    assert isinstance(notifications, list)
    return [notification.id for notification in notifications]
