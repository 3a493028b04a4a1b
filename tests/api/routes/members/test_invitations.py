"""Invitations are made, sent again and withdrawn, and answered once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from application.accounts.invitations import Invited
from application.accounts.joining import Joining
from application.accounts.service import SignedIn
from domain import events as e
from domain.organization.errors import AnotherAddressError, InvitationOverError
from domain.person.errors import EmailTakenError, WeakPasswordError
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of
from tests.kit.people import (
    COOKIE,
    PASSWORD,
    Colleague,
    a_browser,
    member_of,
    owner_of,
    with_joining,
)
from tests.kit.visitor import Visitor


def address() -> str:
    return f"ben.{uuid4().hex}@example.com"


def invite(home: Tenant, email: str = "", **rights: object) -> dict[str, Any]:
    body = {"email": email or address(), "role": "viewer", **rights}
    return data_of(home.post("/invitations", body), status=201)


def token_of(sent: dict[str, Any]) -> str:
    return sent["link"].rpartition("/")[2]


def declined(home: Tenant, sent: dict[str, Any]) -> tuple[int, str | None]:
    """The answer to somebody without a key, who declines."""
    answer = home.post(
        "/invitations/decline",
        {"token": token_of(sent)},
        headers={"Authorization": ""},
    )
    return code_of(answer)


def joined(home: Tenant, sent: dict[str, Any], *, password: str = PASSWORD) -> SignedIn:
    """Somebody without an account, who accepts."""
    return with_joining(
        home.goatherd,
        lambda joining: joining.join(
            token_of(sent), name="Ben", password=password, client=a_browser()
        ),
    )


def accepted(home: Tenant, sent: dict[str, Any], person: Colleague) -> SignedIn | None:
    """Somebody who is signed in elsewhere, and accepts."""
    ((session_id,),) = home.goatherd.query(
        "SELECT id FROM person_sessions WHERE person_id = %s", person.id
    )
    return with_joining(
        home.goatherd,
        lambda joining: joining.accept_invitation(
            token_of(sent),
            person_id=person.id,
            session_id=session_id,
            client=a_browser(),
        ),
    )


def accept_by(
    key: Tenant, sent: dict[str, Any], headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer to somebody who accepts with a key of their own."""
    body = {"token": token_of(sent)}
    return key.post("/invitations/accept", body, headers=headers)


def links(home: Tenant) -> int:
    ((number,),) = home.goatherd.query(
        "SELECT count(*) FROM invitation_links WHERE organization_id = %s",
        home.organization_id,
    )
    return number


def test_an_invitation_has_a_link_that_no_other_answer_shows(home: Tenant):
    email = address()
    projects = [str(home.project_id)]
    head = home.goatherd.head

    sent = invite(home, f" {email}", role="member", project_ids=projects, money=True)

    (recorded,) = home.goatherd.since(head)
    event = recorded.event
    assert isinstance(event, e.InvitationMade)
    assert event == e.InvitationMade(
        id=UUID(sent["id"]),
        email=email,
        role="member",
        project_ids=(home.project_id,),
        money=True,
        expires_at=event.expires_at,
    )
    assert {**sent, "expires_at": "", "link": ""} == {
        "id": sent["id"],
        "email": email,
        "role": "member",
        "project_ids": projects,
        "expires_at": "",
        "link": "",
        "mailed": False,
    }
    until = datetime.fromisoformat(sent["expires_at"])
    assert timedelta(days=7, minutes=-2) < until - datetime.now(UTC)
    assert "/invitations/" in sent["link"]
    listed = home.get("/invitations")
    assert data_of(listed) == [
        {
            "id": sent["id"],
            "email": email,
            "role": "member",
            "project_ids": projects,
            "money": True,
            "invited_by": f"key:{home.key_id}",
            "created_at": recorded.recorded_at.isoformat().replace("+00:00", "Z"),
            "expires_at": sent["expires_at"],
        }
    ]
    assert token_of(sent) not in listed.text
    (digest,) = home.goatherd.query(
        "SELECT digest FROM invitation_links WHERE invitation_id = %s", sent["id"]
    )
    assert token_of(sent).encode() not in bytes(digest[0])


def test_a_repeated_request_gets_the_same_link_which_is_not_stored(home: Tenant):
    body = {"email": address(), "role": "viewer"}
    headers = {"Idempotency-Key": uuid4().hex}

    first = home.post("/invitations", body, headers=headers)
    again = home.post("/invitations", body, headers=headers)

    sent = data_of(first, status=201)
    assert data_of(again, status=201) == sent
    path = f"/invitations/{sent['id']}/resend"
    headers = {"Idempotency-Key": uuid4().hex}
    resent = data_of(home.post(path, headers=headers))
    assert resent["link"] != sent["link"]
    assert data_of(home.post(path, headers=headers)) == resent
    stored = home.goatherd.query(
        "SELECT convert_from(body, 'UTF8') FROM idempotency WHERE organization_id = %s",
        home.organization_id,
    )
    assert len(stored) == 2
    for (text,) in stored:
        assert body["email"] not in text
        assert token_of(sent) not in text
        assert token_of(resent) not in text


def test_an_invitation_that_is_sent_again_has_another_link(home: Tenant):
    sent = invite(home)

    resent = data_of(home.post(f"/invitations/{sent['id']}/resend"))

    assert resent["expires_at"] > sent["expires_at"]
    assert {**resent, "link": "", "expires_at": ""} == {
        **sent, "link": "", "expires_at": "",
    }  # fmt: skip
    assert declined(home, sent) == (410, "gone")
    assert declined(home, resent) == (200, None)


def test_somebody_without_an_account_registers_and_is_signed_in(home: Tenant):
    sent = invite(home, role="member", money=True)
    head = home.goatherd.head

    with pytest.raises(WeakPasswordError):
        joined(home, sent, password="short")  # noqa: S106 - of a test
    signed_in = joined(home, sent)

    kinds = [type(recorded.event) for recorded in home.goatherd.since(head)]
    assert kinds == [
        *(e.PersonRegistered, e.SignInMethodChanged, e.PersonSignedIn),
        *(e.InvitationAccepted, e.MemberAdded),
    ]
    (member,) = data_of(home.get("/members"))
    assert (member["name"], member["email"]) == ("Ben", sent["email"])
    assert (member["role"], member["money"]) == ("member", True)
    browser = Visitor(home.goatherd)
    browser.cookies[COOKIE] = signed_in.token
    assert browser.get("/creators").status_code == 200
    assert data_of(home.get("/invitations")) == []
    assert links(home) == 0
    with pytest.raises(InvitationOverError):
        joined(home, sent)
    assert declined(home, sent) == (410, "gone")


def test_somebody_with_an_account_accepts_and_changes_over(
    home: Tenant, stranger: Tenant
):
    ben = member_of(stranger, role="admin")
    other = invite(home, role="viewer")
    own = invite(home, ben.email.upper(), role="viewer")
    before = ben.browser.cookies[COOKIE]

    with pytest.raises(EmailTakenError):
        joined(home, own)
    with pytest.raises(AnotherAddressError):
        accepted(home, other, ben)
    signed_in = accepted(home, own, ben)

    assert signed_in is not None
    assert signed_in.token != before
    assert data_of(home.get(f"/members/{ben.id}"))["role"] == "viewer"
    assert data_of(stranger.get(f"/members/{ben.id}"))["role"] == "admin"
    ((organization_id,),) = home.goatherd.query(
        "SELECT organization_id FROM person_sessions WHERE person_id = %s", ben.id
    )
    assert organization_id == home.organization_id
    assert ben.browser.get("/creators").status_code in {303, 401}
    with pytest.raises(InvitationOverError):
        accepted(home, own, ben)


def test_a_person_changes_over_to_their_organizations_only(
    home: Tenant, stranger: Tenant, goatherd: Goatherd
):
    ben = member_of(stranger, role="admin")
    signed_in = accepted(home, invite(home, ben.email, role="viewer"), ben)
    nowhere = goatherd.tenant()
    assert signed_in is not None

    def switched(to: Tenant) -> SignedIn | None:
        ((session_id,),) = goatherd.query(
            "SELECT id FROM person_sessions WHERE person_id = %s", ben.id
        )
        return with_joining(
            goatherd,
            lambda joining: joining.switch_organization(
                session_id, person_id=ben.id, organization_id=to.organization_id
            ),
        )

    names = with_joining(goatherd, lambda joining: joining.organizations_of(ben.id))
    assert {(one.id, one.role) for one in names} == {
        (home.organization_id, "viewer"),
        (stranger.organization_id, "admin"),
    }
    assert switched(nowhere) is None
    back = switched(stranger)
    assert back is not None
    assert back.token != signed_in.token
    data_of(stranger.delete(f"/members/{ben.id}"))
    assert (
        goatherd.query("SELECT id FROM person_sessions WHERE person_id = %s", ben.id)
        == []
    )


def test_the_invited_person_reads_who_invites_them_to_what(home: Tenant):
    sent = invite(home, project_ids=[str(home.project_id)])
    home.goatherd.catch_up()

    async def read(joining: Joining) -> Invited | None:
        return await joining.invited(token_of(sent))

    invited = with_joining(home.goatherd, read)
    assert invited is not None
    assert (invited.email, invited.role) == (sent["email"], "viewer")
    assert invited.projects == ["First project"]
    assert invited.inviter is None
    data_of(home.delete(f"/invitations/{sent['id']}"))
    assert with_joining(home.goatherd, read) is None


def test_a_declined_or_withdrawn_invitation_forgets_its_address(home: Tenant):
    gone = invite(home)
    withdrawn = invite(home)
    path = f"/invitations/{withdrawn['id']}"

    assert declined(home, gone) == (200, None)
    assert data_of(home.delete(path)) == {"id": withdrawn["id"], "withdrawn": True}

    addresses = [
        event.email
        for event in home.goatherd.events(home.organization_id)
        if isinstance(event, e.InvitationMade)
    ]
    assert addresses == ["erased", "erased"]
    rows = home.goatherd.query(
        "SELECT email, ended_at IS NULL FROM invitations WHERE organization_id = %s",
        home.organization_id,
    )
    assert rows == [(None, False), (None, False)]
    assert links(home) == 0
    last = home.goatherd.log(home.organization_id)[-2]
    assert (last.event, last.actor) == (
        e.InvitationDeclined(id=UUID(gone["id"])),
        "invited",
    )
    for over in (gone, withdrawn):
        assert declined(home, over) == (410, "gone")
        with pytest.raises(InvitationOverError):
            joined(home, over)
        assert code_of(home.delete(f"/invitations/{over['id']}")) == (404, "not_found")
        again = home.post(f"/invitations/{over['id']}/resend")
        assert code_of(again) == (404, "not_found")


def test_nobody_is_invited_twice_or_as_a_member(home: Tenant):
    ada = owner_of(home)
    sent = invite(home)

    for email, code in (
        (sent["email"].upper(), "already_invited"),
        (f" {ada.email}", "already_member"),
    ):
        answer = home.post("/invitations", {"email": email, "role": "viewer"})
        assert code_of(answer) == (409, code)


def test_wrong_invitations_are_refused(home: Tenant, stranger: Tenant):
    def refused(**wrong: object) -> tuple[int, str | None]:
        body = {"email": address(), "role": "viewer", **wrong}
        return code_of(home.post("/invitations", body))

    theirs = [str(stranger.project_id)]
    assert refused(email="nobody") == (400, "invalid_body")
    assert refused(role="boss") == (400, "invalid_body")
    assert refused(role="admin", project_ids=[]) == (400, "invalid_body")
    assert refused(project_ids=theirs) == (404, "not_found")
    owner_of(home)
    assert refused(role="owner") == (403, "owners_only")
    assert refused(name="Ben") == (400, "invalid_body")
    sent = invite(home)
    path = f"/invitations/{sent['id']}"
    assert code_of(stranger.delete(path)) == (404, "not_found")
    assert code_of(stranger.post(f"{path}/resend")) == (404, "not_found")
    assert data_of(stranger.get("/invitations")) == []


def test_members_and_open_invitations_fill_the_plan(goatherd: Goatherd):
    small = goatherd.tenant(plan="free")
    member_of(small)
    sent = invite(small)

    full = small.post("/invitations", {"email": address(), "role": "viewer"})
    assert code_of(full) == (402, "limit_reached")
    assert full.json()["meta"]["limitKey"] == "max_members_per_org"
    assert full.json()["meta"]["current"] == 2
    # An invitation has its place already.
    joined(small, sent)
    usage = data_of(small.get("/organization"))["usage"]["members"]
    assert usage == {"used": 2, "limit": 2}


def test_a_key_of_the_organization_accepts_nothing(home: Tenant, stranger: Tenant):
    sent = invite(home)

    answer = stranger.post("/invitations/accept", {"token": token_of(sent)})

    assert code_of(answer) == (403, "person_required")


def test_a_person_accepts_with_a_key_once(
    home: Tenant, stranger: Tenant, subtests: pytest.Subtests
):
    # A key that only reads is enough, also of somebody who sees one project there.
    for number, limited in enumerate((None, [str(stranger.project_id)])):
        with subtests.test(limited=limited):
            ben = member_of(stranger, role="viewer", project_ids=limited)
            key = stranger.with_key("read", person_id=ben.id)
            rights = {
                "role": "member",
                "project_ids": [str(home.project_id)],
                "money": True,
            }
            sent = invite(home, ben.email.upper(), **rights)
            others = invite(home)
            once = {"Idempotency-Key": f'"{uuid4()}"'}

            assert code_of(accept_by(key, others)) == (403, "another_address")
            first = accept_by(key, sent, once)
            assert data_of(first) == {"org_id": str(home.organization_id), **rights}
            # A repeated request has the first answer, another one comes too late.
            repeated = accept_by(key, sent, once)
            assert repeated.headers["Idempotent-Replayed"] == "true"
            assert data_of(repeated) == data_of(first)
            assert code_of(accept_by(key, sent)) == (410, "gone")
            # The refused one is still there for the invited person.
            assert declined(home, others) == (200, None)

            member = data_of(home.get(f"/members/{ben.id}"))
            assert {name: member[name] for name in rights} == rights
            there = data_of(stranger.get(f"/members/{ben.id}"))
            assert (there["role"], there["project_ids"]) == ("viewer", limited)
            assert len(data_of(home.get("/members"))) == number + 1


def test_a_replaced_or_withdrawn_link_opens_nothing_to_a_key(
    home: Tenant, stranger: Tenant
):
    ben = member_of(stranger)
    key = stranger.with_key("read", person_id=ben.id)
    first = invite(home, ben.email)
    path = f"/invitations/{first['id']}"
    second = data_of(home.post(f"{path}/resend"))

    assert code_of(accept_by(key, first)) == (410, "gone")
    data_of(home.delete(path))
    assert code_of(accept_by(key, second)) == (410, "gone")
    assert data_of(home.get("/members")) == []


def test_an_expired_invitation_frees_its_place_and_its_address(goatherd: Goatherd):
    small = goatherd.tenant(plan="free")
    member_of(small)
    sent = invite(small)
    goatherd.append(
        small.organization_id,
        e.InvitationSentAgain(id=UUID(sent["id"]), expires_at=ago(1)),
    )

    assert declined(small, sent) == (410, "gone")
    with pytest.raises(InvitationOverError):
        joined(small, sent)
    second = invite(small, sent["email"])
    assert data_of(small.get("/invitations"))[0]["id"] == second["id"]
    other = small.post(f"/invitations/{sent['id']}/resend")
    assert code_of(other) == (404, "not_found")


def test_an_expired_invitation_that_is_sent_again_takes_a_place(goatherd: Goatherd):
    small = goatherd.tenant(plan="free")
    member_of(small)
    sent = invite(small)
    goatherd.append(
        small.organization_id,
        e.InvitationSentAgain(id=UUID(sent["id"]), expires_at=ago(1)),
    )
    other = invite(small)

    path = f"/invitations/{sent['id']}/resend"
    assert code_of(small.post(path)) == (402, "limit_reached")
    data_of(small.delete(f"/invitations/{other['id']}"))
    assert declined(small, data_of(small.post(path))) == (200, None)
