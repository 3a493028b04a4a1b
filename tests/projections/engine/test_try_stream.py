"""Streams folded on trial: the rows after each event, and nothing of it is kept."""

from uuid import UUID

import pytest

from infra.eventstore.store import Store
from projections.analytics.projection import AnalyticsProjection
from projections.creators.projection import CreatorList
from projections.engine.projection import ReadModel
from projections.engine.try_stream import TriedEvent, try_streams
from projections.registry import PROJECTIONS
from projections.videos.projection import Videos
from tests.kit.builders import Home
from tests.kit.videos import a_run
from tests.projections.analytics.ledger import registered


def tried(store: Store, projection: ReadModel, *streams: UUID) -> list[TriedEvent]:
    return list(try_streams(store, projection, streams))


def rows_in(store: Store, table: str) -> int:
    with store.pool.connection() as connection:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - a table of the test's
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_the_row_is_shown_after_each_event(store: Store, home: Home):
    creator_id = home.creator("heidi")
    home.rename(creator_id, "clara")
    home.remove(creator_id)

    events = tried(store, CreatorList(), creator_id)

    shown = [
        (event.name, row["tiktok_handle"], row["status"], row["version"])
        for event in events
        for row in event.rows["creator_list"]
    ]
    assert shown == [
        ("creator_added", "heidi", "active", 1),
        ("handle_changed", "clara", "active", 2),
        ("creator_removed", "clara", "removed", 3),
    ]
    assert rows_in(store, "creator_list") == 0


def test_live_tables_stay_as_they_are(store: Store, home: Home):
    creator_id = home.creator("heidi")
    registered(store, CreatorList()).catch_up()
    home.rename(creator_id, "clara")

    tried(store, CreatorList(), creator_id)

    with store.pool.connection() as connection:
        rows = connection.execute("SELECT tiktok_handle FROM creator_list").fetchall()
    assert rows == [("heidi",)]


def test_several_streams_are_folded_in_the_order_of_the_log(store: Store, home: Home):
    creator_id = home.creator("heidi")
    run = a_run(home, creator_id, "7000000000000000001")

    alone = tried(store, AnalyticsProjection(), run)
    together = tried(store, AnalyticsProjection(), run, creator_id)

    assert together[0].stream == creator_id
    assert len(together) > len(alone)
    assert together[0].rows["analytics_subjects"][0]["id"] == str(creator_id)


def test_an_event_that_the_projection_does_not_read_says_so(store: Store, home: Home):
    creator_id = home.creator("heidi")

    events = tried(store, Videos(), creator_id)

    assert [(event.is_read, event.rows) for event in events] == [(False, {})]


def test_an_event_that_fails_holds_back_the_rest(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
):
    creator_id = home.creator("heidi")
    home.rename(creator_id, "clara")
    home.rename(creator_id, "dete")
    write = CreatorList.write

    def fail_at_clara(self: CreatorList, cursor: object, events: list[object]) -> None:
        if "clara" in str(events[0]) and "new='clara'" in str(events[0]):
            raise ValueError("no clara")
        write(self, cursor, events)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(CreatorList, "write", fail_at_clara)

    events = tried(store, CreatorList(), creator_id)

    assert events[0].error is None
    assert events[1].error == "ValueError('no clara')"
    assert "held back" in (events[2].error or "")


def test_every_read_model_can_be_tried(store: Store, home: Home):
    creator_id = home.creator("heidi")
    run = a_run(home, creator_id, "7000000000000000001")
    streams = (home.organization_id, creator_id, run)

    errors = {
        projection.name: [event.error for event in events if event.error]
        for projection in PROJECTIONS
        if (events := tried(store, projection, *streams))
    }

    assert errors == {projection.name: [] for projection in PROJECTIONS}
    assert rows_in(store, "creator_list") == rows_in(store, "scrape_runs") == 0
