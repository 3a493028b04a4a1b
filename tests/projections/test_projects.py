from datetime import timedelta
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.organization.logo import logo_of
from infra.eventstore.store import RecordedEvent
from projections.projects import Projects
from tests.kit.expected import rows_of
from tests.kit.histories import AWAY, HOME, MONDAY, PROJECT, History
from tests.kit.pictures import LOGO

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
            "client": None,
            "comment": None,
            "color": None,
            "logo": None,
            "archived_at": None,
            "version": 1,
            "position": 1,
            "created_at": MONDAY,
            "updated_at": MONDAY,
        }
    ]


def test_the_words_and_the_logo_of_reports_are_columns(
    connection: Reading, history: History
):
    logo = logo_of(LOGO)
    history.happened(HOME, e.ProjectCreated(project_id=PROJECT, name="Goats"))
    history.happened(
        HOME,
        e.ProjectDetailsChanged(
            project_id=PROJECT, client="Alm", comment="May", color="#0f766e"
        ),
    )
    history.happened(HOME, e.ProjectLogoChanged(project_id=PROJECT, logo=logo))

    take_in(connection, history.events)
    (row,) = rows_of(connection, "projects")
    history.happened(HOME, e.ProjectLogoChanged(project_id=PROJECT, logo=None))
    take_in(connection, history.events)
    (after,) = rows_of(connection, "projects")

    assert (row["client"], row["comment"], row["version"]) == ("Alm", "May", 3)
    assert row["color"] == after["color"] == "#0f766e"
    assert row["logo"] == msgspec.to_builtins(logo)
    assert (after["client"], after["logo"], after["version"]) == ("Alm", None, 4)


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
