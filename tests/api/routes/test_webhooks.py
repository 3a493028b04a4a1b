"""Webhooks are created, changed and removed by admins, and secrets are shown once."""

from typing import Any
from uuid import uuid4

import pytest

from application.integrity.kept_keys import key_faults
from domain import events as e
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.keys import MASTER_KEY

URL = "http://127.0.0.1:9/hook"


def create(home: Tenant, **fields: object) -> dict[str, Any]:
    return data_of(home.post("/webhooks", {"url": URL, **fields}), status=201)


def test_a_webhook_is_shown_as_it_was_created_without_its_secret(home: Tenant):
    filters = {"creator_id": str(uuid4()), "tag": "spring", "min_milestone": 50_000}
    made = create(
        home,
        types=["creator.added", "*", "creator.added"],
        project_id=str(home.project_id),
        description="For the warehouse",
        filters=filters,
        payload="thin",
        signatures=["v1", "v1a"],
    )

    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "org_id": str(home.organization_id),
        "url": URL,
        "types": ["creator.added", "*"],
        "project_id": str(home.project_id),
        "description": "For the warehouse",
        "enabled": True,
        "disabled_reason": None,
        "filters": {**filters, "campaign_id": None},
        "payload": "thin",
        "signatures": ["v1", "v1a"],
        "failures": 0,
        "waiting": 0,
        "position": made["position"],
        "last_delivery_at": None,
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert data_of(home.get(f"/webhooks/{made['id']}")) == made
    assert data_of(home.get("/webhooks")) == [made]
    # The address and the secret are in no clear text.
    rows = home.goatherd.query(
        "SELECT t::text FROM goatherd_events t UNION ALL "
        "SELECT t::text FROM webhook_secrets t UNION ALL "
        "SELECT t::text FROM idempotency t"
    )
    assert not [row for (row,) in rows if "127.0.0.1:9" in row or secret in row]


def test_an_answer_with_a_secret_is_repeated_but_not_stored(home: Tenant):
    keyed = {"Idempotency-Key": uuid4().hex}
    made = data_of(home.post("/webhooks", {"url": URL}, headers=keyed), status=201)
    again = home.post("/webhooks", {"url": URL}, headers=keyed)
    path = f"/webhooks/{made['id']}/rotate-secret"
    rotated = data_of(home.post(path, headers=keyed | {"Idempotency-Key": "other"}))

    assert data_of(again, status=201) == made
    assert rotated["secret"] not in {made["secret"], ""}
    assert rotated["secret"] not in str(data_of(home.get("/webhooks")))
    # Other tests leave answers without a body.
    bodies = "SELECT convert_from(body, 'UTF8') FROM idempotency WHERE body IS NOT NULL"
    assert not [body for (body,) in home.goatherd.query(bodies) if "whsec_" in body]


def test_an_address_inside_and_wrong_fields_are_refused(
    home: Tenant, subtests: pytest.Subtests
):
    addresses = (
        *("https://10.0.0.1/", "https://2130706433/", "https://[::ffff:10.0.0.1]/"),
        *("http://example.com/", "https://169.254.169.254/latest", "ftp://a.example"),
        *("https://ada:secret@example.com/", "https://0x7f.1/", "https://[fe80::1]/"),
    )
    refused = [({"url": url}, "/url") for url in addresses] + [
        ({"url": URL, "types": ["creator.eaten"]}, "/types"),
        ({"url": URL, "types": []}, "/types"),
        ({"url": URL, "signatures": ["v2"]}, "/signatures/0"),
        ({"url": URL, "filters": {"colour": "red"}}, "/filters/colour"),
        ({"url": URL, "secret": "mine"}, "/secret"),
    ]
    for body, path in refused:
        with subtests.test(str(body)):
            answer = home.post("/webhooks", body)
            assert code_of(answer) == (400, "invalid_body")
            assert answer.json()["meta"]["fields"][0]["path"] == path
    made = create(home)
    changed = home.patch(f"/webhooks/{made['id']}", {"url": "https://10.0.0.1/"})
    assert code_of(changed) == (400, "invalid_body")
    unknown = home.post("/webhooks", {"url": URL, "project_id": str(uuid4())})
    assert code_of(unknown) == (404, "not_found")


def test_a_change_needs_the_present_version_and_changes_what_is_sent(home: Tenant):
    made = create(home, description="Old", filters={"tag": "x"})
    path = f"/webhooks/{made['id']}"
    body = {"description": "", "filters": {}, "types": ["video.reviewed"]}

    stale = home.patch(path, {"enabled": False}, headers={"If-Match": '"7"'})
    changed = data_of(home.patch(path, body, headers={"If-Match": '"1"'}))
    off = data_of(home.patch(path, {"enabled": False}))
    alone = home.patch(path, {"from": "now"})
    on = data_of(home.patch(path, {"enabled": True, "from": "now"}))

    assert code_of(stale) == (412, "version_conflict")
    assert (changed["description"], changed["filters"]) == (None, None)
    assert changed["types"] == ["video.reviewed"]
    assert (off["enabled"], off["disabled_reason"]) == (False, "by_hand")
    assert code_of(alone) == (400, "invalid_body")
    assert on["enabled"]
    assert on["position"] > made["position"]


def test_a_removed_webhook_is_gone_with_its_secret_and_its_address(home: Tenant):
    made = create(home)
    path = f"/webhooks/{made['id']}"
    data_of(home.post(f"{path}/test"))

    assert data_of(home.delete(path)) == {"id": made["id"], "removed": True}
    assert code_of(home.get(path)) == (404, "not_found")
    assert code_of(home.get(f"{path}/deliveries")) == (404, "not_found")
    assert code_of(home.post(f"{path}/test")) == (404, "not_found")
    assert data_of(home.get("/webhooks")) == []
    left = home.goatherd.query(
        "SELECT webhook_id FROM webhook_secrets UNION ALL "
        "SELECT webhook_id FROM webhook_cursors UNION ALL "
        "SELECT webhook_id FROM webhook_deliveries"
    )
    assert made["id"] not in [str(webhook_id) for (webhook_id,) in left]
    created = home.goatherd.events(made["id"])[0]
    assert isinstance(created, e.WebhookCreated)
    assert created.url == "erased"
    with home.goatherd.store.pool.connection() as connection:
        faults = [*key_faults(connection, MASTER_KEY)]
    # The check of the log expects that its key is gone.
    assert made["id"] not in {str(id_) for fault in faults for id_ in fault.subjects}
    home.goatherd.catch_up()
    said = data_of(home.get("/audit", params={"event": "webhook_created"}))
    assert said[0]["summary"].startswith("Webhook to an address that is gone created")


def test_there_is_a_limit_to_the_webhooks_of_an_organization(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("domain.webhook.handlers.MOST_WEBHOOKS", 1)
    made = create(home)

    full = home.post("/webhooks", {"url": URL})
    home.delete(f"/webhooks/{made['id']}")

    assert code_of(full) == (402, "limit_reached")
    assert create(home, enabled=False)["disabled_reason"] == "by_hand"


def test_replays_need_an_order_and_times_with_a_zone(
    home: Tenant, subtests: pytest.Subtests
):
    path = f"/webhooks/{create(home)['id']}/replay"
    for body in (
        {"from": 9, "to": 8},
        {"from": "yesterday"},
        {"from": "2026-11-24T14:30:00"},
        {"from": -1},
        {"from": 1, "types": ["creator.eaten"]},
    ):
        with subtests.test(str(body)):
            assert code_of(home.post(path, body)) == (400, "invalid_body")
    replay = data_of(home.post(path, {"from": 5, "to": "9"}), status=202)
    assert (replay["from"], replay["to"], replay["types"]) == (5, 9, None)


def test_the_public_key_of_another_name_is_not_there(goatherd: Goatherd, home: Tenant):
    for name in (f"{home.organization_id}.json", f"{uuid4()}.json", "key.json", "key"):
        answer = goatherd.client.get(f"/.well-known/webhook-keys/{name}")
        assert code_of(answer) == (404, "not_found")


def test_answers_of_endpoints_are_wiped_with_an_erasure(home: Tenant):
    made = create(home)
    creator = home.add(f"goat.{uuid4().hex[:20]}")
    data_of(home.post(f"/webhooks/{made['id']}/test"))
    home.goatherd.query(
        "UPDATE webhook_deliveries SET answer = 'goat' WHERE webhook_id = %s",
        made["id"],
    )
    home.goatherd.catch_up()

    erased = {"confirm": creator["tiktok_handle"]}
    answer = home.post(f"/creators/{creator['id']}/erase", erased)

    assert answer.status_code == 200, answer.text
    (delivery,) = data_of(home.get(f"/webhooks/{made['id']}/deliveries"))
    assert delivery["answer"] is None
