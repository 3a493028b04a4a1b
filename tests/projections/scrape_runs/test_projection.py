from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.scrape_runs.projection import ScrapeRuns
from tests.kit.expected import rows_of
from tests.kit.histories import (
    HOME,
    MONDAY,
    PROJECT,
    History,
    failed,
    requested,
    snapshot,
    succeeded,
)

BILLIE = UUID("b1111111-0000-4000-8000-000000000000")
RUN = UUID("5c5c5c5c-0000-4000-8000-000000000000")

Reading = Connection[TupleRow]

QUEUED = {
    "organization_id": HOME,
    "id": RUN,
    "project_id": PROJECT,
    "creator_id": BILLIE,
    "tiktok_handle": "billie",
    "job_type": "creator_profiles",
    "trigger": "added",
    "status": "queued",
    "attempts": 0,
    "outcome": None,
    "error": None,
    "provider": None,
    "observed_at": None,
    "duration_ms": None,
    "profile_observed": None,
    "videos_observed": None,
    "pages": None,
    "payload_sha256": None,
    "precision": None,
    "videos_missing": None,
    "listed": None,
    "listed_reason": None,
    "tried": None,
    "requested_at": MONDAY,
    "finished_at": None,
}


def take_in(connection: Reading, events: list[RecordedEvent]) -> None:
    taken_in = [f for f in events if not isinstance(f.event, e.ProfileSnapshotRecorded)]
    with connection.cursor() as cursor:
        ScrapeRuns().write(cursor, taken_in)


def test_a_request_is_a_run_that_waits(connection: Reading, history: History):
    take_in(connection, history.happened(RUN, requested(BILLIE)))

    assert rows_of(connection, "scrape_runs") == [QUEUED]


def test_a_run_that_ended_well_says_what_it_saw(connection: Reading, history: History):
    take_in(connection, history.happened(RUN, requested(BILLIE)))

    ended = history.happened(RUN, snapshot(BILLIE), succeeded(BILLIE))
    take_in(connection, ended)

    assert rows_of(connection, "scrape_runs") == [
        {
            **QUEUED,
            "status": "succeeded",
            "attempts": 2,
            "outcome": "ok",
            "provider": "test",
            "observed_at": MONDAY,
            "duration_ms": 37,
            "profile_observed": True,
            "videos_observed": 12,
            "pages": 1,
            "payload_sha256": "ab" * 32,
            "precision": "exact",
            "videos_missing": 2,
            "finished_at": ended[0].recorded_at,
        }
    ]


@pytest.mark.parametrize("outcome", ("private", "transient", None))
def test_a_run_that_was_given_up_says_why(
    connection: Reading, history: History, outcome: e.Outcome | None
):
    take_in(connection, history.happened(RUN, requested(BILLIE)))

    ended = history.happened(RUN, failed(BILLIE, outcome=outcome))
    take_in(connection, ended)

    assert rows_of(connection, "scrape_runs") == [
        {
            **QUEUED,
            "status": "failed",
            "attempts": 5,
            "outcome": outcome,
            "error": "The account is private.",
            "provider": "test",
            "finished_at": ended[0].recorded_at,
        }
    ]


def test_an_ended_run_stays_as_it_ended(connection: Reading, history: History):
    take_in(connection, history.happened(RUN, requested(BILLIE), succeeded(BILLIE)))
    before = rows_of(connection, "scrape_runs")

    take_in(connection, history.happened(RUN, failed(BILLIE)))
    take_in(connection, history.events)

    assert rows_of(connection, "scrape_runs") == before


def test_a_result_that_nobody_asked_for_leaves_no_row(
    connection: Reading, history: History
):
    take_in(connection, history.happened(RUN, succeeded(BILLIE), failed(BILLIE)))

    assert rows_of(connection, "scrape_runs") == []
