"""Idempotency keys: asking twice is the same as asking once."""

import hmac
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain import events as e
from tests.kit.application import (
    SECRET,
    Goatherd,
    Tenant,
    code_of,
    data_of,
    stored_key,
)
from tests.kit.builders import log_of
from tests.kit.operations import Things, operations

POSTS = [
    (operation.id, example)
    for operation in operations().values()
    if operation.method == "POST"
    for example in range(max(1, len(operation.bodies)))
]


@pytest.fixture
def once() -> dict[str, str]:
    """The header of a request that is to have its effect once."""
    return {"Idempotency-Key": str(uuid4())}


def handles(home: Tenant) -> list[str]:
    """The handles of all creators that were ever added, as often as they were."""
    events = [each.event for each in log_of(home.goatherd.store, e.CreatorAdded)]
    return [
        event.handle
        for event in events
        if isinstance(event, e.CreatorAdded)
        and event.organization_id == home.organization_id
    ]


def assert_replays(again: httpx.Response, first: httpx.Response) -> None:
    assert again.status_code == first.status_code
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    for name in ("Content-Type", "ETag", "Goatherd-Position"):
        assert again.headers.get(name) == first.headers.get(name)
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_every_post_is_answered_twice_and_done_once(
    goatherd: Goatherd, subtests: pytest.Subtests
):
    things = Things(goatherd)
    for operation_id, example in POSTS:
        with subtests.test(operation_id, example=example):
            send, first = things.request_and_answer(
                operations()[operation_id],
                example=example,
                headers={"Idempotency-Key": str(uuid4())},
            )
            kept = goatherd.kept()
            again = send()

            assert first.status_code in {200, 201, 202}
            assert_replays(again, first)
            assert goatherd.kept() == kept


def test_there_is_an_example_for_every_post():
    assert len(POSTS) >= 7


def test_without_a_key_everything_is_done_again(home: Tenant):
    answers = [home.post("/projects", {"name": "Alps"}) for _ in range(2)]

    first, second = (data_of(answer, status=201)["id"] for answer in answers)
    assert first != second


@pytest.mark.parametrize(
    ("body", "code"),
    (
        ({"tiktok_handle": "taken.goat"}, (409, "handle_taken")),
        ({"tiktok_handle": "not a handle"}, (409, "invalid_handle")),
        (
            {
                "tiktok_handle": "late.goat",
                "tracking_start_date": "2026-02-02",
                "tracking_end_date": "2026-02-01",
            },
            (400, "invalid_body"),
        ),
    ),
)
def test_a_refusal_that_time_does_not_heal_is_repeated(
    home: Tenant, once: dict[str, str], body: dict[str, Any], code: tuple[int, str]
):
    taken = home.add("taken.goat")

    first = home.post(home.creators, body, headers=once)
    home.delete(f"/creators/{taken['id']}")
    again = home.post(home.creators, body, headers=once)

    assert code_of(first) == code
    assert_replays(again, first)


def test_a_refusal_is_repeated_in_the_form_it_was_first_given(
    home: Tenant, once: dict[str, str]
):
    body = {"tiktok_handle": "not a handle"}
    problem = {"Accept": "application/problem+json"}

    first = home.post(home.creators, body, headers={**once, **problem})
    again = home.post(home.creators, body, headers={**once, **problem})
    otherwise = home.post(home.creators, body, headers=once)

    assert first.headers["Content-Type"] == "application/problem+json"
    assert_replays(again, first)
    assert_replays(otherwise, first)


def test_what_never_came_to_a_command_is_not_repeated(
    home: Tenant, once: dict[str, str]
):
    malformed = home.post(home.creators, {"handle": "goat"}, headers=once)
    forbidden = home.with_key("read").post(
        home.creators, {"tiktok_handle": "goat"}, headers=once
    )
    closed = home.goatherd.tenant(plan="closed")
    kept = home.goatherd.kept()
    too_many = closed.post("/projects", {"name": "Alps"}, headers=once)
    kept_after_refusal = home.goatherd.kept()

    accepted = home.post(home.creators, {"tiktok_handle": "goat"}, headers=once)

    assert code_of(malformed) == (400, "invalid_body")
    assert code_of(forbidden) == (403, "insufficient_scope")
    assert code_of(too_many) == (429, "rate_limit_exceeded")
    assert kept_after_refusal == kept
    assert accepted.status_code == 201
    assert "Idempotent-Replayed" not in accepted.headers


def test_a_key_belongs_to_its_first_route(home: Tenant, once: dict[str, str]):
    data_of(home.post("/projects", {"name": "Alps"}, headers=once), status=201)
    other = data_of(home.post("/projects", {"name": "Andes"}), status=201)
    kept = home.goatherd.kept()

    answers = [
        home.post("/api-keys", {"name": "Alps"}, headers=once),
        home.post(home.creators, {"tiktok_handle": "goat"}, headers=once),
        home.post(
            f"/projects/{other['id']}/creators",
            {"tiktok_handle": "goat"},
            headers=once,
        ),
    ]

    assert {code_of(answer) for answer in answers} == {(409, "idempotency_conflict")}
    assert "POST /api/v1/projects" in answers[0].json()["error"]
    assert home.goatherd.kept() == kept


def test_a_key_belongs_to_its_first_body(home: Tenant, once: dict[str, str]):
    first = home.post("/projects", {"name": "Alps"}, headers=once)
    kept = home.goatherd.kept()

    other = home.post("/projects", {"name": "Andes"}, headers=once)
    same = home.post("/projects", {"name": "Alps"}, headers=once)

    assert code_of(other) == (422, "idempotency_key_reused")
    assert_replays(same, first)
    assert home.goatherd.kept() == kept


def test_a_key_is_worth_nothing_to_others(
    home: Tenant, stranger: Tenant, once: dict[str, str]
):
    colleague = home.with_key()

    ids = {
        data_of(tenant.post("/projects", {"name": "Alps"}, headers=once), status=201)[
            "id"
        ]
        for tenant in (home, stranger, colleague)
    }

    assert len(ids) == 3


def test_a_key_is_forgotten_after_a_day(home: Tenant, once: dict[str, str]):
    first = home.post("/projects", {"name": "Alps"}, headers=once)
    age = (
        "UPDATE idempotency SET created_at = created_at - interval '1 hour' * %s "
        "WHERE idempotency_key = %s"
    )

    home.goatherd.query(age, 23.99, stored_key(once))
    within = home.post("/projects", {"name": "Alps"}, headers=once)
    home.goatherd.query(age, 0.02, stored_key(once))
    after = home.post("/projects", {"name": "Andes"}, headers=once)
    again = home.post("/projects", {"name": "Andes"}, headers=once)

    assert_replays(within, first)
    assert data_of(after, status=201)["name"] == "Andes"
    assert_replays(again, after)


@pytest.mark.parametrize(
    ("key", "same"),
    (
        ("a", '"a"'),
        ("x" * 255, f'"{"x" * 255}"'),
        ("!#~", " !#~ \t"),
        ('say "goat"', ' say "goat"'),
        ("0192f0c1-7a5e", "0192f0c1-7a5e"),
    ),
)
def test_a_key_may_be_any_printable_text_with_or_without_quotes(
    home: Tenant, key: str, same: str
):
    first = home.post("/projects", {"name": "A"}, headers={"Idempotency-Key": key})

    again = home.post("/projects", {"name": "A"}, headers={"Idempotency-Key": same})

    assert first.status_code == 201
    assert_replays(again, first)


@pytest.mark.parametrize(
    "key", (b"x" * 256, b"\x7f", b"a\tb", b"g\xf6at", b'""', b" ", b"")
)
def test_a_key_that_is_none_is_refused(home: Tenant, key: bytes):
    kept = home.goatherd.kept()

    answer = home.goatherd.client.post(
        "/api/v1/projects",
        json={"name": "A"},
        headers={
            b"Authorization": f"Bearer {home.key}".encode(),
            b"Idempotency-Key": key,
        },
    )

    assert code_of(answer) == (400, "invalid_params")
    assert answer.json()["meta"]["fields"][0]["path"] == "/Idempotency-Key"
    assert home.goatherd.kept() == kept


def test_of_fifty_at_once_one_has_the_effect(home: Tenant, once: dict[str, str]):
    body = {"tiktok_handle": "wanted.goat"}

    with ThreadPoolExecutor(50) as threads:
        answers = list(
            threads.map(
                lambda _: home.post(home.creators, body, headers=once), range(50)
            )
        )

    first = [
        a
        for a in answers
        if a.status_code == 201 and "Idempotent-Replayed" not in a.headers
    ]
    rest = [a for a in answers if a not in first]
    assert len(first) == 1
    for answer in rest:
        if answer.status_code == 201:
            assert_replays(answer, first[0])
        else:
            assert code_of(answer) == (409, "idempotency_in_flight")
            assert answer.headers["Retry-After"] == "1"
    assert handles(home) == ["wanted.goat"]


def test_of_fifty_that_add_the_same_handle_one_does(home: Tenant):
    body = {"tiktok_handle": "wanted.goat"}

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: home.post(home.creators, body), range(50)))

    codes = [code_of(answer) for answer in answers]
    assert sorted(codes, key=str) == [(201, None)] + [(409, "handle_taken")] * 49
    assert handles(home) == ["wanted.goat"]
    assert home.counted == 1


def test_bulk_additions_that_race_never_pass_the_plans_limit(goatherd: Goatherd):
    for _ in range(8):
        home = goatherd.tenant(plan="free")
        home.add("first.goat")
        bodies = [
            {"creators": [{"tiktok_handle": f"{name}{n}"} for n in range(3)]}
            for name in ("goat", "kid")
        ]

        with ThreadPoolExecutor(2) as threads:
            answers = threads.map(partial(home.post, home.creators), bodies)
            codes = sorted(map(code_of, answers), key=str)

        assert codes == [(201, None), (402, "limit_reached")]
        assert len(handles(home)) == home.counted == 4


def test_no_text_of_a_key_is_kept_and_keys_of_before_are_known_for_their_day(
    home: Tenant,
):
    old, new = ({"Idempotency-Key": f"add @{name}.goat"} for name in ("old", "new"))
    first = home.post("/projects", {"name": "Alps"}, headers=old)
    home.post("/projects", {"name": "Alps"}, headers=new)
    kept = home.goatherd.query("SELECT i::text FROM idempotency i")
    # As the upgrade leaves a key of before.
    plain = f"sha256:{sha256(old['Idempotency-Key'].encode()).hexdigest()}"
    query = "UPDATE idempotency SET idempotency_key = %s WHERE idempotency_key = %s"
    home.goatherd.query(query, plain, stored_key(old))

    again = home.post("/projects", {"name": "Alps"}, headers=old)
    otherwise = home.post("/projects", {"name": "Andes"}, headers=old)
    home.goatherd.query(
        "UPDATE idempotency SET created_at = created_at - interval '25 hours' "
        "WHERE idempotency_key = %s",
        plain,
    )
    later = home.post("/projects", {"name": "Andes"}, headers=old)

    assert not [row for (row,) in kept if ".goat" in row]
    assert_replays(again, first)
    assert code_of(otherwise) == (422, "idempotency_key_reused")
    assert data_of(later, status=201)["name"] == "Andes"


def test_nobody_can_try_handles_on_what_is_kept_of_a_request(
    home: Tenant, once: dict[str, str]
):
    answer = home.post(home.creators, {"tiktok_handle": "guessed.goat"}, headers=once)
    request = answer.request
    said = b"\n".join((request.url.raw_path, b"", request.content))

    (row,) = home.goatherd.query(
        "SELECT fingerprint FROM idempotency WHERE idempotency_key = %s",
        stored_key(once),
    )

    assert row[0] != sha256(said).digest()
    assert row[0] == hmac.digest(SECRET.strip().encode(), said, "sha256")
