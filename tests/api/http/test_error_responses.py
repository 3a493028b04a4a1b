import logging
import subprocess
import sys
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.http import errors as api_errors
from api.http.errors import Code
from domain import errors
from domain.annotation import errors as annotation_errors
from domain.campaign import errors as campaign_errors
from tests.kit.tiny_app import Keyring, tiny_app

NOTES = "/api/v1/notes"
PROBLEM = "application/problem+json"


def test_a_success_has_data_and_no_error(tiny: TestClient[Litestar]):
    answer = tiny.get("/api/v1/echo")

    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json()) == {"data", "error", "meta"}
    assert answer.json()["error"] is None


def test_times_are_iso_8601_in_utc(tiny: TestClient[Litestar]):
    (note,) = tiny.get(NOTES).json()["data"]

    assert note["created_at"] == "2026-11-24T14:30:00Z"


@pytest.mark.parametrize(
    ("kind", "status", "sentence", "meta"),
    (
        (
            "limit",
            402,
            "The plan allows 5 notes, and there are 5 already.",
            {
                "code": "limit_reached",
                "limitKey": "max_notes",
                "current": 5,
                "max": 5,
            },
        ),
        (
            "window",
            400,
            "tracking_end_date must not be before tracking_start_date.",
            {
                "code": "invalid_body",
                "fields": [
                    {
                        "path": "/tracking_end_date",
                        "message": "tracking_end_date must not be before "
                        "tracking_start_date.",
                    }
                ],
            },
        ),
        (
            "stale",
            412,
            "The version is now 8; read again and retry.",
            {"code": "version_conflict", "currentVersion": 8},
        ),
        (
            "taken",
            409,
            "@ada is taken in this project.",
            {"code": "handle_taken"},
        ),
        ("gone", 410, "Use GET /api/v1/analytics instead.", {"code": "gone"}),
        ("library", 503, Code.UNAVAILABLE.example, {"code": "unavailable"}),
        ("pool", 503, Code.UNAVAILABLE.example, {"code": "unavailable"}),
        ("unforeseen", 500, Code.INTERNAL_ERROR.example, {"code": "internal_error"}),
    ),
)
def test_a_failure_has_a_sentence_and_a_code(
    tiny: TestClient[Litestar],
    kind: str,
    status: int,
    sentence: str,
    meta: dict[str, object],
):
    answer = tiny.get(f"/api/v1/fail/{kind}", headers={"X-Request-Id": "r-1"})

    assert answer.status_code == status
    assert answer.json() == {
        "data": None,
        "error": sentence,
        "meta": {**meta, "requestId": "r-1"},
    }


def test_every_refusal_of_the_domain_has_a_code_of_the_table():
    refusals = {
        error
        for module in (errors, campaign_errors, annotation_errors)
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, errors.DomainError)
    }

    assert refusals
    assert {error.code for error in refusals} <= {*Code}


def test_what_nobody_foresaw_is_logged_under_the_request_id_and_stays_inside(
    tiny: TestClient[Litestar], caplog: pytest.LogCaptureFixture
):
    answer = tiny.get("/api/v1/fail/unforeseen", headers={"X-Request-Id": "r-2"})

    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "hunter2" in caplog.text
    assert vars(record)["request_id"] == "r-2"
    assert vars(record)["route"] == "/api/v1/fail/{kind}"
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text


def test_a_service_that_is_away_is_logged_without_telling_the_client_where_it_was(
    tiny: TestClient[Litestar], caplog: pytest.LogCaptureFixture
):
    answer = tiny.get("/api/v1/fail/pool")

    assert answer.headers["Retry-After"] == "1"
    assert "10.1.2.3" in caplog.text
    assert "10.1.2.3" not in answer.text


def test_a_connection_that_was_cut_is_left_to_the_line_about_the_outage(
    tiny: TestClient[Litestar], caplog: pytest.LogCaptureFixture
):
    answer = tiny.get("/api/v1/fail/library")

    assert answer.headers["Retry-After"] == "1"
    assert "10.1.2.3" not in caplog.text
    assert "10.1.2.3" not in answer.text


@pytest.mark.parametrize(
    "accept",
    (
        PROBLEM,
        "Application/Problem+JSON",
        f"application/json, {PROBLEM}",
        f"{PROBLEM};q=0.5, */*;q=0.1",
    ),
)
def test_a_failure_is_a_problem_for_whoever_accepts_one(
    tiny: TestClient[Litestar], accept: str
):
    headers = {"Accept": accept, "X-Request-Id": "r-3"}

    answer = tiny.get("/api/v1/fail/limit", headers=headers)

    assert answer.status_code == 402
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.headers["Vary"] == "Accept"
    assert answer.json() == {
        "type": "/docs/errors#limit_reached",
        "title": Code.LIMIT_REACHED.meaning,
        "status": 402,
        "detail": "The plan allows 5 notes, and there are 5 already.",
        "instance": "urn:request:r-3",
        "code": "limit_reached",
        "requestId": "r-3",
        "limitKey": "max_notes",
        "current": 5,
        "max": 5,
    }


@pytest.mark.parametrize(
    "accept", ("*/*", "application/json", f"{PROBLEM};q=0", f"{PROBLEM}x")
)
def test_a_failure_is_an_envelope_for_everybody_else(
    tiny: TestClient[Litestar], accept: str
):
    answer = tiny.get("/api/v1/fail/limit", headers={"Accept": accept})

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["data"] is None


def test_a_success_is_an_envelope_whatever_is_accepted(tiny: TestClient[Litestar]):
    answer = tiny.get("/api/v1/echo", headers={"Accept": PROBLEM})

    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path", ("/", "/nothing", "/api", "/api/v1", "/api/v1/nothing", "/api/v1/names")
)
def test_an_unknown_address_is_not_found(tiny: TestClient[Litestar], path: str):
    answer = tiny.get(path)

    assert answer.status_code == 404
    assert answer.json()["error"] == "There is nothing at this address."
    assert answer.json()["meta"]["code"] == "not_found"


def test_a_foreign_thing_is_answered_like_one_that_never_was(
    tiny: TestClient[Litestar],
):
    one, other = (
        tiny.get(f"{NOTES}/{UUID(int=n)}", headers={"X-Request-Id": "r"})
        for n in (5, 6)
    )

    assert (one.status_code, one.json()) == (other.status_code, other.json())
    assert one.json()["error"] == "No such note."


def test_a_method_that_an_address_does_not_have_is_named_with_those_it_has(
    tiny: TestClient[Litestar],
):
    answer = tiny.put(NOTES)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "OPTIONS", "POST"}
    assert answer.json()["meta"]["code"] == "method_not_allowed"


def test_the_methods_of_an_address_can_be_asked_for_without_a_key(keyring: Keyring):
    with TestClient(tiny_app(keyring)) as client:
        answer = client.options(NOTES)

    assert answer.status_code == 204
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    "path", ("/api/v1/echo", "/nothing", "/api/v1/fail/unforeseen", NOTES)
)
@pytest.mark.parametrize("given", ("r-1", "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"))
def test_the_request_id_comes_back_with_every_answer(
    tiny: TestClient[Litestar], path: str, given: str
):
    answer = tiny.get(path, headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", (None, "", "a b", "x" * 129, "<script>", "é"))
def test_without_a_usable_request_id_there_is_a_new_one(
    tiny: TestClient[Litestar], given: str | None
):
    headers = {} if given is None else {b"X-Request-Id": given.encode()}

    first, second = (tiny.get("/api/v1/echo", headers=headers) for _ in range(2))

    assert UUID(first.headers["X-Request-Id"]).version == 7
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_what_is_stored_because_of_a_request_can_be_found_by_its_id(
    tiny: TestClient[Litestar],
):
    ours, theirs, again = (
        tiny.get("/api/v1/echo", headers=headers).json()["data"]
        for headers in ({}, {"X-Request-Id": "r-4"}, {"X-Request-Id": "r-4"})
    )

    assert ours[0] == ours[1]
    assert theirs == again
    assert theirs[0] == "r-4"
    assert UUID(theirs[1]).version == 5


@pytest.mark.parametrize(
    "path",
    (
        "/api/v1/echo",
        "/nothing",
        "/api/v1/fail/unforeseen",
        NOTES,
        "/health/live",
        "/docs",
    ),
)
def test_a_browser_is_told_to_distrust_every_answer(
    tiny: TestClient[Litestar], path: str
):
    answer = tiny.get(path)

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("frame-ancestors 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_over_tls_a_browser_is_told_to_stay_there(tiny: TestClient[Litestar]):
    secure = tiny.get("https://goats.example/api/v1/echo")
    plain = tiny.get("http://goats.example/api/v1/echo")

    name = "Strict-Transport-Security"
    assert (name in secure.headers, name in plain.headers) == (True, False)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    (("https://app.example", "https://app.example"), ("https://evil.example", None)),
)
def test_only_configured_sites_may_call_the_api_from_a_browser(
    keyring: Keyring, origin: str, allowed: str | None
):
    app = tiny_app(keyring, cors_origins=["https://app.example"])
    headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}

    with TestClient(app) as client:
        preflight = client.options(NOTES, headers=headers)
        answer = client.get("/api/v1/echo", headers={"Origin": origin})

    name = "Access-Control-Allow-Origin"
    assert preflight.headers.get(name) == allowed
    assert answer.headers.get(name) == allowed
    if allowed:
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


def test_the_table_of_codes_is_the_contracts():
    by_status: dict[int, set[str]] = {}
    for code in Code:
        by_status.setdefault(code.status, set()).add(str(code))

    assert by_status == {
        400: {
            "invalid_query",
            "invalid_body",
            "invalid_params",
            "invalid_cursor",
            "body_too_deep",
        },
        401: {"invalid_api_key"},
        402: {"limit_reached", "retention_exceeded"},
        # The contract has keys and no people: decision 79.
        403: {
            "insufficient_scope",
            "operator_only",
            "person_required",
            "recent_proof_required",
            "second_factor_required",
            "owners_only",
            "another_address",
            "view_of_another",
        },
        404: {"not_found"},
        405: {"method_not_allowed"},
        # The contract has no code for a body that does not come.
        408: {"request_timeout"},
        409: {
            "handle_taken",
            "creator_banned",
            "creator_removed",
            "invalid_handle",
            "no_change",
            "mail_not_set_up",
            "no_contact_address",
            "opted_out",
            "campaign_cycle",
            "campaign_too_deep",
            "already_member",
            "last_project",
            "project_archived",
            "item_removed",
            "other_project",
            "system_annotation",
            # Views came after the contract.
            "built_in_view",
            "alert_over",
            "report_stopped",
            "idempotency_conflict",
            "idempotency_in_flight",
            # The contract has no code for it: decision 25.
            "cannot_rebuild",
            # Nor for this: decision 33.
            "cannot_retry",
            # Nor for this: decision 52.
            "consent_refused",
            # Nor for these: what erasing and moving refuse.
            "account_in_project",
            "erased_and_banned",
            # Nor for people: decision 79.
            "email_taken",
            "last_owner",
            "last_sign_in_method",
            "already_invited",
            "has_owner",
            "no_password_link",
        },
        410: {"gone"},
        412: {"version_conflict"},
        413: {"body_too_large"},
        415: {"unsupported_media_type"},
        # Nor for logos of reports.
        422: {"idempotency_key_reused", "invalid_logo"},
        429: {"rate_limit_exceeded"},
        500: {"internal_error"},
        501: {"pdf_not_installed"},
        503: {"projection_behind", "unavailable"},
    }


def test_the_table_of_codes_can_be_printed():
    printed = subprocess.run(
        [sys.executable, "-m", "api.http.errors"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert printed == api_errors.markdown()
    assert "| 404 | `not_found` |" in printed
    assert printed.count("\n") == len(Code) + 2
