"""Workers that send the messages of channels, and are killed again and again."""

import multiprocessing
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from itertools import islice
from uuid import UUID

import pytest
from msgspec.structs import replace

from application.channels.alerts import KIND, AlertContent, queue_message
from application.channels.delivery import ChannelMessages
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
from tests.kit.faults import Victim, victim
from tests.kit.mail_server import MailBox, mail_server, text_of
from tests.kit.patience import PATIENTLY
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite
from tests.kit.threads import due_done

goatherd = pytest.fixture(own_installation, scope="module")

KINDS, MESSAGES = ("webhook", "email", "slack"), 24
# The workers are killed when these services have taken the messages with these numbers.
KILLS = {"email": 3, "slack": 11}
# The link of a message names its rule, whose id is the number of the message.
RULE = re.compile("rule_id=([0-9a-f-]{36})")


class Receiver:
    """The messages that one service took: their numbers by their ids.

    Slack has no id by which it could drop a second one, so the number stands for it.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.again: list[int] = []
        self.fatal: tuple[int, Victim] | None = None

    def take(self, text: str, message_id: str | None) -> None:
        """Take a message; at the ``fatal`` one the sender dies before it hears that."""
        number = UUID(RULE.findall(text)[0]).int
        message_id = message_id or str(number)
        if message_id in self.numbers:
            self.again.append(number)
        self.numbers.setdefault(message_id, number)
        if self.fatal is not None and self.fatal[0] == number:
            self.fatal[1].kill()
            self.fatal = None

    def answer(self, request: ReceivedRequest) -> Answer:
        if len(request.body) < int(request.headers["content-length"]):
            # Its sender was killed before it had sent all.
            return Answer(status=400)
        message_id = request.headers.get("webhook-id")
        self.take(request.body.decode(), message_id)
        return Answer(status=200)


class Mailbox(MailBox):
    """A mail server that hands its mails on."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    def keep(self, mail: EmailMessage) -> None:
        self._receiver.take(text_of(mail), mail["Message-ID"])


def send_until_killed(url: str, smtp_url: str) -> None:
    """Send the messages of all channels."""
    settings = replace(settings_for(url), smtp_url=smtp_url)
    store = open_store(url, pool_size=8, settings=settings)
    kind = ChannelMessages(store, lease=timedelta(seconds=1)).due_kind
    with due_done(url, store.pool, kind):
        threading.Event().wait()


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
    receivers = {kind: Receiver() for kind in KINDS}

    numbers = iter(range(MESSAGES))

    def queue_some() -> None:
        for number in islice(numbers, MESSAGES // 3):
            queue(home, channel_ids, number)

    def amounts() -> dict[str, int]:
        return {kind: len(each.numbers) for kind, each in receivers.items()}

    channel_ids: list[UUID] = []
    for kind, receiver in receivers.items():
        site.answers[f"/{kind}"] = receiver.answer
        body = {"kind": kind, "name": f"{new_id()}"}
        body |= (
            {"address": "ada@herd.example"}
            if kind == "email"
            else {"url": f"{site.url}/{kind}"}
        )
        made = data_of(home.post("/channels", body), status=201)
        channel_ids.append(UUID(made["id"]))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["application.channels.delivery"])
    in_all = len(KINDS) * MESSAGES
    with mail_server(Mailbox(receivers["email"])) as port:
        smtp_url = f"smtp://127.0.0.1:{port}?from=goat@herd.example&tls=none"
        arguments = (send_until_killed, goatherd.url, smtp_url)
        for kind, number in KILLS.items():
            with victim(*arguments, start="forkserver") as process:
                receivers[kind].fatal = number, process
                queue_some()
                assert wait_until(
                    lambda kind=kind: receivers[kind].fatal is None, seconds=PATIENTLY
                ), amounts()
        with victim(*arguments, start="forkserver"):
            # Messages are queued while others are sent.
            queue_some()
            assert wait_until(
                lambda: sum(amounts().values()) >= in_all, seconds=PATIENTLY
            ), amounts()

    for kind, receiver in receivers.items():
        # Each message has one id, and none overtook another one.
        assert [*receiver.numbers.values()] == [*range(MESSAGES)], kind
        # The sender could not know that the service had taken it.
        assert kind not in KILLS or KILLS[kind] in receiver.again
