"""Workers that send the messages of channels, and are killed again and again."""

import json
import multiprocessing
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.channels.alerts import KIND, AlertContent
from application.channels.delivery import ChannelMessages
from application.channels.queue import queue_message
from application.due.worker import start_due_workers
from domain.alert.conditions import Condition
from infra.embedded.processes import wait_until
from infra.eventstore.store import open_store
from infra.ids import new_id
from tests.kit.application import (
    Goatherd,
    Tenant,
    data_of,
    own_installation,
    settings_for,
)
from tests.kit.faults import victim
from tests.kit.patience import PATIENTLY
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite

goatherd = pytest.fixture(own_installation, scope="module")

CHANNELS, MESSAGES = 3, 24


def send_until_killed(url: str) -> None:
    """Send the messages of all channels."""
    store = open_store(url, pool_size=8, settings=settings_for(url))
    kind = ChannelMessages(store, lease=timedelta(seconds=1)).due_kind
    for thread in start_due_workers(store.pool, (kind,), threading.Event()):
        thread.join()


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


def queue(home: Tenant, channel_ids: list[UUID], number: int) -> None:
    """Let all channels get a message with a number."""
    content = AlertContent(
        type="opened",
        rule_id=UUID(int=number),
        condition=Condition(type="creator_disabled"),
        severity="info",
        alerts=(),
        amount=0,
    )
    with home.goatherd.store.pool.connection() as connection, connection.transaction():
        queue_message(
            connection.cursor(),
            home.organization_id,
            channel_ids,
            kind=KIND,
            content=content,
        )


def test_killed_workers_send_every_message_in_order(
    goatherd: Goatherd, site: ScriptedSite
):
    home = goatherd.tenant()
    got: dict[str, dict[str, int]] = defaultdict(dict)

    def take(request: ReceivedRequest) -> Answer:
        try:
            event: Any = json.loads(request.body)
        except ValueError:
            # Its sender was killed before it had sent all.
            return Answer(status=400)
        headers = {name.lower(): value for name, value in request.headers.items()}
        number = UUID(event["data"]["rule_id"]).int
        got[request.path].setdefault(headers["webhook-id"], number)
        return Answer(status=200)

    def amount() -> int:
        return sum(len(each) for each in got.values())

    channel_ids: list[UUID] = []
    for place in range(CHANNELS):
        site.answers[f"/{place}"] = take
        body = {"kind": "webhook", "name": f"{new_id()}", "url": f"{site.url}/{place}"}
        made = data_of(home.post("/channels", body), status=201)
        channel_ids.append(UUID(made["id"]))
    for number in range(MESSAGES // 2):
        queue(home, channel_ids, number)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["application.channels.delivery"])
    for part in (0.1, 0.3):
        with victim(send_until_killed, goatherd.url, start="forkserver") as process:
            wanted = part * CHANNELS * MESSAGES
            assert wait_until(
                lambda wanted=wanted: amount() >= wanted, seconds=PATIENTLY
            )
            process.kill()
    with victim(send_until_killed, goatherd.url, start="forkserver") as process:
        # Messages are queued while others are sent.
        for number in range(MESSAGES // 2, MESSAGES):
            queue(home, channel_ids, number)
        assert wait_until(lambda: amount() >= CHANNELS * MESSAGES, seconds=PATIENTLY), (
            amount()
        )

    assert len(got) == CHANNELS
    for numbers in got.values():
        # Each message has one id, and none overtook another one.
        assert [*numbers.values()] == [*range(MESSAGES)]
