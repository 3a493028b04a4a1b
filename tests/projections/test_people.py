"""people and members: names and rights, in any order and twice."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.people import People
from tests.kit.expected import rows_of
from tests.kit.histories import AWAY, HOME, History

ADA, BEN, PROJECT = UUID(int=0xADA), UUID(int=0xBE), UUID(int=0xB0)

Reading = Connection[TupleRow]


def take_in(connection: Reading, events: list[RecordedEvent]) -> None:
    with connection.cursor() as cursor:
        People().write(cursor, events)


def filled(history: History) -> list[RecordedEvent]:
    """Two people: one in two organizations and renamed, one who left and was erased."""
    history.happened(ADA, e.PersonRegistered(name="Ada", email="ada@example.com"))
    history.happened(BEN, e.PersonRegistered(name="Ben", email="ben@example.com"))
    for tenant in (HOME, AWAY):
        history.happened(tenant, e.MemberAdded(person_id=ADA, role="owner", money=True))
    viewer = e.MemberAdded(person_id=BEN, role="viewer", project_ids=(PROJECT,))
    history.happened(HOME, viewer)
    history.happened(ADA, e.PersonRenamed(name="Ada Berg"))
    history.happened(ADA, e.EmailChanged(email="ada.berg@example.com"))
    history.happened(ADA, e.EmailConfirmed())
    history.happened(ADA, e.PersonPreferencesChanged(time_zone="Europe/Vienna"))
    history.happened(HOME, e.MemberChanged(person_id=BEN, role="member", money=True))
    history.happened(HOME, e.MemberChanged(person_id=BEN, project_ids=None))
    history.happened(AWAY, e.MemberRemoved(person_id=ADA))
    history.happened(HOME, e.MemberRemoved(person_id=BEN))
    history.happened(BEN, e.PersonErased())
    return history.events


def test_members_have_the_present_name_and_rights(
    connection: Reading, history: History
):
    events = filled(history)
    *_, ada_left, ben_left, ben_erased = [each.recorded_at for each in events]
    take_in(connection, events)

    people = {row["person_id"]: row for row in rows_of(connection, "people")}
    members = {
        (row["organization_id"], row["person_id"]): row
        for row in rows_of(connection, "members")
    }
    assert people[ADA]["name"] == "Ada Berg"
    assert people[ADA]["time_zone"] == "Europe/Vienna"
    assert people[ADA]["version"] == 4
    assert people[ADA]["email_confirmed"] is True
    assert (people[BEN]["name"], people[BEN]["email"]) == (None, None)
    assert people[BEN]["erased_at"] == ben_erased
    at_home = members[HOME, ADA]
    assert (at_home["name"], at_home["email"]) == ("Ada Berg", "ada.berg@example.com")
    assert (at_home["role"], at_home["money"]) == ("owner", True)
    assert at_home["removed_at"] is None
    assert members[AWAY, ADA]["removed_at"] == ada_left
    gone = members[HOME, BEN]
    assert (gone["name"], gone["email"], gone["removed_at"]) == (None, None, ben_left)
    assert (gone["role"], gone["project_ids"], gone["money"]) == ("member", None, True)


def test_the_same_events_twice_and_late_leave_the_same_rows(
    connection: Reading, history: History
):
    events = filled(history)
    # The transaction of each append writes its events first, and the follower again.
    for recorded in events:
        take_in(connection, [recorded])
    once = [sorted(map(repr, rows_of(connection, t))) for t in People.tables]
    for recorded in events:
        take_in(connection, [recorded])
    take_in(connection, events)

    assert [sorted(map(repr, rows_of(connection, t))) for t in People.tables] == once


def test_somebody_who_comes_back_is_a_member_again(
    connection: Reading, history: History
):
    history.happened(ADA, e.PersonRegistered(name="Ada", email="ada@example.com"))
    history.happened(HOME, e.MemberAdded(person_id=ADA, role="owner"))
    history.happened(HOME, e.MemberRemoved(person_id=ADA))
    history.happened(HOME, e.MemberAdded(person_id=ADA, role="viewer"))
    take_in(connection, history.events)

    (row,) = rows_of(connection, "members")
    assert (row["role"], row["removed_at"]) == ("viewer", None)
