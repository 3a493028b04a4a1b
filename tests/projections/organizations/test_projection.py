from datetime import UTC, datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.organizations.projection import ApiKeys
from tests.kit.expected import rows_of
from tests.kit.histories import HOME, MONDAY, History

KEY = UUID("77777777-7777-4777-8777-777777777777")
CREATED = e.OrganizationCreated(name="Home", plan="free", time_zone="Europe/Berlin")
ISSUED = e.ApiKeyCreated(
    key_id=KEY,
    name="Laptop",
    digest="ab" * 32,
    hint="beef",
    scopes=("read", "write"),
    expires_at=datetime(2027, 1, 1, tzinfo=UTC),
)

Reading = Connection[TupleRow]


def take_in(connection: Reading, events: list[RecordedEvent]) -> None:
    with connection.cursor() as cursor:
        ApiKeys().write(cursor, events)


def test_an_organization_and_its_key_are_rows(connection: Reading, history: History):
    take_in(connection, history.happened(HOME, CREATED, ISSUED))

    assert rows_of(connection, "organizations") == [
        {
            "organization_id": HOME,
            "name": "Home",
            "plan": "free",
            "time_zone": "Europe/Berlin",
            "creator_profiles_hours": None,
            "discover_videos_hours": None,
            "video_stats_hours": None,
            "erase_removed_after_days": None,
            "requires_second_factor": False,
            "is_operator": None,
            "version": 1,
            "position": 1,
            "created_at": MONDAY,
            "updated_at": MONDAY,
        }
    ]
    assert rows_of(connection, "api_keys") == [
        {
            "organization_id": HOME,
            "id": KEY,
            "name": "Laptop",
            "digest": "ab" * 32,
            "hint": "beef",
            "scopes": ["read", "write"],
            "created_at": MONDAY,
            "expires_at": datetime(2027, 1, 1, tzinfo=UTC),
            "revoked_at": None,
            "person_id": None,
        }
    ]


def test_a_revoked_key_says_since_when(connection: Reading, history: History):
    take_in(connection, history.happened(HOME, CREATED, ISSUED))

    revoked = history.happened(HOME, e.ApiKeyRevoked(key_id=KEY))
    take_in(connection, revoked)

    (row,) = rows_of(connection, "api_keys")
    assert row["revoked_at"] == revoked[0].recorded_at


def test_a_follower_that_is_late_opens_no_revoked_key_and_brings_no_old_plan_back(
    connection: Reading, history: History
):
    history.happened(HOME, CREATED, ISSUED)
    history.happened(HOME, e.PlanChanged(old="free", new="starter"))
    history.happened(HOME, e.PlanChanged(old="starter", new="ultra"))
    history.happened(HOME, e.ApiKeyRevoked(key_id=KEY))
    # Each was written in its own append, long before a follower gets there.
    take_in(connection, history.events)
    before = [rows_of(connection, name) for name in ("organizations", "api_keys")]

    for event in history.events:
        take_in(connection, [event])
        after = [rows_of(connection, name) for name in ("organizations", "api_keys")]
        assert after == before
    assert before[0][0]["plan"] == "ultra"


def test_settings_change_what_they_name_once_each(
    connection: Reading, history: History
):
    history.happened(HOME, CREATED)
    history.happened(
        HOME,
        e.OrganizationSettingsChanged(name="Alp", creator_profiles_hours=48),
        e.OrganizationSettingsChanged(
            time_zone="Asia/Tokyo", creator_profiles_hours=None, video_stats_hours=2
        ),
    )

    for _ in range(2):
        take_in(connection, history.events)

    (row,) = rows_of(connection, "organizations")
    assert {name: row[name] for name in row if name not in {"plan", "created_at"}} == {
        "organization_id": HOME,
        "name": "Alp",
        "time_zone": "Asia/Tokyo",
        "creator_profiles_hours": None,
        "discover_videos_hours": None,
        "video_stats_hours": 2,
        "erase_removed_after_days": None,
        "requires_second_factor": False,
        "is_operator": None,
        "version": 3,
        "position": 3,
        "updated_at": history.events[-1].recorded_at,
    }


def test_who_runs_the_installation_is_what_was_said_last(
    connection: Reading, history: History
):
    on = history.happened(HOME, CREATED, e.OperatorChanged(is_operator=True))
    off = history.happened(HOME, e.OperatorChanged(is_operator=False))

    take_in(connection, on)
    (row,) = rows_of(connection, "organizations")
    assert (row["is_operator"], row["version"]) == (True, 2)
    take_in(connection, [*off, *on])
    (row,) = rows_of(connection, "organizations")
    assert (row["is_operator"], row["version"]) == (False, 3)
