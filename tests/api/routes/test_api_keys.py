"""API keys: issued once, working at once, refused within a second of being revoked."""

import hashlib
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.routes import api_keys
from domain import events as e
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    serving,
    stored_key,
)
from tests.kit.patience import at_most

REVOKED_WITHIN = 1.0
NEXT_YEAR = datetime(2999, 1, 1, tzinfo=UTC)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def issued(home: Tenant, **params: object) -> dict[str, Any]:
    return data_of(home.post("/api-keys", {"name": "Robot", **params}), status=201)


def test_a_key_is_issued_and_only_its_digest_is_kept(home: Tenant):
    head = home.goatherd.head

    answer = home.post(
        "/api-keys",
        {
            "name": "Robot",
            "scopes": ["admin", "read", "admin"],
            "expires_at": "2999-01-01T01:00:00+01:00",
        },
    )

    key = data_of(answer, status=201)
    text = key["api_key"]
    (recorded,) = home.goatherd.since(head)
    assert answer.json() == {
        "data": {
            "id": str(UUID(key["id"])),
            "name": "Robot",
            "api_key": text,
            "hint": text[-4:],
            "scopes": ["admin", "read"],
            "created_at": recorded.recorded_at.isoformat().replace("+00:00", "Z"),
            "expires_at": "2999-01-01T00:00:00Z",
            "owner": {"type": "organization", "id": str(home.organization_id)},
        },
        "error": None,
        "meta": None,
    }
    assert text.startswith("tga_")
    assert len(bytes.fromhex(text.removeprefix("tga_"))) == 32
    assert recorded.stream == home.organization_id
    assert recorded.event == e.ApiKeyCreated(
        key_id=UUID(key["id"]),
        name="Robot",
        digest=hashlib.sha256(text.encode()).hexdigest(),
        hint=text[-4:],
        scopes=("admin", "read"),
        expires_at=NEXT_YEAR,
    )
    assert recorded.actor == f"key:{home.key_id}"
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert text not in str(home.goatherd.query("SELECT k::text FROM api_keys k"))


def test_without_scopes_and_end_a_key_may_read_and_write_for_ever(home: Tenant):
    key = issued(home)

    assert key["scopes"] == ["read", "write"]
    assert key["expires_at"] is None


def test_a_new_key_opens_at_once_whatever_the_followers_do(home: Tenant):
    key = issued(home, scopes=["read"])

    answer = home.get("/creators", headers=bearer(key["api_key"]))
    refused = home.post("/projects", {"name": "x"}, headers=bearer(key["api_key"]))

    assert answer.status_code == 200
    assert code_of(refused) == (403, "insufficient_scope")


def test_keys_are_listed_newest_first_and_never_their_texts(home: Tenant):
    first, second = issued(home), issued(home, name="Other", scopes=["admin"])
    home.delete(f"/api-keys/{first['id']}")
    home.goatherd.catch_up()

    page = home.get("/api-keys", params={"limit": 2})
    rest = home.get("/api-keys", params={"cursor": page.json()["meta"]["nextCursor"]})

    newer, older = data_of(page)
    assert newer == {
        "id": second["id"],
        "name": "Other",
        "hint": second["hint"],
        "scopes": ["admin"],
        "created_at": second["created_at"],
        "expires_at": None,
        "revoked_at": None,
        "owner": {"type": "organization", "id": str(home.organization_id)},
    }
    assert older["id"] == first["id"]
    assert datetime.fromisoformat(older["revoked_at"]) > datetime.fromisoformat(
        older["created_at"]
    )
    assert [key["id"] for key in data_of(rest)] == [str(home.key_id)]
    assert "tga_" not in page.text + rest.text


def test_a_key_is_revoked_once(home: Tenant):
    key = issued(home)
    head = home.goatherd.head

    answer = home.delete(f"/api-keys/{key['id']}")
    kept = home.goatherd.kept()
    again = home.delete(f"/api-keys/{key['id']}")

    assert data_of(answer) == data_of(again) == {"id": key["id"], "revoked": True}
    (recorded,) = home.goatherd.since(head)
    assert recorded.event == e.ApiKeyRevoked(key_id=UUID(key["id"]))
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert int(again.headers["Goatherd-Position"]) == home.goatherd.head
    assert home.goatherd.kept() == kept


def test_a_revoked_key_is_refused_within_a_second_in_every_process(
    goatherd: Goatherd, home: Tenant
):
    robot = home.with_key("read")
    with serving(goatherd.url) as another_process:
        # Both have just looked the key up and remember it.
        assert robot.get("/creators").status_code == 200
        assert robot.get("/creators", client=another_process).status_code == 200

        home.delete(f"/api-keys/{robot.key_id}")
        revoked_at = time.monotonic()
        for client in (goatherd.client, another_process):
            while robot.get("/creators", client=client).status_code == 200:
                assert time.monotonic() - revoked_at < at_most(REVOKED_WITHIN)

        refused = robot.get("/creators", client=another_process)

    assert code_of(refused) == (401, "invalid_api_key")


def test_an_expired_key_is_refused(home: Tenant):
    expired = home.with_key(expires_at=datetime.now(UTC) - timedelta(milliseconds=1))
    living = home.with_key(expires_at=datetime.now(UTC) + timedelta(minutes=1))

    assert code_of(expired.get("/creators")) == (401, "invalid_api_key")
    assert living.get("/creators").status_code == 200


def test_a_key_may_revoke_itself(home: Tenant):
    robot = home.with_key("admin")

    answer = robot.delete(f"/api-keys/{robot.key_id}")

    assert answer.status_code == 200


def test_a_plan_says_how_many_keys_may_live_at_once(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    first = issued(home)
    issued(home)
    kept = goatherd.kept()

    refused = home.post("/api-keys", {"name": "One too many"})
    kept_after_refusal = goatherd.kept()
    home.delete(f"/api-keys/{first['id']}")
    accepted = home.post("/api-keys", {"name": "In its place"})

    assert refused.status_code == 402
    assert refused.json()["meta"] == {
        "code": "limit_reached",
        "requestId": refused.headers["X-Request-Id"],
        "limitKey": "max_api_keys_per_org",
        "current": 3,
        "max": 3,
    }
    assert kept_after_refusal == kept
    assert accepted.status_code == 201


@pytest.mark.parametrize(
    ("params", "path"),
    (
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["reed"]}, "/scopes/0"),
        ({"name": "x", "scopes": ["read"] * 4}, "/scopes"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "x", "expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
        ({"name": "x", "expires_at": "soon"}, "/expires_at"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-01:00"}, "/expires_at"),
        ({"name": "x", "expires_at": "0001-01-01T00:00:00+01:00"}, "/expires_at"),
        ({"name": "x", "api_key": "tga_" + "0" * 64}, "/api_key"),
    ),
)
def test_a_key_that_cannot_be_is_refused_by_field(
    home: Tenant, params: dict[str, Any], path: str
):
    kept = home.goatherd.kept()

    answer = home.post("/api-keys", params)

    assert code_of(answer) == (400, "invalid_body")
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == [path]
    assert home.goatherd.kept() == kept


def test_the_stored_answer_never_holds_the_text_and_yet_repeats_it(home: Tenant):
    headers = {"Idempotency-Key": str(uuid4())}
    params = {"name": "Robot"}

    first = home.post("/api-keys", params, headers=headers)
    again = home.post("/api-keys", params, headers=headers)

    text = data_of(first, status=201)["api_key"]
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert home.get("/creators", headers=bearer(text)).status_code == 200
    rows = home.goatherd.query(
        "SELECT body, i::text FROM idempotency i WHERE idempotency_key = %s",
        stored_key(headers),
    )
    ((body, row),) = rows
    assert text.encode() not in body
    assert text.removeprefix("tga_") not in row
    assert home.key.removeprefix("tga_") not in row


@pytest.mark.parametrize("scheme", ("bearer", "BEARER", "Bearer  "))
def test_the_text_is_repeated_however_the_asking_key_is_sent(home: Tenant, scheme: str):
    headers = {"Idempotency-Key": str(uuid4())}
    first = home.post("/api-keys", {"name": "Robot"}, headers=headers)

    again = home.post(
        "/api-keys",
        {"name": "Robot"},
        headers={**headers, "Authorization": f"{scheme} {home.key}"},
    )

    assert again.content == first.content


def test_texts_cannot_be_told_from_one_another(home: Tenant):
    texts = {
        issued_text
        for number in range(3)
        for issued_text in (
            issued(home)["api_key"],
            data_of(
                home.post(
                    "/api-keys",
                    {"name": "Robot"},
                    headers={"Idempotency-Key": f"{home.key_id} {number}"},
                ),
                status=201,
            )["api_key"],
        )
    }

    assert len(texts) == 6


@pytest.mark.parametrize("headers", ({}, {"Idempotency-Key": "named like a key"}))
def test_a_name_that_looks_like_a_text_stays_a_name(
    home: Tenant, headers: dict[str, str]
):
    name = "tga_" + "*" * 64

    answer = home.post("/api-keys", {"name": name}, headers=headers)

    key = data_of(answer, status=201)
    assert key["name"] == name
    assert home.get("/creators", headers=bearer(key["api_key"])).status_code == 200


def test_an_answer_is_repeated_even_after_the_key_it_issued_has_expired(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=1)

    ends_at = datetime.now(UTC) + timedelta(hours=1)
    params = {"name": "Short", "expires_at": ends_at.isoformat()}
    headers = {"Idempotency-Key": str(uuid4())}
    first = home.post("/api-keys", params, headers=headers)

    monkeypatch.setattr(api_keys, "datetime", Tomorrow)
    again = home.post("/api-keys", params, headers=headers)
    anew = home.post("/api-keys", params)

    assert first.status_code == 201
    assert again.content == first.content
    assert code_of(anew) == (400, "invalid_body")
