"""Invitations go by mail where a mail server is set up, and carry nothing else."""

from typing import Any
from uuid import uuid4

import pytest

from application.mail.names import name_in_mail
from tests.api.routes.members.test_invitations import address, invite, token_of
from tests.kit.application import Tenant, data_of
from tests.kit.mail_server import text_of
from tests.kit.mailing import PUBLIC_URL, Mailing
from tests.kit.people import PASSWORD, owner_of
from tests.kit.visitor import Visitor

INVITATION = "/invitations/"


@pytest.fixture
def alps(mailing: Mailing) -> Tenant:
    return mailing.goatherd.tenant()


def named(tenant: Tenant, name: str) -> None:
    tenant.patch("/organization", {"name": name})
    tenant.goatherd.catch_up()


def texts_to(mailing: Mailing, email: str) -> list[str]:
    return [text_of(mail) for mail in mailing.mails_to(email)]


def resend(tenant: Tenant, sent: dict[str, Any]) -> dict[str, Any]:
    return data_of(tenant.post(f"/invitations/{sent['id']}/resend"), status=200)


def test_the_mail_says_who_invites_to_what_and_has_a_link_of_its_own(
    alps: Tenant, mailing: Mailing
):
    named(alps, "Goat & Co")
    ada, email = owner_of(alps, name="Ada Alm"), address()
    alps.goatherd.catch_up()
    page = ada.browser.see("/members")
    answer = ada.browser.submit(
        page,
        "/members/invitations",
        email=email,
        role="viewer",
        projects="some",
        project_ids=str(alps.project_id),
    )
    (mail,) = mailing.mails_to(email)
    text, link = text_of(mail), mailing.link_to(email, INVITATION)

    assert answer.status_code == 201, answer.text
    assert "A mail with a link is on its way to them." in answer.text
    assert mail["Subject"] == "Invitation to Goat & Co on Goatherd"
    assert text.startswith("Ada Alm invites you to Goat & Co on Goatherd,")
    assert "As a viewer you look at figures and export them." in text
    project = data_of(alps.get(f"/projects/{alps.project_id}"))["name"]
    assert f"Projects: {project}." in text
    assert "payments" not in text
    assert email in text
    assert link not in answer.text
    done = Visitor(alps.goatherd).post(
        f"{link}/accept", {"name": "Ben", "password": PASSWORD}
    )
    assert (done.status_code, done.headers["Location"]) == (303, "/")


def test_one_link_ends_the_other(alps: Tenant, mailing: Mailing):
    visitor, email, other = Visitor(alps.goatherd), address(), address()
    sent = invite(alps, email, money=True)
    first = mailing.link_to(email, INVITATION)
    again = resend(alps, sent)
    second = mailing.link_to(email, INVITATION)

    assert (sent["mailed"], again["mailed"]) == (True, True)
    assert "You may see and change payments." in texts_to(mailing, email)[0]
    visitor.see(first, status=410)
    visitor.see(f"{INVITATION}{token_of(sent)}", status=410)
    visitor.see(second)
    assert visitor.post(f"{second}/decline").status_code == 200
    visitor.see(f"{INVITATION}{token_of(again)}", status=410)
    sent = invite(alps, other)
    alps.delete(f"/invitations/{sent['id']}")
    # The mail still waited, and had the address.
    assert mailing.mails_to(other) == []


def test_an_address_is_sent_three_mails_a_day(alps: Tenant, mailing: Mailing):
    email = address()
    sent = invite(alps, email)
    mailed = [resend(alps, sent)["mailed"] for _ in range(2)]
    third = mailing.link_to(email, INVITATION)
    mailed.append(resend(alps, sent)["mailed"])
    # The last sending had no mail, and ended the link of the mail before.
    Visitor(alps.goatherd).see(third, status=410)
    elsewhere = invite(mailing.goatherd.tenant(), email)

    assert mailed == [True, True, False]
    assert elsewhere["mailed"] is True
    assert invite(alps)["mailed"] is True


def test_names_in_a_mail_are_short_and_no_links(
    alps: Tenant, mailing: Mailing, subtests: pytest.Subtests
):
    for name, shown in {
        "Goat & Co.": "Goat & Co.",
        "Zoë's Herd (Ümlaut), 2nd": "Zoë's Herd (Ümlaut), 2nd",
        "हिन्दी बकरी": "हिन्दी बकरी",
        "Win at https://evil.example/x?a=b": "Win at https evil. example x?a b",
        "evil.example": "evil. example",
        "<b>Hi</b> [you](evil)": "b Hi b you (evil)",
        "a\r\nBcc: eve@evil.example": "a Bcc eve evil. example",
        "evil\N{IDEOGRAPHIC FULL STOP}example": "evil example",
        "\N{GOAT} \N{PARTY POPPER}": "",
        "x" * 200: "x" * 59 + "…",
    }.items():
        with subtests.test(name):
            assert name_in_mail(name) == shown
    named(alps, "Cheap hay: http://evil.example\nBuy now " + "!" * 90)
    email = address()
    invite(alps, email)
    (mail,) = mailing.mails_to(email)

    assert "evil.example" not in f"{mail['Subject']}{text_of(mail)}"
    assert "://" not in text_of(mail).replace(PUBLIC_URL, "")
    assert len(mail["Subject"]) < 100


def test_without_a_mail_server_nothing_is_mailed(home: Tenant):
    sent = invite(home, f"ben.{uuid4().hex}@example.com")

    assert sent["mailed"] is False
    assert home.goatherd.query("SELECT FROM mails") == []
