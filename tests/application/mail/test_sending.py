"""Mails wait in a table until a real server has taken them."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import LiteralString
from urllib.parse import quote
from uuid import UUID

import pytest
from msgspec.structs import replace

from application.accounts.operators import erase, register
from application.mail import server as mail_servers
from application.mail.outbox import claim_mail, prune, send_mail
from application.mail.sender import MailSender
from application.mail.server import (
    Mail,
    MailNotSentError,
    MailRefusedError,
    MailServer,
    Security,
)
from infra.backoff import Backoff
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.settings import Settings
from tests.kit.builders import asking
from tests.kit.mail_server import (
    PASSWORD,
    USER,
    MailBox,
    certificate_for_localhost,
    mail_server,
    stalling_mail_server,
)
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.people import EMAIL
from tests.kit.ports import free_port

HELLO = Mail(
    to=EMAIL, subject="Grüezi\nBcc: eve@example.com", text="Ein Ziegenhügel.\n"
)
AT_ONCE = Backoff(0.001, longest=0.001)


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    """Fail a test that leaves connections open, which the collector finds."""
    yield
    gc.collect()


def address_of(port: int, *, security: Security = "none", user: str = "") -> str:
    return (
        f"smtp://{user}127.0.0.1:{port}?from=Goatherd%20%3Cgoat%40herd.example%3E"
        f"&tls={security}"
    )


def server_at(port: int, *, security: Security = "none", user: str = "") -> MailServer:
    url = address_of(port, security=security, user=user)
    settings = Settings.from_environment({"GOATHERD_SMTP_URL": url})
    server = MailServer.of(settings)
    assert server is not None
    return server


def with_mail(store: Store, port: int) -> Store:
    """A store whose settings name a mail server."""
    return Store(store.pool, replace(store.settings, smtp_url=address_of(port)))


def let_send(store: Store, *, subject: UUID | None = None, hours: float = 24) -> bool:
    with store.pool.connection() as connection, connection.transaction():
        return send_mail(
            connection.cursor(),
            store,
            HELLO,
            subject=subject,
            kept_for=timedelta(hours=hours),
        )


def waiting(store: Store, column: LiteralString = "tries") -> list[int]:
    with store.pool.connection() as connection:
        found = connection.execute(f"SELECT {column} FROM mails").fetchall()  # noqa: S608
    return [one for (one,) in found]


@contextmanager
def sending(sender: MailSender) -> Iterator[None]:
    """Run a sender in a thread, as a dispatcher does."""
    stop = threading.Event()
    wake_up = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop, wake_up))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        wake_up.set()
        thread.join()


def test_a_mail_arrives_as_plain_text_with_one_message_id(store: Store):
    box = MailBox()
    with mail_server(box) as port:
        store = with_mail(store, port)
        assert let_send(store)
        with store.pool.connection() as connection:
            ((sealed,),) = connection.execute("SELECT sealed FROM mails").fetchall()
        sender = MailSender(store, server_at(port))
        assert sender.send_next()
        assert not sender.send_next()

    (mail,) = box.mails
    assert EMAIL.encode() not in sealed
    assert mail["To"] == EMAIL
    assert mail["From"] == "Goatherd <goat@herd.example>"
    # A line break in a subject makes no header.
    assert mail["Subject"] == "Grüezi Bcc: eve@example.com"
    assert mail["Bcc"] is None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@herd.example>")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().rstrip() == "Ein Ziegenhügel."
    assert waiting(store) == []


def test_the_address_of_a_mail_server_is_read_whole():
    url = "smtp://goat%40herd:p%2Fw@[::1]:2525?tls=tls&from=Herd%20%3Cg%40h.example%3E"
    read = MailServer.of(Settings.from_environment({"GOATHERD_SMTP_URL": url}))
    short = Settings.from_environment(
        {"GOATHERD_SMTP_URL": "smtp://mail?from=goat@herd.example"}
    )

    assert read == MailServer(
        host="::1",
        port=2525,
        security="tls",
        sender="Herd <g@h.example>",
        username="goat@herd",
        password="p/w",  # noqa: S106 - of a test
    )
    assert MailServer.of(short) == MailServer(
        host="mail", port=587, security="starttls", sender="goat@herd.example"
    )


def test_without_a_mail_server_no_mail_waits(store: Store):
    assert not let_send(store)
    assert waiting(store) == []


def test_a_transaction_that_fails_sends_nothing(store: Store):
    store = with_mail(store, free_port())
    with store.pool.connection() as connection:
        connection.execute("BEGIN")
        assert send_mail(connection.cursor(), store, HELLO)
        connection.execute("ROLLBACK")

    assert waiting(store) == []


def test_a_server_that_is_down_for_a_while_gets_the_mail_later(store: Store):
    port, box = free_port(), MailBox()
    store = with_mail(store, port)
    let_send(store)

    with sending(MailSender(store, server_at(port), backoff=AT_ONCE)):
        assert wait_until(lambda: waiting(store) > [1], seconds=PATIENTLY)
        with mail_server(box, port=port):
            assert wait_until(lambda: bool(box.mails), seconds=PATIENTLY)
            assert wait_until(lambda: waiting(store) == [], seconds=PATIENTLY)

    assert len(box.mails) == 1


def test_tries_are_further_and_further_apart_and_end(store: Store):
    store = with_mail(store, free_port())
    server = server_at(free_port())
    let_send(store)
    seconds: list[float] = []
    for _ in range(3):
        with store.pool.connection() as connection:
            connection.execute("UPDATE mails SET send_at = now()")
        assert MailSender(store, server).send_next()
        seconds += waiting(store, "extract(epoch FROM send_at - now())::float8")

    assert 1 < seconds[0] < 10 < seconds[2] * 2 < 80
    assert not MailSender(store, server).send_next()
    with store.pool.connection() as connection:
        connection.execute("UPDATE mails SET send_at = now(), until = now()")
    assert claim_mail(store.pool) is None
    assert prune(store.pool) == 1


def test_a_refused_address_is_not_tried_again(store: Store):
    box = MailBox()
    box.refuses = f"550 5.1.1 <{EMAIL}> is unknown"
    with mail_server(box) as port:
        store = with_mail(store, port)
        let_send(store)
        with pytest.raises(MailRefusedError) as refused:
            server_at(port).deliver(HELLO, mail_id=new_id())
        MailSender(store, server_at(port)).send_next()

    # The reason goes to the log, where no address may stand.
    assert refused.value.reason == "The server says 550"
    assert waiting(store) == []


def test_mails_wait_while_the_sender_of_the_settings_cant_be_written(store: Store):
    box = MailBox()
    with mail_server(box) as port:
        store = with_mail(store, port)
        let_send(store)
        for sender in ("goat@zähes.example", "Goatherd goat@herd.example"):
            server = replace(server_at(port), sender=sender)
            MailSender(store, server, backoff=Backoff(0.0, longest=0.0)).send_next()
        still = waiting(store)
        MailSender(store, server_at(port)).send_next()

    assert still == [2]
    assert len(box.mails) == 1


def test_a_full_mailbox_is_tried_again(store: Store):
    box = MailBox()
    box.refuses = "452 4.2.2 Mailbox full"
    with mail_server(box) as port:
        store = with_mail(store, port)
        let_send(store)
        sender = MailSender(store, server_at(port), backoff=Backoff(0.0, longest=0.0))
        sender.send_next()
        box.refuses = ""
        sender.send_next()

    assert len(box.mails) == 1
    assert waiting(store) == []


def test_a_server_that_hangs_holds_up_no_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mail_servers, "_PATIENCE_SECONDS", 0.5)
    box = MailBox()
    box.hangs = True
    with mail_server(box) as port:
        store = with_mail(store, port)
        let_send(store)
        sender = MailSender(store, server_at(port))
        started_at = time.monotonic()
        sender.send_next()
        assert time.monotonic() - started_at < at_most(10)
        # Another sender does not take the mail that this one has claimed.
        with store.pool.connection() as connection:
            connection.execute("UPDATE mails SET send_at = now()")
        assert claim_mail(store.pool) is not None
        assert claim_mail(store.pool) is None

    assert box.mails == []
    assert waiting(store) == [2]


def test_a_server_that_is_stuck_at_any_step_ends_with_the_time_of_the_mail(
    monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
):
    monkeypatch.setattr(mail_servers, "_CONVERSATION_SECONDS", 0.5)
    user = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"

    def given_to(step: str, security: Security, *, drips: bool) -> str:
        with stalling_mail_server(step, drips=drips) as port:
            server = server_at(port, security=security, user=user)
            try:
                server.deliver(HELLO, mail_id=new_id())
            except MailRefusedError:
                return "refused for good"
            except MailNotSentError as error:
                return error.reason
        return "taken"

    steps = ("greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "content")
    cases: list[tuple[str, Security, bool]] = [
        *((step, "none", drips) for step in steps for drips in (False, True)),
        ("greeting", "tls", False),
        ("handshake", "starttls", False),
    ]
    with ThreadPoolExecutor(len(cases)) as threads:
        began_at = time.monotonic()
        reasons = [
            threads.submit(given_to, step, security, drips=drips)
            for step, security, drips in cases
        ]
    took = time.monotonic() - began_at

    for case, reason in zip(cases, reasons, strict=True):
        with subtests.test(str(case)):
            assert reason.result() == "The server took over 0.5 seconds"
    # A single wait has twenty seconds.
    assert took < at_most(10)


def test_a_resolver_that_hangs_ends_with_the_time_of_the_mail(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(mail_servers, "_CONVERSATION_SECONDS", 0.3)
    leaving = threading.Event()
    ended: list[bool] = []

    def resolve(*_: object, **__: object) -> list[object]:
        ended.append(leaving.wait(20))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(MailNotSentError, match=r"over 0\.3 seconds"):
        replace(server_at(25), host="mail.example").deliver(HELLO, mail_id=new_id())
    assert ended == []
    leaving.set()


def test_a_mail_waits_while_the_name_of_the_server_cant_be_written():
    for host in ("mail..example", "a" * 70 + ".invalid"):
        with pytest.raises(MailNotSentError, match="No connection") as failed:
            replace(server_at(25), host=host).deliver(HELLO, mail_id=new_id())
        assert not isinstance(failed.value, MailRefusedError)


def test_a_mail_that_was_taken_stays_so_whatever_the_server_says_to_the_goodbye(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(mail_servers, "_GOODBYE_SECONDS", 0.1)
    for drips in (False, True):
        with stalling_mail_server("QUIT", drips=drips) as port:
            server_at(port).deliver(HELLO, mail_id=new_id())


# aiosmtpd takes a connection that is encrypted from the start for one in the clear.
@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_nothing_is_sent_before_the_connection_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
):
    certificate = certificate_for_localhost(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    user = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"
    ways: tuple[Security, ...] = ("starttls", "tls")
    for security in ways:
        with subtests.test(security):
            box = MailBox()
            with mail_server(
                box,
                certificate=certificate,
                security=security,
                asks_for_password=True,
            ) as port:
                server = server_at(port, security=security, user=user)
                server.deliver(HELLO, mail_id=new_id())
                wrong, nobody = (
                    replace(server, password=EMAIL),
                    replace(server, username=""),
                )
                with pytest.raises(MailNotSentError, match="535"):
                    wrong.deliver(HELLO, mail_id=new_id())
                with pytest.raises(MailNotSentError, match="530"):
                    nobody.deliver(HELLO, mail_id=new_id())
                monkeypatch.delenv("SSL_CERT_FILE")
                with pytest.raises(MailNotSentError, match="SSL"):
                    server.deliver(HELLO, mail_id=new_id())
                monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

            assert (box.encrypted, box.signed_in) == ([True], [True])
            assert PASSWORD not in repr(server)
    with subtests.test("a server without encryption"):
        box = MailBox()
        with (
            mail_server(box) as port,
            pytest.raises(MailNotSentError, match="STARTTLS"),
        ):
            server_at(port, security="starttls").deliver(HELLO, mail_id=new_id())
        assert box.mails == []


def test_the_mails_of_an_erased_person_are_never_sent(store: Store):
    store = with_mail(store, free_port())
    person_id = register(store, name="Ada", email=EMAIL, context=asking())
    let_send(store, subject=person_id)

    erase(store, person_id, context=asking())

    assert waiting(store) == []
