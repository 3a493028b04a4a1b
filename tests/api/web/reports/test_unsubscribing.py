"""/unsubscribe/{token}: a recipient gets no more mails, by a link or by one click."""

from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from application.reports.preparing import owned_report, prepared_issue
from domain import events as e
from infra.eventstore.store import BusyError, open_store
from tests.api.routes.test_reports import a_posting_creator
from tests.kit.application import Tenant, data_of
from tests.kit.mailing import PUBLIC_URL, Mailing
from tests.kit.patience import PATIENTLY

ADA, BO = "ada@example.com", "bo@example.com"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def a_sent_report(mailing: Mailing, *recipients: str) -> tuple[Tenant, dict[str, Any]]:
    home = mailing.goatherd.tenant()
    report = {"name": "Monday", "recipients": recipients}
    made = data_of(home.post("/reports", report), status=201)
    send(home, made)
    return home, made


def send(home: Tenant, report: dict[str, Any]) -> int:
    home.goatherd.catch_up()
    return data_of(home.post(f"/reports/{report['id']}/send"), status=201)["mailed"]


def link_in(mail: EmailMessage) -> str:
    url = mail["List-Unsubscribe"].strip("<>")
    assert url.startswith(f"{PUBLIC_URL}/unsubscribe/")
    return url.removeprefix(PUBLIC_URL)


def recipients_of(home: Tenant, report: dict[str, Any]) -> tuple[list[str], list[str]]:
    home.goatherd.catch_up()
    shown = data_of(home.get(f"/reports/{report['id']}"))
    return shown["recipients"], shown["unsubscribed"]


def test_a_mail_program_unsubscribes_one_recipient_at_once(mailing: Mailing):
    ada, bo = f"one.{ADA}", f"one.{BO}"
    home, report = a_sent_report(mailing, ada, bo)
    client = mailing.goatherd.client
    (mail,), (other,) = mailing.mails_to(ada), mailing.mails_to(bo)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = link_in(mail)
    assert link != link_in(other)

    opened = client.get(link)
    assert opened.status_code == 200
    assert "Unsubscribe from “Monday”?" in opened.text
    assert (ada in opened.text, opened.headers["x-robots-tag"][:7]) == (
        False,
        "noindex",
    )
    assert recipients_of(home, report) == ([ada, bo], [])

    answers = [client.post(link, data=ONE_CLICK) for _ in range(2)]
    by_parts = client.post(link, files={"List-Unsubscribe": (None, "One-Click")})
    assert [answer.status_code for answer in (*answers, by_parts)] == [200] * 3
    assert "You are unsubscribed" in client.get(link).text
    assert recipients_of(home, report) == ([bo], [ada])
    left = [
        event
        for event in home.goatherd.events(report["id"])
        if isinstance(event, e.RecipientUnsubscribed)
    ]
    assert len(left) == 1

    assert send(home, report) == 1
    assert len(mailing.mails_to(bo)) == 2
    assert len(mailing.mails_to(ada)) == 1
    again = home.patch(f"/reports/{report['id']}", {"recipients": [ada, bo]})
    assert again.status_code == 400


def test_mails_that_wait_are_not_sent_to_those_who_left(mailing: Mailing):
    ada = f"two.{ADA}"
    home, report = a_sent_report(mailing, ada)
    (mail,) = mailing.mails_to(ada)
    assert send(home, report) == 1

    page = mailing.goatherd.client.post(link_in(mail), data=ONE_CLICK)

    assert page.status_code == 200
    assert len(mailing.mails_to(ada)) == 1


def test_mails_that_wait_are_not_sent_to_those_who_are_recipients_no_more(
    mailing: Mailing,
):
    ada, bo = f"three.{ADA}", f"three.{BO}"
    home, report = a_sent_report(mailing, ada, bo)
    path = f"/reports/{report['id']}"

    data_of(home.patch(path, {"recipients": [bo.title()]}))
    assert (len(mailing.mails_to(ada)), len(mailing.mails_to(bo))) == (0, 1)
    assert send(home, report) == 1
    data_of(home.delete(path))
    assert len(mailing.mails_to(bo)) == 1


def test_mails_that_wait_name_nobody_who_was_erased(mailing: Mailing):
    home = mailing.goatherd.tenant()
    creator_id, ada = a_posting_creator(home, "gonegoat"), f"erased.{ADA}"
    body = {"name": "Monday", "recipients": [ada]}
    report = data_of(home.post("/reports", body), status=201)
    assert send(home, report) == 1
    mailing.goatherd.catch_up()
    settings = replace(mailing.goatherd.store.settings, smtp_url=mailing.smtp_url)
    store = open_store(mailing.goatherd.url, pool_size=2, settings=settings)
    of = owned_report(store, settings.all_plans, UUID(report["id"]))
    prepared = prepared_issue(
        store, of, due_at=None, is_mailed=True, patience=PATIENTLY
    )
    assert "gonegoat" in prepared.mails[0][1].text

    erase = {"confirm": "gonegoat"}
    assert home.post(f"/creators/{creator_id}/erase", erase).status_code == 200

    with store.pool.connection() as connection, pytest.raises(BusyError):
        prepared.send(connection.cursor(), store)
    store.pool.close()
    assert mailing.mails_to(ada) == []
    assert send(home, report) == 1
    (mail,) = mailing.mails_to(ada)
    assert "gonegoat" not in mail.as_string()


def test_wrong_links_change_nothing_and_are_slowed_down(
    mailing: Mailing,
):
    ada, bo = f"three.{ADA}", f"three.{BO}"
    home, report = a_sent_report(mailing, ada, bo)
    client = mailing.goatherd.client
    link = link_in(mailing.mails_to(ada)[0])
    path = "/unsubscribe/"
    token = link.removeprefix(path)
    flipped = "A" if token[30] != "A" else "B"
    for wrong in (f"{token[:30]}{flipped}{token[31:]}", "x", "é", "A" * 54, token * 3):
        answer = client.post(f"{path}{wrong}", data=ONE_CLICK)
        assert answer.status_code == 404, wrong
    assert recipients_of(home, report) == ([ada, bo], [])
    foreign = client.post(
        link, data=ONE_CLICK, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 400
    data_of(home.patch(f"/reports/{report['id']}", {"recipients": [bo]}))
    assert client.post(link, data=ONE_CLICK).status_code == 404

    codes = {client.get(f"{path}{number}").status_code for number in range(30)}
    assert codes == {404, 429}


def test_a_mail_has_a_plain_twin_and_the_charts(mailing: Mailing):
    ada = f"four.{ADA}"
    a_sent_report(mailing, ada)
    (mail,) = mailing.mails_to(ada)

    kinds = [part.get_content_type() for part in mail.walk()]

    assert kinds[:3] == ["multipart/alternative", "text/plain", "multipart/related"]
    assert "text/html" in kinds
    assert mail["Subject"].startswith("Monday")
