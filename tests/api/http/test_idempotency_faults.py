"""Idempotency keys when something breaks between the question and the answer."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import psycopg_pool
import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra import idempotency
from infra.eventstore.store import BusyError, RecordedEvent, Store
from tests.kit.application import Tenant, code_of, data_of, stored_key
from tests.kit.patience import PATIENTLY

BODY = {"tiktok_handle": "wanted.goat"}


@pytest.fixture
def once() -> dict[str, str]:
    """The header of a request that is to have its effect once."""
    return {"Idempotency-Key": str(uuid4())}


def stored_under(home: Tenant, once: dict[str, str]) -> list[int | None]:
    rows = home.goatherd.query(
        "SELECT status FROM idempotency WHERE idempotency_key = %s",
        stored_key(once),
    )
    return [status for (status,) in rows]


def end_leases(home: Tenant) -> None:
    """Let the lease of the process that works on a request pass."""
    let_pass(home, idempotency.LEASE_SECONDS)


def let_pass(home: Tenant, seconds: float) -> None:
    """Let leases be so much older; less than 0: the database's clock is set back."""
    home.goatherd.query(
        "UPDATE idempotency SET lease_until = lease_until - make_interval(secs => %s)",
        seconds,
    )


@pytest.mark.parametrize(
    ("error", "code"),
    (
        (psycopg.OperationalError("connection lost"), (503, "unavailable")),
        (psycopg_pool.PoolTimeout("no connection"), (503, "unavailable")),
        (BusyError("too many"), (503, "unavailable")),
        (RuntimeError("a bug"), (500, "internal_error")),
    ),
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("step", ("load", "append"))
def test_what_failed_here_is_not_stored_and_can_be_tried_again(
    home: Tenant,
    once: dict[str, str],
    step: str,
    error: Exception,
    code: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*_: object, **__: object) -> None:
        raise error

    kept = home.goatherd.kept()
    with monkeypatch.context() as patched:
        patched.setattr(Store, step, fail)
        failed = home.post(home.creators, BODY, headers=once)
    kept_after_failure = home.goatherd.kept()

    retried = home.post(home.creators, BODY, headers=once)
    again = home.post(home.creators, BODY, headers=once)

    assert code_of(failed) == code
    assert kept_after_failure == kept
    assert retried.status_code == 201
    assert "Idempotent-Replayed" not in retried.headers
    assert again.content == retried.content
    assert home.counted == 1


def test_an_append_whose_answer_cannot_be_kept_did_not_happen(
    home: Tenant, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no room")

    kept = home.goatherd.kept()
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "store_response", fail)
        failed = home.post(home.creators, BODY, headers=once)

    assert failed.status_code == 500
    assert home.goatherd.kept() == kept
    assert home.post(home.creators, BODY, headers=once).status_code == 201


@pytest.mark.parametrize(
    "seconds",
    (idempotency.LEASE_SECONDS, -3_600),
    ids=("it ends", "the clock is set back"),
)
def test_a_request_whose_process_died_is_in_flight_until_its_lease_ends(
    home: Tenant,
    once: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
):
    with monkeypatch.context() as patched:
        # As little is done after a claim as when the process is killed then.
        patched.setattr(idempotency, "release", _nothing)
        patched.setattr(Store, "load", _killed)
        home.post(home.creators, BODY, headers=once)

    early = home.post(home.creators, BODY, headers=once)
    let_pass(home, seconds)
    late = home.post(home.creators, BODY, headers=once)

    assert code_of(early) == (409, "idempotency_in_flight")
    assert early.headers["Retry-After"] == "1"
    assert late.status_code == 201
    assert stored_under(home, once) == [201]
    assert home.counted == 1


def test_an_abandoned_request_is_only_taken_over_by_itself(
    home: Tenant, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "release", _nothing)
        patched.setattr(Store, "load", _killed)
        home.post(home.creators, BODY, headers=once)
    end_leases(home)

    other_body = home.post(home.creators, {"tiktok_handle": "kid"}, headers=once)
    other_route = home.post("/projects", {"name": "Kids"}, headers=once)

    assert code_of(other_body) == (422, "idempotency_key_reused")
    assert code_of(other_route) == (409, "idempotency_conflict")


def test_whoever_was_taken_over_has_no_effect(
    home: Tenant, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    begun, go_on = threading.Event(), threading.Event()
    load = Store.load

    def stall(self: Store, *streams: UUID) -> dict[UUID, list[RecordedEvent]]:
        monkeypatch.setattr(Store, "load", load)
        begun.set()
        assert go_on.wait(PATIENTLY)
        return load(self, *streams)

    monkeypatch.setattr(Store, "load", stall)
    with ThreadPoolExecutor(1) as threads:
        stalled = threads.submit(home.post, home.creators, BODY, headers=once)
        assert begun.wait(PATIENTLY)
        end_leases(home)
        taken_over = home.post(home.creators, BODY, headers=once)
        go_on.set()
        late = stalled.result(PATIENTLY)

    assert taken_over.status_code == 201
    # It found the handle taken, and may not say so in place of the answer there is.
    assert code_of(late) == (503, "unavailable")
    assert home.counted == 1
    again = home.post(home.creators, BODY, headers=once)
    assert again.content == taken_over.content


def test_whoever_was_taken_over_in_the_middle_of_the_append_takes_it_back(
    home: Tenant, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    keep = idempotency.store_response

    def keep_too_late(
        cursor: Cursor[TupleRow],
        claimed: idempotency.IdempotencyLease,
        *,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        home.goatherd.query(
            "UPDATE idempotency SET holder = gen_random_uuid() "
            "WHERE idempotency_key = %s",
            stored_key(once),
        )
        keep(cursor, claimed, status=status, headers=headers, body=body)

    head = home.goatherd.head
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "store_response", keep_too_late)
        answer = home.post(home.creators, BODY, headers=once)

    assert code_of(answer) == (503, "unavailable")
    assert home.goatherd.head == head
    assert home.counted == 0
    assert stored_under(home, once) == [None]


def test_a_claim_that_vanishes_between_two_looks_counts_as_in_flight(
    home: Tenant, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    data_of(home.post(home.creators, BODY, headers=once), status=201)
    monkeypatch.setattr(
        idempotency,
        "_SELECT",
        idempotency._SELECT + b" AND false",  # noqa: SLF001
    )

    answer = home.post(home.creators, BODY, headers=once)

    assert code_of(answer) == (409, "idempotency_in_flight")


def test_answers_older_than_a_day_are_pruned(home: Tenant, once: dict[str, str]):
    old = {"Idempotency-Key": str(uuid4())}
    for headers in (old, once):
        data_of(home.post("/projects", {"name": "A"}, headers=headers), status=201)
    home.goatherd.query(
        "UPDATE idempotency SET created_at = now() - interval '25 hours' "
        "WHERE idempotency_key = %s",
        stored_key(old),
    )

    pruned = idempotency.prune(home.goatherd.store.pool)

    assert pruned >= 1
    assert stored_under(home, old) == []
    assert stored_under(home, once) == [201]


def _nothing(*_: object) -> None:
    return None


def _killed(*_: object) -> None:
    raise RuntimeError("killed")
