"""A user of the eventsourcing library reads the log with that library's own classes.

The applications, runner and view below are written as its documentation has them, over
its own PostgreSQL recorders. They take the mapper of Goatherd alone, which knows the
stored names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import IntegrityError, Mapper, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import (
    ApplicationSubscription,
    Projection,
    ProjectionRunner,
)
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore.codec import Codec, EventMapper, NewEvent
from infra.eventstore.store import Store
from tests.kit.builders import NAMES, asking, events_for

ADA, BERTA = NAMES.ban_stream("ada"), NAMES.ban_stream("berta")


class Reader(Application[UUID]):
    # Which gives the name of the table, goatherd_events, and of the channel.
    name = "goatherd"
    # Opens what is sealed, with the keys of the store.
    codec: ClassVar[Codec]

    def construct_mapper(self) -> Mapper[UUID]:
        return EventMapper(self.construct_transcoder(), self.codec)

    def ban(self, handle: str, *, version: int | None = None) -> "Ban":
        return self.repository.get(
            NAMES.ban_stream(handle), version=version, projector_func=project_ban
        )


@dataclass(frozen=True)
class Ban:
    """An aggregate that the reader made up for itself."""

    id: UUID
    version: int
    is_active: bool


def project_ban(ban: Ban | None, entries: Iterable[NewEvent]) -> Ban | None:
    for entry in entries:
        is_active = isinstance(entry.event, e.HandleBanned)
        ban = Ban(entry.originator_id, entry.originator_version, is_active)
    return ban


class BannedHandles(PostgresTrackingRecorder):
    """A view of the library's kind: the banned handles, and its position."""

    def __init__(
        self, datastore: PostgresDatastore, *, tracking_table_name: str
    ) -> None:
        super().__init__(datastore, tracking_table_name=tracking_table_name)
        self._table = Identifier(datastore.schema, "banned_handles")
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS {} (handle text PRIMARY KEY)").format(
                self._table
            )
        )

    def add(self, handle: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            statement = SQL("INSERT INTO {} VALUES (%s)").format(self._table)
            cursor.execute(statement, (handle,))

    def take_out(self, handle: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            statement = SQL("DELETE FROM {} WHERE handle = %s").format(self._table)
            cursor.execute(statement, (handle,))

    def handles(self) -> list[str]:
        with self.datastore.transaction() as cursor:
            statement = SQL("SELECT handle FROM {} ORDER BY handle").format(self._table)
            return [row["handle"] for row in cursor.execute(statement).fetchall()]


class BanProjection(Projection[BannedHandles]):
    name = "bans"
    topics = ("handle_banned", "handle_unbanned")

    @singledispatchmethod
    def process_event(self, domain_event: NewEvent, tracking: Tracking) -> None:
        match domain_event.event:
            case e.HandleBanned(handle=handle):
                self.view.add(handle, tracking)
            case e.HandleUnbanned(handle=handle):
                self.view.take_out(handle, tracking)
            case other:
                raise AssertionError(other)


@pytest.fixture
def env(
    database_url: str,
    empty_database_url: str,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The library's configuration: our database to read, another for a view."""
    monkeypatch.setattr(Reader, "codec", store.codec, raising=False)
    log, view = conninfo_to_dict(database_url), conninfo_to_dict(empty_database_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(log["dbname"]),
        "POSTGRES_HOST": str(log["host"]),
        "POSTGRES_PORT": str(log.get("port", 5432)),
        "POSTGRES_USER": str(log["user"]),
        "POSTGRES_PASSWORD": str(log.get("password", "")),
        "CREATE_TABLE": "no",
        "BANS_CREATE_TABLE": "yes",
        "BANS_POSTGRES_DBNAME": str(view["dbname"]),
    }


# an application


def test_a_plain_application_reads_a_stream(store: Store, env: dict[str, str]):
    entries = events_for(ADA, "ada", "ada", "ada")
    store.append([*events_for(BERTA, "berta"), *entries], context=asking())

    with Reader(env) as reader:
        assert list(reader.events.get(ADA)) == entries
        assert list(reader.events.get(ADA, gt=1, lte=2)) == [entries[1]]
        assert list(reader.events.get(ADA, desc=True, limit=1)) == [entries[2]]


def test_a_plain_application_reads_the_log(store: Store, env: dict[str, str]):
    store.append(events_for(BERTA, "berta"), context=asking())
    entries = [
        *events_for(ADA, "ada"),
        NewEvent(ADA, 2, e.HandleUnbanned(handle="ada")),
    ]
    recorded = store.append(entries, context=asking())

    with Reader(env) as reader:
        first, last = recorded[0].position, recorded[1].position
        notifications = reader.notification_log.select(first, 10)
        unbanned = reader.notification_log.select(1, 10, topics=["handle_unbanned"])

        assert [notification.id for notification in notifications] == [first, last]
        assert [reader.mapper.to_domain_event(n) for n in notifications] == entries
        assert [notification.id for notification in unbanned] == [last]
        assert reader.recorder.max_notification_id() == store.head() == last


def test_a_plain_application_rebuilds_an_aggregate(store: Store, env: dict[str, str]):
    unbanned = NewEvent(ADA, 2, e.HandleUnbanned(handle="ada"))
    store.append([*events_for(ADA, "ada"), unbanned], context=asking())

    with Reader(env) as reader:
        assert reader.ban("ada") == Ban(ADA, 2, is_active=False)
        assert reader.ban("ada", version=1) == Ban(ADA, 1, is_active=True)
        with pytest.raises(AggregateNotFoundError):
            reader.ban("berta")


def is_listening(store: Store) -> bool:
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query ILIKE 'LISTEN %'"
        ).fetchone()
    return row is not None and row[0] > 0


def test_a_plain_application_hears_of_what_is_appended(
    store: Store, env: dict[str, str]
):
    ada, berta = events_for(ADA, "ada"), events_for(BERTA, "berta")
    (first,) = store.append(ada, context=asking())

    with Reader(env) as reader, ApplicationSubscription(reader) as subscription:
        heard = [next(subscription)]
        # The library would wait for ever for what is appended before it listens.
        assert wait_until(lambda: is_listening(store), seconds=30)
        (second,) = store.append(berta, context=asking())
        heard.append(next(subscription))

    assert heard == [
        (ada[0], Tracking("goatherd", first.position)),
        (berta[0], Tracking("goatherd", second.position)),
    ]


def test_a_plain_application_cannot_write(store: Store, env: dict[str, str]):
    recorded = store.append(events_for(ADA, "ada"), context=asking())

    with Reader({**env, "CREATE_TABLE": "yes"}) as reader:
        with pytest.raises(IntegrityError, match="null value in column"):
            reader.save(NewEvent(BERTA, 1, e.HandleBanned(handle="berta")))
        with pytest.raises(TypeError, match="Not an event of Goatherd's"):
            reader.save(Aggregate())

    assert store.load(ADA, BERTA) == {ADA: recorded, BERTA: []}
    assert store.head() == recorded[0].position


# a projection


def test_a_runner_keeps_a_view_of_the_log(store: Store, env: dict[str, str]):
    store.append(
        [*events_for(ADA, "ada"), *events_for(BERTA, "berta")], context=asking()
    )

    with _runner(env) as runner:
        runner.wait(store.head(), timeout=10)
        assert runner.view.handles() == ["ada", "berta"]

        unbanned = NewEvent(ADA, 2, e.HandleUnbanned(handle="ada"))
        store.append([unbanned], context=asking())
        runner.wait(store.head(), timeout=10)
        assert runner.view.handles() == ["berta"]


def test_a_runner_goes_on_where_it_was_stopped(store: Store, env: dict[str, str]):
    store.append(events_for(ADA, "ada"), context=asking())
    with _runner(env) as runner:
        runner.wait(store.head(), timeout=10)
    store.append(events_for(BERTA, "berta"), context=asking())

    # Adding a handle a second time would break the view's primary key.
    with _runner(env) as runner:
        runner.wait(store.head(), timeout=10)
        assert runner.view.handles() == ["ada", "berta"]


def _runner(env: dict[str, str]) -> ProjectionRunner[Reader, BannedHandles]:
    return ProjectionRunner(
        application_class=Reader,
        projection_class=BanProjection,
        view_class=BannedHandles,
        env=env,
    )
