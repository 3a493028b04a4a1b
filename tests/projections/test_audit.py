"""The read model of the audit: an organization's events, and sign-ins of members."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.alert.conditions import Condition
from infra.eventstore.store import RecordedEvent
from projections.audit import Audit
from tests.kit.expected import Row, audit, audit_members, rows_of
from tests.kit.histories import AWAY, HOME, PROJECT, History, added

ADA, BEN = (UUID(int=number) for number in (0xADA, 0xBE))
SIGN_IN = e.PersonSignedIn(method="password")
FACTOR = e.SignInMethodChanged(method="codes", change="added")
RULE, CAMPAIGN = (UUID(int=number) for number in (0xA1, 0xCA))
BILLIE = UUID(int=0xB1)

Reading = Connection[TupleRow]


def take_in(connection: Reading, events: list[RecordedEvent]) -> None:
    with connection.cursor() as cursor:
        Audit().write(cursor, events)


def by_position(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["organization_id"], row["position"]))


def filled(history: History) -> list[RecordedEvent]:
    """Two organizations; Ada is in both and leaves one, Ben comes back to the other."""
    history.happened(HOME, e.ProjectCreated(project_id=PROJECT, name="Goats"))
    history.happened(ADA, e.PersonRegistered(name="Ada", email="ada@example.com"))
    history.happened(ADA, FACTOR)
    history.happened(ADA, SIGN_IN)
    history.happened(HOME, e.MemberAdded(person_id=ADA, role="owner"))
    history.happened(ADA, SIGN_IN)
    history.happened(ADA, FACTOR)
    history.happened(AWAY, e.MemberAdded(person_id=ADA, role="viewer"))
    history.happened(AWAY, e.MemberAdded(person_id=BEN, role="owner"))
    history.happened(ADA, SIGN_IN)
    history.happened(AWAY, e.MemberRemoved(person_id=ADA))
    history.happened(ADA, SIGN_IN)
    history.happened(AWAY, e.MemberRemoved(person_id=BEN))
    history.happened(BEN, SIGN_IN)
    history.happened(AWAY, e.MemberAdded(person_id=BEN, role="admin"))
    history.happened(BEN, SIGN_IN)
    history.happened(
        RULE,
        e.AlertRuleMade(
            organization_id=HOME,
            name="Fell",
            scope=e.AlertScope(type="org"),
            condition=Condition(type="views_drop"),
        ),
    )
    history.happened(RULE, e.AlertRuleRemoved(organization_id=HOME))
    history.happened(
        CAMPAIGN,
        e.CampaignCreated(organization_id=AWAY, project_id=PROJECT, name="May"),
    )
    history.happened(CAMPAIGN, e.CampaignDeleted(organization_id=AWAY))
    history.happened(BILLIE, added("billie"))
    history.happened(
        BILLIE, e.SubjectErased(organization_id=HOME, number=1, figures="drop")
    )
    return history.events


def test_sign_ins_are_in_the_organizations_that_the_person_was_a_member_of(
    connection: Reading, history: History
):
    events = filled(history)
    take_in(connection, events)

    sign_ins = [
        [
            row["position"]
            for row in rows_of(connection, "audit")
            if row["organization_id"] == of and row["event"] == "person_signed_in"
        ]
        for of in (HOME, AWAY)
    ]

    at = [one.position for one in events if isinstance(one.event, e.PersonSignedIn)]
    before, first, second, third, _, last = at
    assert before == 4
    assert sign_ins == [[first, second, third], [second, last]]


def test_events_of_an_organization_and_its_erasures_are_rows_in_any_batches(
    connection: Reading, history: History
):
    events = filled(history)
    rows, members = (
        by_position(fold(events).values()) for fold in (audit, audit_members)
    )

    for size in (1, 5, len(events)):
        for begin in range(0, len(events), size):
            take_in(connection, events[begin : begin + size])
            # A follower that was killed applies a batch again.
            take_in(connection, events[begin : begin + size])

        assert by_position(rows_of(connection, "audit")) == rows, size
        assert by_position(rows_of(connection, "audit_members")) == members, size
        connection.rollback()
    names = {row["event"] for row in rows}
    assert {"project_created", "subject_erased", "member_removed"} <= names
    assert {"alert_rule_removed", "campaign_created", "campaign_deleted"} <= names
    changed = [row for row in rows if row["event"] == "sign_in_method_changed"]
    # It follows the first membership, and comes before the second one.
    assert [row["organization_id"] for row in changed] == [HOME]
    assert "creator_added" not in names
