"""Positions: reading what was just written, once the followers are there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from projections.engine import reader
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.operations import ask_for, ids_of, operations
from tests.kit.patience import PATIENTLY, at_most

# The code has the first two answers, and news are stored together with what they tell
# of: there is no position to wait for.
STATIC = {"getAnalyticsSchema", "listEventTypes", "listNotifications"}
GETS = [
    operation.id
    for operation in operations().values()
    if operation.method == "GET"
    and operation.id not in STATIC
    and not operation.details.get("deprecated")
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PATIENCE_SECONDS", 0.05)


def at_least(position: int | str) -> dict[str, str]:
    return {"Goatherd-Min-Position": str(position)}


@pytest.mark.usefixtures("impatient")
def test_every_read_waits_for_the_position_it_is_given(
    home: Tenant, subtests: pytest.Subtests
):
    ids = ids_of(home)
    written = home.post("/projects", {"name": "The newest"})
    asks = {id_: ask_for(operations()[id_], ids) for id_ in GETS}
    for ask in asks.values():
        ask.headers = at_least(written.headers["Goatherd-Position"])

    behind = {id_: ask.made_by(home) for id_, ask in asks.items()}
    home.goatherd.catch_up()
    caught_up = {id_: ask.made_by(home) for id_, ask in asks.items()}

    for operation_id in GETS:
        with subtests.test(operation_id):
            assert code_of(behind[operation_id]) == (503, "projection_behind")
            assert behind[operation_id].headers["Retry-After"] == "1"
            # The creator was not erased, so there are no remains to look for.
            status = 404 if operation_id == "findErasureRemains" else 200
            assert caught_up[operation_id].status_code == status


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("late", ("creator_list", "scrape_runs"))
def test_a_read_waits_for_each_read_model_it_looks_into(home: Tenant, late: str):
    written = home.post(home.creators, {"tiktok_handle": "new.goat"})
    path = f"/creators/{data_of(written, status=201)['id']}/scrapes"
    position = at_least(written.headers["Goatherd-Position"])

    home.goatherd.catch_up(but=late)
    behind = home.get(path, headers=position)
    home.goatherd.catch_up()
    level = home.get(path, headers=position)

    assert code_of(behind) == (503, "projection_behind")
    assert len(data_of(level)) == 2


def test_a_read_that_waits_is_answered_as_soon_as_the_follower_is_there(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reader, "PATIENCE_SECONDS", PATIENTLY)
    written = home.post(home.creators, {"tiktok_handle": "new.goat"})
    waiting = _set_when_waiting(monkeypatch)
    creator_id = data_of(written, status=201)["id"]

    with ThreadPoolExecutor(1) as threads:
        read = threads.submit(
            home.get,
            f"/creators/{creator_id}",
            headers=at_least(written.headers["Goatherd-Position"]),
        )
        assert waiting.wait(PATIENTLY)
        assert not read.done()
        home.goatherd.catch_up()
        caught_up_at = monotonic()
        answer = read.result(PATIENTLY)

    assert data_of(answer) == data_of(written, status=201)
    assert monotonic() - caught_up_at < at_most(1)


def test_a_read_waits_two_seconds_and_no_longer(home: Tenant):
    home.post("/projects", {"name": "The newest"})
    written = home.goatherd.head
    begun_at = monotonic()

    answer = home.get("/creators", headers=at_least(written))

    assert 2 <= monotonic() - begun_at < at_most(4)
    assert code_of(answer) == (503, "projection_behind")


@pytest.mark.parametrize("beyond", (1, 10**9))
def test_a_position_beyond_the_log_is_refused_at_once(goatherd: Goatherd, beyond: int):
    operator = goatherd.tenant(is_operator=True)
    other = goatherd.tenant()
    position = at_least(goatherd.head + beyond)

    refused = operator.get("/creators", headers=position)
    answered = other.get("/creators", headers=position)

    assert code_of(refused) == (400, "invalid_params")
    assert refused.json()["meta"]["fields"] == [
        {
            "path": "/Goatherd-Min-Position",
            "message": "must be at most the position of the newest event",
        }
    ]
    # Other organizations learn nothing about the length of the log.
    assert answered.status_code == 200


@pytest.mark.parametrize("position", ("0", "1", "000000000000000001"))
def test_a_position_that_was_reached_long_ago_is_no_wait(
    goatherd: Goatherd, home: Tenant, position: str
):
    goatherd.catch_up()

    answer = home.get("/creators", headers=at_least(position))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "position", ("x", "-1", "1.0", "+1", "0x1", "1 2", "9" * 19, "\N{SUPERSCRIPT TWO}")
)
def test_what_is_no_position_is_refused(home: Tenant, position: str):
    answer = home.goatherd.client.get(
        "/api/v1/creators",
        headers={
            b"Authorization": f"Bearer {home.key}".encode(),
            b"Goatherd-Min-Position": position.encode("latin-1"),
        },
    )

    assert code_of(answer) == (400, "invalid_params")
    assert answer.json()["meta"]["fields"][0]["path"] == "/Goatherd-Min-Position"


def test_what_is_no_position_is_refused_where_there_is_nothing_to_wait_for(
    home: Tenant,
):
    for operation_id in sorted(STATIC):
        path = operations()[operation_id].path
        refused = home.get(path, headers=at_least("x"))
        answered = home.get(path, headers=at_least(1))

        assert code_of(refused) == (400, "invalid_params"), operation_id
        assert answered.status_code == 200


@pytest.mark.usefixtures("impatient")
def test_a_missing_creator_is_behind_before_it_is_not_found(home: Tenant):
    written = home.post(home.creators, {"tiktok_handle": "new.goat"})
    path = f"/creators/{data_of(written, status=201)['id']}"

    without = home.get(path)
    behind = home.get(path, headers=at_least(written.headers["Goatherd-Position"]))

    assert code_of(without) == (404, "not_found")
    assert code_of(behind) == (503, "projection_behind")


def _set_when_waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that is set once a read has begun to wait."""
    waiting = threading.Event()
    wait_for = reader.Reader.wait_for

    async def tell_and_wait(
        self: reader.Reader,
        name: str,
        position: int,
        **options: Any,  # noqa: ANN401
    ) -> None:
        waiting.set()
        await wait_for(self, name, position, **options)

    monkeypatch.setattr(reader.Reader, "wait_for", tell_and_wait)
    return waiting
