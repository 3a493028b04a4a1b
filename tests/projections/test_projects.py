from datetime import timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.projects import Projects
from tests.kit.expected import rows_of
from tests.kit.histories import AWAY, HOME, MONDAY, PROJECT, History

OTHER = UUID("44444444-4444-4444-8444-444444444444")

Reading = Connection[TupleRow]


def take_in(connection: Reading, events: list[RecordedEvent]) -> None:
    with connection.cursor() as cursor:
        Projects().write(cursor, events)


def test_a_created_project_is_a_row(connection: Reading, history: History):
    made = e.ProjectCreated(project_id=PROJECT, name="Goats", description="All of them")

    take_in(connection, history.happened(HOME, made))

    assert rows_of(connection, "projects") == [
        {
            "organization_id": HOME,
            "id": PROJECT,
            "name": "Goats",
            "description": "All of them",
            "version": 1,
            "position": 1,
            "created_at": MONDAY,
            "updated_at": MONDAY,
        }
    ]


def test_a_change_sets_what_it_names_and_counts_as_a_version(
    connection: Reading, history: History
):
    history.happened(
        HOME, e.ProjectCreated(project_id=PROJECT, name="Goats", description="All")
    )
    history.happened(
        HOME, e.ProjectDetailsChanged(project_id=PROJECT, name="More goats")
    )
    history.happened(
        HOME, e.ProjectDetailsChanged(project_id=PROJECT, description=None)
    )

    take_in(connection, history.events)
    once = rows_of(connection, "projects")
    take_in(connection, history.events)

    (row,) = once
    assert (row["name"], row["description"]) == ("More goats", None)
    assert (row["version"], row["created_at"]) == (3, MONDAY)
    assert row["updated_at"] == MONDAY + timedelta(seconds=2)
    assert rows_of(connection, "projects") == once


def test_projects_do_not_count_each_others_changes(
    connection: Reading, history: History
):
    history.happened(HOME, e.ProjectCreated(project_id=PROJECT, name="Goats"))
    history.happened(HOME, e.ProjectCreated(project_id=OTHER, name="Sheep"))
    history.happened(HOME, e.ProjectDetailsChanged(project_id=OTHER, name="Lambs"))

    take_in(connection, history.events)

    rows = rows_of(connection, "projects")
    assert [(row["name"], row["version"]) for row in rows] == [
        ("Goats", 1),
        ("Lambs", 2),
    ]


def test_an_organization_changes_no_project_of_another(
    connection: Reading, history: History
):
    take_in(
        connection,
        history.happened(HOME, e.ProjectCreated(project_id=PROJECT, name="Goats")),
    )
    before = rows_of(connection, "projects")

    stolen = e.ProjectDetailsChanged(project_id=PROJECT, name="Stolen")
    take_in(connection, history.happened(AWAY, stolen))

    assert rows_of(connection, "projects") == before
