"""Channels are added, tested and removed by admins, and hide their addresses."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from application.integrity.kept_keys import key_faults
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.keys import MASTER_KEY
from tests.kit.scripted_site import Answer, ScriptedSite

TOKEN = "T0000/B0000/abcdefghijklmnopqrst"  # noqa: S105 - of no service


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


def add(home: Tenant, url: str, **fields: object) -> dict[str, Any]:
    body = {"kind": "slack", "name": "Ops", "url": url, **fields}
    return data_of(home.post("/channels", body), status=201)


def test_a_channel_is_shown_with_its_address_in_short(home: Tenant):
    url = f"http://127.0.0.1:9/services/{TOKEN}"
    made = add(home, url, project_id=str(home.project_id))
    mail = {"kind": "email", "name": "Team", "address": "ada.goat@herd.example"}
    mailed = data_of(home.post("/channels", mail), status=201)

    assert made == {
        "id": made["id"],
        "org_id": str(home.organization_id),
        "kind": "slack",
        "name": "Ops",
        "url": "http://127.0.0.1:9/…qrst",
        "address": None,
        "project_id": str(home.project_id),
        "enabled": True,
        "waiting": 0,
        "failures": 0,
        "last_sent_at": None,
        "last_error": None,
        "last_error_at": None,
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "secret": None,
    }
    assert (mailed["url"], mailed["address"]) == (None, "a…@herd.example")
    home.goatherd.catch_up()
    del made["secret"]
    assert data_of(home.get(f"/channels/{made['id']}")) == made
    assert [row["id"] for row in data_of(home.get("/channels"))] == [
        mailed["id"],
        made["id"],
    ]
    said = data_of(home.get("/audit", params={"event": "channel_added"}))
    assert said[0]["summary"].startswith('Channel "Team" added for Email by ')
    assert TOKEN not in str(said)
    assert "ada.goat" not in str(said)
    rows = home.goatherd.query(
        "SELECT t::text FROM goatherd_events t UNION ALL "
        "SELECT t::text FROM channels t UNION ALL "
        "SELECT t::text FROM channel_addresses t UNION ALL "
        "SELECT convert_from(body, 'UTF8') FROM idempotency WHERE body IS NOT NULL"
    )
    assert not [row for (row,) in rows if TOKEN in row or "ada.goat" in row]


def test_the_secret_of_a_webhook_is_repeated_but_not_stored(home: Tenant):
    body = {"kind": "webhook", "name": "Hook", "url": "http://127.0.0.1:9/alerts"}
    keyed = {"Idempotency-Key": uuid4().hex}
    made = data_of(home.post("/channels", body, headers=keyed), status=201)
    again = home.post("/channels", body, headers=keyed)

    assert made["secret"].startswith("whsec_")
    assert data_of(again, status=201) == made
    assert made["secret"] not in str(data_of(home.get("/channels")))
    bodies = home.goatherd.query(
        "SELECT convert_from(body, 'UTF8') FROM idempotency WHERE body IS NOT NULL"
    )
    assert not [stored for (stored,) in bodies if made["secret"] in stored]


def test_wrong_fields_are_refused_with_their_names(
    home: Tenant, subtests: pytest.Subtests
):
    url = "http://127.0.0.1:9/services"
    refused = (
        ({"kind": "slack", "url": "https://10.0.0.1/"}, "/url"),
        ({"kind": "discord", "url": "http://example.com/"}, "/url"),
        ({"kind": "slack"}, "/url"),
        ({"kind": "slack", "address": "ada@herd.example"}, "/address"),
        ({"kind": "email", "url": url}, "/url"),
        ({"kind": "email", "address": "nobody"}, "/address"),
        ({"kind": "email"}, "/address"),
        ({"kind": "ntfy", "url": "http://127.0.0.1:9/"}, "/url"),
        ({"kind": "ntfy", "url": "http://127.0.0.1:9/a/b"}, "/url"),
        ({"kind": "pager", "url": url}, "/kind"),
        ({"kind": "slack", "url": url, "name": " "}, "/name"),
        ({"kind": "slack", "url": url, "secret": "mine"}, "/secret"),
    )
    for body, path in refused:
        with subtests.test(str(body)):
            answer = home.post("/channels", {"name": "Ops", **body})
            assert code_of(answer) == (400, "invalid_body")
            assert answer.json()["meta"]["fields"][0]["path"] == path
    of_others = {"name": "Ops", "kind": "slack", "url": url, "project_id": str(uuid4())}
    assert code_of(home.post("/channels", of_others)) == (404, "not_found")
    made = add(home, url)
    changed = home.patch(f"/channels/{made['id']}", {"address": "ada@herd.example"})
    assert changed.json()["meta"]["fields"][0]["path"] == "/address"


def test_a_test_shows_what_came_back_also_while_the_channel_is_off(
    home: Tenant, site: ScriptedSite
):
    site.answers = {
        "/taken": Answer(body=b"ok"),
        "/gone": Answer(status=404, body=b"no_service"),
    }
    taken = add(home, f"{site.url}/taken", enabled=False)
    gone = add(home, f"{site.url}/taken")
    path = f"/channels/{gone['id']}"
    data_of(home.patch(path, {"url": f"{site.url}/gone"}))

    first = data_of(home.post(f"/channels/{taken['id']}/test"))
    second = data_of(home.post(f"{path}/test"))

    assert (first["delivered"], first["status"], first["answer"]) == (True, 200, "ok")
    assert second == {
        "id": second["id"],
        "delivered": False,
        "status": 404,
        "answer": "no_service",
        "error": "The answer was 404.",
        "duration_ms": second["duration_ms"],
    }
    assert data_of(home.get(path))["failures"] == 0


def test_an_organization_sends_some_tests_an_hour(home: Tenant, site: ScriptedSite):
    site.answers = {"/taken": Answer(body=b"ok")}
    other = home.goatherd.tenant()
    path, others = (
        f"/channels/{add(tenant, f'{site.url}/taken')['id']}/test"
        for tenant in (home, other)
    )

    answers = [home.post(path) for _ in range(21)]

    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert code_of(answers[-1]) == (429, "rate_limit_exceeded")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert data_of(other.post(others))["delivered"]


def test_a_mail_without_a_mail_server_names_the_setting(home: Tenant):
    mail = {"kind": "email", "name": "Team", "address": "ada@herd.example"}
    made = data_of(home.post("/channels", mail), status=201)

    answer = home.post(f"/channels/{made['id']}/test")

    assert code_of(answer) == (409, "mail_not_set_up")
    assert "GOATHERD_SMTP_URL" in answer.json()["error"]


def test_a_removed_channel_is_gone_with_its_address_and_its_name(home: Tenant):
    made = add(home, "http://127.0.0.1:9/services", kind="webhook")
    path = f"/channels/{made['id']}"
    rule = {
        "name": "Mine",
        "condition": {"type": "creator_disabled"},
        "channels": ["in_app", made["id"]],
    }
    ruled = data_of(home.post("/alert-rules", rule), status=201)

    stale = home.delete(path, headers={"If-Match": '"7"'})
    removed = data_of(home.delete(path))

    assert code_of(stale) == (412, "version_conflict")
    assert removed == {"id": made["id"], "removed": True}
    assert code_of(home.get(path)) == (404, "not_found")
    assert code_of(home.post(f"{path}/test")) == (404, "not_found")
    left = home.goatherd.query(
        "SELECT channel_id FROM channel_addresses UNION ALL "
        "SELECT channel_id FROM channel_states UNION ALL "
        "SELECT webhook_id FROM webhook_secrets"
    )
    assert made["id"] not in [str(channel_id) for (channel_id,) in left]
    with home.goatherd.store.pool.connection() as connection:
        faults = [*key_faults(connection, MASTER_KEY)]
    assert made["id"] not in {str(id_) for fault in faults for id_ in fault.subjects}
    # A rule that named it can be changed, and a new one can't name it.
    renamed = data_of(home.patch(f"/alert-rules/{ruled['id']}", {"name": "Ours"}))
    assert renamed["channels"] == ["in_app", made["id"]]
    assert code_of(home.post("/alert-rules", rule)) == (404, "not_found")
    assert code_of(home.post("/alert-rules", {**rule, "channels": ["pager"]})) == (
        400,
        "invalid_body",
    )


def test_a_rule_of_one_organization_names_no_channel_of_another(home: Tenant):
    made = add(home.goatherd.tenant(), "http://127.0.0.1:9/services")
    rule = {
        "name": "Mine",
        "condition": {"type": "creator_disabled"},
        "channels": [made["id"]],
    }

    assert code_of(home.post("/alert-rules", rule)) == (404, "not_found")
