"""The stream of events, from a server as we ship it."""

import json
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.routes.feed.stream import MOST_STREAMS, MOST_STREAMS_OF_KEY
from infra.embedded.processes import wait_until
from tests.api.web.system.test_projection_stream import connections, serving
from tests.kit.application import BASE, Goatherd, Tenant, data_of, own_installation
from tests.kit.documented import documented
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.people import added_member
from tests.kit.ports import free_port

PATH = f"{BASE}/events/stream"


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture(scope="module")
def url(goatherd: Goatherd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the stream of a server, which the tests of this file share."""
    port = free_port()
    with serving(goatherd, port, tmp_path_factory.mktemp("served")):
        yield f"http://127.0.0.1:{port}{PATH}"


class Message(dict[str, str]):
    """The fields of one message of a stream."""

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self["data"])


@contextmanager
def reading(
    tenant: Tenant, url: str, *, last: str = "", **params: object
) -> Generator[Iterator[Message]]:
    """The messages of a stream, without comments."""
    headers = {"Authorization": f"Bearer {tenant.key}"}
    if last:
        headers["Last-Event-ID"] = last
    shown: dict[str, Any] = params
    with httpx.stream(
        "GET", url, headers=headers, params=shown, timeout=PATIENTLY
    ) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        described = documented().operations["streamEvents"].details["responses"]["200"]
        # Requests of these tests have no limit.
        always = {*described["headers"]} - {"RateLimit"}
        assert all(name in answer.headers for name in always)
        yield _messages(answer.iter_lines())


def _messages(lines: Iterator[str]) -> Iterator[Message]:
    message = Message()
    for line in lines:
        name, colon, value = line.partition(": ")
        if not line and "data" in message:
            yield message
            message = Message()
        elif colon and name:
            message[name] = value


def add(tenant: Tenant) -> str:
    creator = tenant.add(f"goat.{uuid4().hex[:20]}")
    tenant.goatherd.catch_up()
    return creator["id"]


def listed(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.get("/events", params={"limit": 1000}).json()["data"]


def test_a_stream_has_what_happened_and_what_happens_next(goatherd: Goatherd, url: str):
    home, others = goatherd.tenant(), goatherd.tenant()
    first = add(home)
    with reading(home, url, types="creator.added") as messages:
        before = next(messages)
        add(others)
        second = add(home)
        later = next(messages)

    assert [m.event["subject"]["id"] for m in (before, later)] == [first, second]
    assert before["event"] == "creator.added"
    assert before["id"] == str(before.event["position"])
    assert before.event == listed(home)[-2]


def test_a_reader_that_comes_back_gets_the_rest_once(goatherd: Goatherd, url: str):
    home = goatherd.tenant()
    creator = add(home)
    name = str(uuid4().int % 10**18 + 10**18)
    home.found(creator, name)
    for views in (900, 60_000_000):
        home.saw_videos(creator, {name: views})
    goatherd.catch_up()
    expected = [event["id"] for event in listed(home)]

    read: list[str] = []
    last = ""
    # Each connection breaks after one message, also amid those of one position.
    for _ in expected:
        with reading(home, url, last=last) as messages:
            message = next(messages)
        read.append(message.event["id"])
        last = message["id"]

    assert read == expected
    refused = home.get("/events/stream", headers={"Last-Event-ID": "yesterday"})
    assert refused.status_code == 400
    assert "/Last-Event-ID" in refused.text


def test_a_limited_person_is_sent_the_events_of_their_projects(
    goatherd: Goatherd, url: str
):
    home = goatherd.tenant()
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)["id"]
    person_id = added_member(
        goatherd.store,
        home.organization_id,
        role="viewer",
        project_ids=(home.project_id,),
    )
    person = home.with_key("read", person_id=person_id)
    with reading(person, url) as messages:
        rival = {"tiktok_handle": f"goat.{uuid4().hex[:20]}"}
        data_of(home.post(f"/projects/{second}/creators", rival), status=201)
        own = add(home)
        first = next(messages)

    assert first.event["subject"]["id"] == own
    # The person themself joined, which concerns no project.
    everything = [event["type"] for event in listed(home)]
    assert everything.count("creator.added") == 2
    assert "member.joined" in everything


def test_a_stream_of_members_ends_with_the_rights_to_see_them(
    goatherd: Goatherd, url: str
):
    home = goatherd.tenant()
    ben = added_member(goatherd.store, home.organization_id, role="admin")
    admin, reader = home.with_key(person_id=ben), home.with_key("read")
    refused = httpx.get(
        url,
        params={"types": "member.joined"},
        headers={"Authorization": f"Bearer {reader.key}"},
    )
    with reading(admin, url) as ending, reading(reader, url) as going_on:
        goatherd.catch_up()
        joined = next(ending)
        answer = home.patch(f"/members/{ben}", {"role": "viewer"})
        assert answer.status_code == 200, answer.text
        rest = [*ending]
        own = add(home)
        first = next(going_on)

    assert joined.event["type"] == "member.joined"
    assert rest == []
    assert refused.status_code == 403
    assert first.event["subject"]["id"] == own


def test_a_revoked_key_ends_its_stream(goatherd: Goatherd, url: str):
    home = goatherd.tenant()
    reader = home.with_key("read")
    add(home)
    with reading(reader, url) as messages:
        next(messages)
        assert home.delete(f"/api-keys/{reader.key_id}").status_code == 200
        goatherd.catch_up()
        revoked_at = time.monotonic()
        rest = [*messages]
    took = time.monotonic() - revoked_at

    assert all(reader.key not in str(message) for message in rest)
    assert took < at_most(5)
    answer = httpx.get(url, headers={"Authorization": f"Bearer {reader.key}"})
    assert answer.status_code == 401


def test_an_organization_has_some_streams_which_hold_no_connection(
    goatherd: Goatherd, url: str
):
    home, others = goatherd.tenant(), goatherd.tenant()
    add(home)
    add(others)
    keys = [home.key, *(home.with_key("read").key for _ in range(3))]
    headers = {"Authorization": f"Bearer {home.with_key('read').key}"}
    with ExitStack() as stack:
        answers = [
            stack.enter_context(
                httpx.stream(
                    "GET",
                    url,
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=PATIENTLY,
                )
            )
            for key in keys
            for _ in range(MOST_STREAMS_OF_KEY)
        ]
        held = [answer.iter_lines() for answer in answers]
        begun = [next(lines) for lines in held]
        refused = httpx.get(url, headers=headers)
        of_key = httpx.get(url, headers={"Authorization": f"Bearer {home.key}"})
        with reading(others, url) as messages:
            next(messages)
        # The listener is idle, and the streams ask for a connection now and then.
        is_quiet = wait_until(lambda: connections(goatherd) == 0, seconds=PATIENTLY)

    assert len(begun) == MOST_STREAMS
    assert {answer.status_code for answer in answers} == {200}
    assert refused.status_code == of_key.status_code == 429
    assert "There are 20 open streams" in refused.json()["error"]
    assert "There are 5 open streams" in of_key.json()["error"]
    assert refused.json()["meta"]["code"] == "rate_limit_exceeded"
    assert refused.headers["Retry-After"]
    assert is_quiet
