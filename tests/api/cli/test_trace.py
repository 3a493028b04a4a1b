"""``goatherd trace``: from a request to rows, dead letters, a scrape and its source."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, data_of, started
from tests.kit.command_line import CommandLine
from tests.kit.histories import succeeded
from tests.projections.engine.refused_rows import refused

REQUEST = "the-request-of-heidi"


@pytest.fixture
def goatherd(database_url: str) -> Iterator[Goatherd]:
    with started(database_url) as goatherd:
        yield goatherd


@pytest.fixture
def tenant(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant()


@pytest.fixture
def creator_id(goatherd: Goatherd, tenant: Tenant) -> UUID:
    """A creator that a request with a known id added."""
    added = tenant.post(
        tenant.creators,
        {"tiktok_handle": "heidi"},
        headers={"X-Request-Id": REQUEST},
    )
    goatherd.catch_up()
    return UUID(data_of(added, status=201)["id"])


@pytest.fixture
def scrape_id(goatherd: Goatherd, tenant: Tenant, creator_id: UUID) -> UUID:
    """A scrape that was requested and has a job."""
    answer = tenant.post(f"/creators/{creator_id}/scrape")
    goatherd.catch_up()
    return UUID(data_of(answer, status=202)["scrape_id"])


def traced(cli: CommandLine, target: object) -> dict[str, Any]:
    # Followers of the test may have logged something before.
    out = cli("trace", str(target), "--json").out
    return json.loads(out.splitlines()[-1])


def events_of(trace: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for command in trace["commands"] for event in command["events"]]


def projection(event: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in event["projections"] if each["name"] == name)


def test_a_request_is_traced_to_the_rows_of_each_projection(
    cli: CommandLine, goatherd: Goatherd, tenant: Tenant, creator_id: UUID
):
    trace = traced(cli, REQUEST)

    (command,) = trace["commands"]
    added = next(
        event for event in command["events"] if event["name"] == "creator_added"
    )
    assert command["actor"] == f"key:{tenant.key_id}"
    assert added["stream"] == str(creator_id)
    assert projection(added, "creator_list") == {
        "name": "creator_list",
        "position": goatherd.head,
        "state": "applied",
        "rows": {"creator_list": 1, "creator_search": 1},
        "why": None,
    }
    assert "scrape_runs" not in {each["name"] for each in added["projections"]}


@pytest.mark.usefixtures("creator_id")
def test_the_id_of_a_request_and_a_position_of_it_lead_to_the_same_tree(
    cli: CommandLine,
):
    by_name = traced(cli, REQUEST)

    by_id = traced(cli, by_name["request_id"])
    by_position = traced(cli, events_of(by_name)[-1]["position"])

    assert events_of(by_name)
    assert by_id == by_position == by_name


def test_a_projection_that_is_behind_waits(
    cli: CommandLine, goatherd: Goatherd, tenant: Tenant
):
    goatherd.catch_up()
    before = goatherd.head
    creator = tenant.add("heidi")
    goatherd.catch_up(but="creator_list")

    added_at = goatherd.log(creator["id"])[0].position
    trace = traced(cli, added_at)

    added = next(one for one in events_of(trace) if one["name"] == "creator_added")
    assert projection(added, "creator_list")["state"] == "waiting"
    assert projection(added, "creator_list")["position"] == before
    assert projection(added, "creator_history")["state"] == "applied"


def test_a_dead_letter_and_what_it_holds_back_are_told_apart(
    cli: CommandLine, goatherd: Goatherd, tenant: Tenant, creator_id: UUID
):
    path = f"/creators/{creator_id}"
    with refused(goatherd.store, "wolf"):
        tenant.patch(path, {"tiktok_handle": "wolf"})
        wolf = next(
            one.position
            for one in goatherd.log(creator_id)
            if isinstance(one.event, e.HandleChanged)
        )
        goatherd.catch_up()
        tenant.patch(path, {"description": "A goat"}, headers={"If-Match": "*"})
        goatherd.catch_up()
    later = goatherd.log(creator_id)[-1].position

    dead = traced(cli, wolf)
    held = traced(cli, later)
    tree = cli("trace", str(wolf)).out

    (letter,) = [
        projection(event, "creator_list")
        for event in events_of(dead)
        if event["position"] == wolf
    ]
    assert (letter["state"], "CheckViolation" in letter["why"]) == ("dead letter", True)
    (waiting,) = [
        projection(event, "creator_list")
        for event in events_of(held)
        if event["position"] == later
    ]
    assert waiting["state"] == "held back"
    assert waiting["why"] == f"by the dead letter at position {wolf}"
    assert "creator_list at" in tree
    assert "dead letter (CheckViolation" in tree


def test_a_skipped_event_says_why(
    cli: CommandLine, goatherd: Goatherd, tenant: Tenant, creator_id: UUID
):
    with refused(goatherd.store, "wolf"):
        tenant.patch(f"/creators/{creator_id}", {"tiktok_handle": "wolf"})
        goatherd.catch_up()
        ((wolf,),) = goatherd.query("SELECT position FROM dead_letter")
        cli("projection", "skip", "creator_list", str(wolf), "--reason", "wolves")

    event = next(one for one in events_of(traced(cli, wolf)) if one["position"] == wolf)

    assert projection(event, "creator_list")["state"] == "skipped"
    assert projection(event, "creator_list")["why"] == "wolves"


def test_a_scrape_is_below_the_event_that_requested_it(
    cli: CommandLine, scrape_id: UUID
):
    trace = traced(cli, scrape_id)

    (request,) = events_of(trace)
    assert request["name"] == "scrape_requested"
    assert request["scrape"]["state"] == "ready"
    assert request["scrape"]["source"] is None
    assert projection(request, "scrape_runs")["state"] == "applied"
    assert projection(request, "scrape_runs")["rows"]["scrape_runs"] >= 1
    assert traced(cli, request["position"]) == trace


def test_a_scrape_that_ended_has_its_source_and_what_followed(
    cli: CommandLine,
    goatherd: Goatherd,
    tenant: Tenant,
    creator_id: UUID,
    scrape_id: UUID,
):
    ended = succeeded(
        creator_id, organization_id=tenant.organization_id, provider="replay"
    )
    goatherd.store.append(
        [NewEvent(scrape_id, 2, ended)],
        context=Context(
            actor="worker:1", command_id=new_id(), correlation_id=scrape_id
        ),
    )
    goatherd.catch_up()

    scrape = events_of(traced(cli, scrape_id))[0]["scrape"]
    tree = cli("trace", str(scrape_id)).out

    assert (scrape["state"], scrape["outcome"]) == ("succeeded", "ok")
    assert scrape["source"] == "replay"
    (command,) = scrape["commands"]
    assert command["actor"] == "worker:1"
    assert [event["name"] for event in command["events"]] == ["scrape_succeeded"]
    lines = tree.splitlines()
    assert lines[0].startswith("request ")
    assert any("source replay: ok" in line for line in lines)
    # Each level is indented under the one before.
    depths = [
        next(line.index(word) for line in lines if word in line)
        for word in (
            "command",
            "scrape_requested",
            f"scrape {scrape_id}",
            "scrape_succeeded",
        )
    ]
    assert depths == sorted(set(depths))


def test_what_the_log_does_not_have_is_refused_in_a_line(
    cli: CommandLine, subtests: pytest.Subtests
):
    for target in ("999999", "no-such-request", str(UUID(int=5))):
        with subtests.test(target):
            refusal = cli("trace", target)

            assert refusal.status == 1
            assert refusal.complaint.startswith(f"The log has no event of {target}")
