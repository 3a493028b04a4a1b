"""Projections and their rebuilds over HTTP, with a projector that really runs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.events import Scope
from infra.embedded.processes import wait_until
from projections import runner
from projections.creators.projection import CreatorList
from projections.rebuild.rebuild import rebuild
from projections.rebuild.transitions import RebuildOptions
from projections.registry import PROJECTIONS
from projections.runner import run_projections
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    own_installation,
    started,
)
from tests.kit.builders import opened_store
from tests.kit.patience import PATIENTLY
from tests.kit.threads import at_work

REBUILD = "/admin/projections/creator_list/rebuild"


@pytest.fixture
def alone(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Goatherd]:
    """An application whose rebuilds no other test sees."""
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.1)
    with started(database_url) as goatherd:
        yield goatherd


@pytest.fixture
def admin(alone: Goatherd) -> Tenant:
    return alone.tenant()


@pytest.fixture(scope="module")
def untouched(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An application for the tests of which none begins a rebuild."""
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def refused(untouched: Goatherd) -> Tenant:
    """An administrator whose requests are refused."""
    return untouched.tenant(is_operator=True)


@contextmanager
def projector(goatherd: Goatherd) -> Iterator[None]:
    """The projections of `goatherd project`, until the end of the block."""
    with (
        opened_store(goatherd.url, pool_size=12) as store,
        at_work(partial(run_projections, store, goatherd.url)),
    ):
        yield


def shown(admin: Tenant, name: str = "creator_list") -> dict[str, Any]:
    listed = data_of(admin.get("/admin/projections"))
    return next(each for each in listed if each["name"] == name)


def comes_to(admin: Tenant, status: str) -> dict[str, Any]:
    """The rebuild of the list, once it has this status."""
    assert wait_until(
        lambda: shown(admin)["rebuild"]["status"] == status, seconds=PATIENTLY
    ), shown(admin)["rebuild"]
    return shown(admin)["rebuild"]


def nobody_can_take_in(goatherd: Goatherd, *, as_if: str = "creator_added") -> int:
    """Append an event of a read model's whose body no code understands."""
    position = goatherd.head + 1
    goatherd.query(
        "INSERT INTO goatherd_events (notification_id, originator_id, "
        "originator_version, topic, state, actor, digest, recorded_at) "
        "VALUES (%s, %s, 1, %s, '{}', 'test', '\\x00', now())",
        position,
        uuid4(),
        as_if,
    )
    assert goatherd.head == position
    return position


def test_every_projection_is_listed_with_how_far_it_is(admin: Tenant):
    admin.add("goat")

    behind = shown(admin)
    admin.goatherd.catch_up()
    level = shown(admin)

    assert behind["lag_events"] == behind["head"] == admin.goatherd.head
    assert behind["lag_seconds"] > 0
    assert level["position"] == level["head"] == admin.goatherd.head
    assert (level["lag_events"], level["lag_seconds"]) == (0, 0)
    assert level["status"] == "following"
    assert 0 <= level["heartbeat_seconds"] < PATIENTLY
    assert level["dead_letters"] == {"count": 0, "newest": []}
    assert level["rebuild"] is None
    listed = data_of(admin.get("/admin/projections"))
    assert [each["name"] for each in listed] == sorted(each["name"] for each in listed)
    assert {each["name"] for each in listed if each["rebuildable"]} == {
        projection.name for projection in PROJECTIONS
    }
    assert shown(admin, "schedule")["status"] == "never started"


@pytest.mark.parametrize("scope", ("read", "write"))
def test_a_key_that_is_no_administrators_neither_sees_nor_starts_any(
    refused: Tenant, scope: Scope
):
    user = refused.with_key(scope)

    answers = [
        user.get("/admin/projections"),
        user.post(REBUILD),
        user.delete(REBUILD),
    ]

    assert [code_of(each) for each in answers] == [(403, "insufficient_scope")] * 3
    assert shown(refused)["rebuild"] is None


def test_a_read_model_is_rebuilt_and_swapped_while_it_is_read(admin: Tenant):
    handles = {f"goat{number}" for number in range(20)}
    for handle in sorted(handles):
        admin.add(handle)
    with projector(admin.goatherd):
        assert wait_until(lambda: shown(admin)["lag_events"] == 0, seconds=PATIENTLY)
        (before,) = admin.goatherd.query("SELECT 'creator_list'::regclass::oid")

        answer = admin.post(REBUILD)
        read: list[tuple[int, set[str]]] = []
        while shown(admin)["rebuild"]["status"] != "swapped":
            assert shown(admin)["rebuild"]["status"] in {
                *("building", "comparing", "ready", "swapped"),
            }
            page = admin.get("/creators")
            read.append(
                (page.status_code, {row["tiktok_handle"] for row in data_of(page)})
            )
        # How long it took is noted just after it.
        assert wait_until(
            lambda: shown(admin)["rebuild"]["swap_ms"] is not None, seconds=PATIENTLY
        )
        done = shown(admin)["rebuild"]

    begun = data_of(answer, status=202)
    assert begun["name"] == "creator_list"
    assert begun["rebuild"]["status"] == "building"
    assert begun["rebuild"]["part_done"] == 0
    assert begun["rebuild"]["started_by"] == f"key:{admin.key_id}"
    assert int(answer.headers["Goatherd-Position"]) == begun["head"]
    assert read
    assert all(each == (200, handles) for each in read)
    assert admin.goatherd.query("SELECT 'creator_list'::regclass::oid") != [before]
    assert done["part_done"] == 1
    assert done["position"] == done["head"] == admin.goatherd.head
    assert done["swap_ms"] > 0
    assert done["events_per_second"] > 0
    assert done["error"] is None
    comparison = done["comparison"]
    assert (comparison["strict"], comparison["equal"]) == (True, True)
    assert comparison["tables"][0]["table"] == "creator_list"
    assert comparison["tables"][0]["shadow_rows"] == len(handles)


def test_one_that_runs_is_answered_and_not_begun_again(admin: Tenant):
    admin.add("goat")
    first = data_of(admin.post(REBUILD), status=202)
    admin.goatherd.query("UPDATE projection_rebuild SET status = 'ready'")

    second = data_of(admin.post(REBUILD, {"force": True}), status=202)

    assert second["rebuild"]["status"] == "ready"
    assert second["rebuild"]["started_at"] == first["rebuild"]["started_at"]
    assert [each["rebuild"]["forced"] for each in (first, second)] == [False, True]


def test_with_the_same_key_it_is_begun_once(admin: Tenant):
    headers = {"Idempotency-Key": "again"}
    first = admin.post(REBUILD, {"force": False}, headers=headers)
    admin.delete(REBUILD)

    second = admin.post(REBUILD, {"force": False}, headers=headers)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert shown(admin)["rebuild"]["status"] == "cancelled"


def test_what_nobody_builds_is_cancelled_at_once_and_as_often_as_you_like(
    admin: Tenant,
):
    nothing_yet = data_of(admin.delete(REBUILD))
    admin.post(REBUILD)

    first, second = (data_of(admin.delete(REBUILD)) for _ in range(2))

    assert nothing_yet["rebuild"] is None
    assert first["rebuild"]["status"] == second["rebuild"]["status"] == "cancelled"
    assert admin.goatherd.query("SELECT to_regnamespace('goatherd_next_creator_list')")[
        0
    ] == (None,)


def test_one_that_somebody_builds_ends_when_it_is_cancelled(admin: Tenant):
    admin.add("goat")
    goatherd = admin.goatherd
    with projector(goatherd):
        assert wait_until(lambda: shown(admin)["lag_events"] == 0, seconds=PATIENTLY)
        # It is compared between two batches of the follower, which this one keeps away.
        with goatherd.store.pool.connection() as busy, busy.transaction():
            busy.execute(
                "SELECT FROM projection WHERE name = 'creator_list' FOR UPDATE"
            )
            admin.post(REBUILD)
            comes_to(admin, "comparing")

            requested = data_of(admin.delete(REBUILD))["rebuild"]
            cancelled = comes_to(admin, "cancelled")

    assert requested["cancel_requested"] or requested["status"] == "cancelled"
    assert not cancelled["cancel_requested"]
    assert cancelled["swap_ms"] is None
    assert [row["tiktok_handle"] for row in data_of(admin.get("/creators"))] == ["goat"]


def test_many_who_start_one_at_once_start_one(admin: Tenant):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: admin.post(REBUILD), range(8)))

    begun = {data_of(answer, status=202)["rebuild"]["started_at"] for answer in answers}
    assert len(begun) == 1


def test_a_cancel_that_came_before_the_builder_is_heard(admin: Tenant):
    admin.add("goat")
    admin.post(REBUILD)
    # As if the process that should hear it had died.
    admin.goatherd.query("UPDATE projection_rebuild SET is_cancel_requested = true")

    waiting = shown(admin)["rebuild"]
    with projector(admin.goatherd):
        cancelled = comes_to(admin, "cancelled")

    assert (waiting["status"], waiting["cancel_requested"]) == ("building", True)
    assert not cancelled["cancel_requested"]


def test_rows_that_differ_are_refused_until_somebody_forces_them(admin: Tenant):
    creator = admin.add("goat")
    admin.goatherd.catch_up()
    admin.goatherd.query("UPDATE creator_list SET tiktok_handle = 'wolf'")

    with projector(admin.goatherd):
        admin.post(REBUILD)
        refused = comes_to(admin, "refused")
        before = data_of(admin.get(f"/creators/{creator['id']}"))
        admin.post(REBUILD, {"force": True})
        forced = comes_to(admin, "swapped")
        after = data_of(admin.get(f"/creators/{creator['id']}"))

    assert (before["tiktok_handle"], after["tiktok_handle"]) == ("wolf", "goat")
    (table,) = [
        each for each in refused["comparison"]["tables"] if each["different_rows"]
    ]
    assert (table["table"], table["differences"]) == ("creator_list", ["hash of rows"])
    assert creator["id"] not in str(refused)
    assert forced["forced"]


def test_an_event_that_nobody_can_take_in_a_dead_letter_and_said_so(admin: Tenant):
    admin.add("goat")
    position = nobody_can_take_in(admin.goatherd)
    admin.goatherd.catch_up()
    goatherd = admin.goatherd
    goatherd.query("UPDATE projection SET heartbeat_at = now()")

    ready = goatherd.client.get("/health/ready")
    dead_letters = shown(admin)["dead_letters"]

    assert ready.status_code == 200, ready.text
    said = ready.json()["data"]["warnings"]["dead_letters"]
    assert "creator_list could not apply creator_added" in said
    assert str(position) not in said
    assert dead_letters["count"] == 1
    (letter,) = dead_letters["newest"]
    assert (letter["position"], letter["name"]) == (position, "creator_added")
    assert "organization_id" in letter["error"]
    assert shown(admin)["lag_events"] == 0


def test_the_newest_five_dead_letters_are_shown_without_anybodys_rows(admin: Tenant):
    stranger = UUID(int=1)
    for position in range(7):
        admin.goatherd.query(
            "INSERT INTO dead_letter (projection, position, name, error) "
            "VALUES ('creator_list', %s, 'creator_added', %s)",
            position,
            repr(ValueError(f"duplicate key\nDETAIL:  Key (id)=({stranger}) exists.")),
        )

    dead_letters = shown(admin)["dead_letters"]

    assert dead_letters["count"] == 7
    assert [each["position"] for each in dead_letters["newest"]] == [6, 5, 4, 3, 2]
    assert "duplicate key" in dead_letters["newest"][0]["error"]
    assert str(stranger) not in str(dead_letters)


def test_a_rebuild_stops_at_such_an_event_and_names_it(admin: Tenant):
    admin.add("goat")
    position = nobody_can_take_in(admin.goatherd)

    with projector(admin.goatherd):
        admin.post(REBUILD)
        failed = comes_to(admin, "failed")
        still = data_of(admin.get("/creators"))
        metrics = admin.goatherd.client.get("/metrics").text

    assert (failed["error_position"], failed["error_event"]) == (
        *(position, "creator_added"),
    )
    assert f"the event creator_added at position {position}" in failed["error"]
    assert [row["tiktok_handle"] for row in still] == ["goat"]
    assert 'goatherd_rebuild_stopped{projection="creator_list"} 1.0' in metrics
    assert 'goatherd_rebuild_running{projection="creator_list"} 0.0' in metrics


@pytest.mark.parametrize("name", ("scrape_jobs", "verdict_streaks"))
def test_what_is_no_read_model_cannot_be_rebuilt(refused: Tenant, name: str):
    answer = refused.post(f"/admin/projections/{name}/rebuild")

    assert code_of(answer) == (409, "cannot_rebuild")
    assert answer.json()["error"] == (
        f"{name} is no read model, so it cannot be rebuilt."
    )


def test_what_hangs_on_a_table_keeps_it_from_being_rebuilt(admin: Tenant):
    admin.goatherd.query("CREATE VIEW herd AS SELECT * FROM creator_list")

    answer = admin.post(REBUILD)

    assert code_of(answer) == (409, "cannot_rebuild")
    assert "a view or rule on creator_list" in answer.json()["error"]
    assert shown(admin)["rebuild"] is None


def test_a_dry_run_that_waits_is_not_swapped_by_asking_for_a_rebuild(admin: Tenant):
    with opened_store(admin.goatherd.url, pool_size=4) as store:
        rebuild(
            store, CreatorList(), by="test", options=RebuildOptions(is_dry_run=True)
        )

    answer = admin.post(REBUILD)

    assert code_of(answer) == (409, "cannot_rebuild")
    assert "A dry run of creator_list waits" in answer.json()["error"]
    assert shown(admin)["rebuild"]["status"] == "ready"


def test_older_rules_do_not_rebuild_what_newer_ones_made(admin: Tenant):
    admin.goatherd.query(
        "UPDATE projection SET version = version + 1 WHERE name = 'creator_list'"
    )

    answer = admin.post(REBUILD)

    assert code_of(answer) == (409, "cannot_rebuild")


@pytest.mark.parametrize("body", ({"force": "yes"}, {"force": None}, {"forced": True}))
def test_how_to_rebuild_is_said_exactly(refused: Tenant, body: object):
    answer = refused.post(REBUILD, body)

    assert code_of(answer) == (400, "invalid_body")
    assert shown(refused)["rebuild"] is None
