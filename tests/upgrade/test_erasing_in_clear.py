"""A person with clear data in an old log is not erased until the log is sealed."""

from pathlib import Path

import psycopg
from structlog.testing import capture_logs

from api.cli.doctor.sealing import check_sealing
from api.system.all_projections import ALL_PROJECTIONS
from domain import commands as c
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.execute import execute
from tests.kit.application import serving
from tests.kit.builders import asking, opened_store
from tests.kit.command_line import CommandLine
from tests.upgrade.comparing import bearer
from tests.upgrade.test_from_46ccd1a import start
from tests.upgrade.test_seal_history import clear_text
from workers.policies.retention import erase_removed

_WHO = """
SELECT id::text, tiktok_handle FROM creator_list l
WHERE organization_id = %s AND status = %s AND NOT EXISTS (
    SELECT FROM creator_list o WHERE o.tiktok_handle = l.tiktok_handle AND o.id <> l.id)
ORDER BY id LIMIT 1
"""


def who(url: str, organization_id: str, status: str) -> tuple[str, str]:
    """The id and the handle of a creator that no other one shares its handle with."""
    with psycopg.connect(url) as connection:
        row = connection.execute(_WHO, (organization_id, status)).fetchone()
    assert row is not None
    return row


def test_an_erasure_is_refused_until_history_is_sealed(
    cli: CommandLine, old_database_url: str
):
    cli("migrate")
    start(old_database_url, ALL_PROJECTIONS)
    with serving(old_database_url) as client:
        key = bearer("home")
        me = client.get("/api/v1/organization", headers=key).json()["data"]
        creator_id, handle = who(old_database_url, me["id"], "active")
        path = f"/api/v1/creators/{creator_id}"

        before = client.get(f"{path}/erase", headers=key).json()["data"]
        refused = client.post(f"{path}/erase", headers=key, json={"confirm": handle})
        by_hand = cli("erase", creator_id, "--confirm", handle)
        still = client.get(path, headers=key).json()["data"]

    assert before["history_in_clear"]
    assert (refused.status_code, refused.json()["meta"]["code"]) == (
        409,
        "history_in_clear",
    )
    assert by_hand.status == 1
    assert "goatherd seal-history" in by_hand.complaint
    assert (still["status"], still["tiktok_handle"]) == ("active", handle)
    assert handle in clear_text(old_database_url)

    assert cli("seal-history").status == 0
    start(old_database_url, ALL_PROJECTIONS)
    with serving(old_database_url) as client:
        after = client.get(f"{path}/erase", headers=key).json()["data"]
        done = client.post(f"{path}/erase", headers=key, json={"confirm": handle})
        assert cli("roots", "make").status == 0
        proof = client.get(f"{path}/proof", headers=key)

    assert not after["history_in_clear"]
    assert done.status_code == 200
    assert handle not in clear_text(old_database_url)
    assert proof.status_code == 200
    assert handle not in proof.text


def test_creators_that_are_due_by_retention_wait_and_the_doctor_says_so(
    cli: CommandLine, old_database_url: str
):
    cli("migrate")
    start(old_database_url, ALL_PROJECTIONS)
    with psycopg.connect(old_database_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT organization_id FROM creator_list WHERE status = 'removed' LIMIT 1"
        ).fetchone()
        assert row is not None
        connection.execute("ALTER TABLE goatherd_events DISABLE TRIGGER USER")
    command = c.ChangeOrganizationSettings(erase_removed_after_days=1)
    with opened_store(old_database_url, pool_size=2) as store:
        execute(
            store,
            lambda: change_organization(row[0], command, plans=DEFAULT_PLANS),
            context=asking(),
        )
        start(old_database_url, ALL_PROJECTIONS)

        with capture_logs() as logs:
            assert erase_removed(store) == 0

        assert [line for line in logs if "put_off" in line["event"]] == []
        document = cli("doctor", "--at-rest", "--json").out
        assert "kept longer than their organization allows" in document
        assert '"warning"' in document

    assert cli("seal-history").status == 0
    start(old_database_url, ALL_PROJECTIONS)
    with opened_store(old_database_url, pool_size=2) as store:
        assert erase_removed(store) > 0
        start(old_database_url, ALL_PROJECTIONS)
        with store.pool.connection() as connection:
            assert check_sealing(connection).endswith("are sealed.")


def test_older_data_in_the_clear_are_sealed_before_the_erasures_are_repeated(
    cli: CommandLine, old_database_url: str, empty_database_url: str, tmp_path: Path
):
    cli("migrate")
    start(old_database_url, ALL_PROJECTIONS)
    with psycopg.connect(old_database_url) as connection:
        row = connection.execute("SELECT organization_id FROM creator_list").fetchone()
    assert row is not None
    creator_id, handle = who(old_database_url, row[0], "active")
    data, keys = tmp_path / "data", tmp_path / "keys"
    assert cli("backup", str(data)).status == 0
    assert cli("seal-history").status == 0
    start(old_database_url, ALL_PROJECTIONS)
    assert cli("erase", creator_id, "--confirm", handle).status == 0
    assert cli("backup", "--keys", str(keys)).status == 0
    cli.set(database_url=empty_database_url)

    restored = cli("restore", str(data), "--keys", str(keys), "--json")

    assert restored.status == 0, restored.err
    assert [one["id"] for one in restored.document["erased"]] == [creator_id]
    assert handle not in clear_text(empty_database_url)
    rest = cli("doctor", "--at-rest", "--json")
    assert rest.status == 0, rest.out
    with psycopg.connect(empty_database_url) as connection:
        left = connection.execute(
            "SELECT id FROM creator_list WHERE tiktok_handle = %s", (handle,)
        ).fetchall()
    assert left == []
