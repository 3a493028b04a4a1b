"""A channel for mails to creators: its tests, and the creators who opt out."""

from typing import Any
from uuid import UUID, uuid4

from domain import events as e
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.mail_server import text_of
from tests.kit.mailing import PUBLIC_URL, Mailing

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def add_channel(home: Tenant) -> dict[str, Any]:
    body = {
        "kind": "creator_email",
        "name": "To creators",
        "project_id": str(home.project_id),
    }
    return data_of(home.post("/channels", body), status=201)


def add_creator(home: Tenant, email: str = "") -> dict[str, Any]:
    creator = home.add(f"goat.{uuid4().hex[:12]}")
    if email:
        path = f"/creators/{creator['id']}"
        data_of(home.patch(path, {"contact_email": email}))
    home.goatherd.catch_up()
    return creator


def test_it_needs_a_project_and_no_address_and_is_for_no_rule(home: Tenant):
    channel = add_channel(home)
    assert (channel["url"], channel["address"]) == (None, None)
    path = f"/channels/{channel['id']}"
    body = {"kind": "creator_email", "name": "To creators"}
    project = {"project_id": str(home.project_id)}
    rule = {
        "name": "Mine",
        "condition": {"type": "creator_disabled"},
        "channels": ["in_app", channel["id"]],
    }
    slack = {"kind": "slack", "url": "http://127.0.0.1:9/in"}
    other = data_of(home.post("/channels", slack), status=201)
    assert other["name"] == "Slack"
    to_creator = {"creator_id": str(uuid4())}
    refused = (
        (home.post("/channels", body), "/project_id"),
        (home.post("/channels", {**body, **project, "address": "a@b.de"}), "/address"),
        (home.patch(path, {"project_id": None}), "/project_id"),
        (home.patch(path, {"url": "http://127.0.0.1:9/in"}), "/url"),
        (home.post("/alert-rules", rule), "/channels"),
        (home.post(f"{path}/test"), "/creator_id"),
        (home.post(f"{path}/test", {}), "/creator_id"),
        (home.post(f"{path}/test", to_creator), "/creator_id"),
        (home.post(f"/channels/{other['id']}/test", to_creator), "/creator_id"),
        (home.post(f"{path}/test", {"creator_id": "ada"}), "/creator_id"),
    )
    for answer, field in refused:
        assert code_of(answer) == (400, "invalid_body"), (field, answer.text)
        assert answer.json()["meta"]["fields"][0]["path"] == field, answer.text


def test_a_test_reaches_a_creator_until_they_opt_out(mailing: Mailing):
    home = mailing.goatherd.tenant()
    email = f"{uuid4().hex[:12]}@herd.example"
    creator, mute = add_creator(home, email), add_creator(home)
    elsewhere = data_of(home.post("/projects", {"name": "Else"}), status=201)
    channel = f"/channels/{add_channel(home)['id']}"
    body = {"creator_id": creator["id"]}
    own = f"/creators/{creator['id']}"

    keyed = {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        sent = data_of(home.post(f"{channel}/test", body, headers=keyed))
        assert (sent["delivered"], sent["error"]) == (True, None)
    (mail,) = mailing.mails_to(email)
    unmailable = home.post(f"{channel}/test", {"creator_id": mute["id"]})
    assert code_of(unmailable) == (409, "no_contact_address")
    assert unmailable.json()["meta"]["fields"][0]["path"] == "/creator_id"
    assert data_of(home.get(f"{own}/contact"))["opted_out_at"] is None

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip("<>").removeprefix(PUBLIC_URL)
    assert link in text_of(mail)
    client = mailing.goatherd.client
    opened = client.get(link)
    assert (opened.status_code, email in opened.text) == (200, False)
    assert data_of(home.get(f"{own}/contact"))["opted_out_at"] is None
    wrong = f"{link[:-8]}AAAAAAAA"
    assert client.post(wrong, data=ONE_CLICK).status_code == 404
    answers = [client.post(link, data=ONE_CLICK) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "You are unsubscribed" in client.get(link).text

    # At once: no projection ran in between.
    assert code_of(home.post(f"{channel}/test", body)) == (409, "opted_out")
    home.goatherd.catch_up()
    contact = data_of(home.get(f"{own}/contact"))
    (left,) = [
        event
        for event in home.goatherd.events(UUID(creator["id"]))
        if isinstance(event, e.CreatorOptedOut)
    ]
    assert contact["opted_out_at"] == left.at.isoformat().replace("+00:00", "Z")
    history = data_of(home.get(f"{own}/history"))
    assert history[0]["summary"].startswith("Opted out of mails by ")
    # Another address does not undo it.
    data_of(home.patch(own, {"contact_email": f"new.{email}"}))
    assert code_of(home.post(f"{channel}/test", body)) == (409, "opted_out")
    assert len(mailing.mails_to(email)) == 1
    assert mailing.mails_to(f"new.{email}") == []

    data_of(home.patch(channel, {"project_id": elsewhere["id"]}))
    moved = home.post(f"{channel}/test", body)
    assert moved.json()["meta"]["fields"][0]["path"] == "/creator_id"
    home.goatherd.catch_up()
    erased = home.post(f"{own}/erase", {"confirm": creator["tiktok_handle"]})
    data_of(erased)
    home.goatherd.catch_up()
    assert client.get(link).status_code == 404
    gone = data_of(home.get(f"{own}/contact"))
    assert (gone["contact_email"], gone["opted_out_at"]) == (None, None)


def test_without_a_mail_server_a_test_says_so(home: Tenant):
    creator = add_creator(home, "ada@herd.example")
    channel = add_channel(home)

    answer = home.post(f"/channels/{channel['id']}/test", {"creator_id": creator["id"]})

    assert code_of(answer) == (409, "mail_not_set_up")
