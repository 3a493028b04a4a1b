"""/settings/channels: channels are added, tested, changed and removed on pages."""

from collections.abc import Iterator

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.markup import read
from tests.kit.scripted_site import Answer, ScriptedSite
from tests.kit.visitor import Visitor

PATH = "/settings/channels"


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


def test_a_channel_is_added_tested_switched_off_and_removed(
    visitor: Visitor, home: Tenant, site: ScriptedSite
):
    site.answers["/in"] = Answer(status=404, body=b"no_service")
    page = visitor.see(f"{PATH}?kind=slack")

    wrong = visitor.submit(page, PATH, to="https://10.0.0.1/")
    visitor.submit(page, PATH, name="Ops", to=f"{site.url}/in")
    (channel,) = data_of(home.get("/channels"))
    own = f"{PATH}/{channel['id']}"
    tested = visitor.submit(visitor.see(own), f"{own}/test")
    saved = visitor.submit(visitor.see(own), own, name="Night", to="")
    visitor.submit(visitor.see(own), f"{own}/disable")
    off = data_of(home.get(f"/channels/{channel['id']}"))

    assert "inside of a network" in read(wrong.text).one("p", id="h-to").text
    assert channel["name"] == "Ops"
    assert "The answer was 404." in read(tested.text).text
    assert "no_service" in read(tested.text).text
    assert saved.status_code == 303
    assert (off["name"], off["enabled"], off["url"]) == (
        "Night",
        False,
        channel["url"],
    )
    visitor.submit(visitor.see(own), f"{own}/remove")
    assert data_of(home.get("/channels")) == []


def test_the_secret_of_a_webhook_is_shown_once_and_mail_says_what_is_missing(
    visitor: Visitor, home: Tenant
):
    page = visitor.see(f"{PATH}?kind=webhook")
    added = visitor.submit(page, PATH, to="http://127.0.0.1:9/in")
    mail = visitor.see(f"{PATH}?kind=email")
    visitor.submit(mail, PATH, to="ada@herd.example")
    home.goatherd.catch_up()

    assert added.status_code == 201
    assert "whsec_" in added.text
    assert "set GOATHERD_SMTP_URL" in mail.text
    listed = visitor.get(PATH).text
    assert "whsec_" not in listed
    assert "ada@herd" not in listed


def test_a_channel_for_creators_tests_one_of_them_by_the_handle(
    visitor: Visitor, home: Tenant
):
    page = visitor.see(f"{PATH}?kind=creator_email")
    assert not page.all("input", name="to")
    visitor.submit(page, PATH, project_id=str(home.project_id))
    (channel,) = data_of(home.get("/channels"))
    creator = home.add("ada.of.pages")
    home.goatherd.catch_up()
    own = f"{PATH}/{channel['id']}"

    def tested(handle: str) -> str:
        answer = visitor.submit(visitor.see(own), f"{own}/test", creator=handle)
        return read(answer.text).text

    assert channel["name"] == "Email to creators"
    assert "Is no creator of the channel's project." in tested("nobody")
    assert "handle has 1 to 30" in tested("a b").lower() or "not a" in tested("a b")
    assert "The creator has no contact address" in tested("@ada.of.pages")
    email = {"contact_email": "ada@herd.example"}
    data_of(home.patch(f"/creators/{creator['id']}", email))
    assert "set GOATHERD_SMTP_URL" in tested("ada.of.pages")
    rule = visitor.see("/alerts/rules/new?type=creator_disabled")
    assert [box["value"] for box in rule.all("input", name="channels")] == ["in_app"]


def test_a_rule_chooses_its_channels_and_others_keep_them(
    visitor: Visitor, home: Tenant
):
    body = {"kind": "ntfy", "name": "Phone", "url": "http://127.0.0.1:9/topic"}
    channel = data_of(home.post("/channels", body), status=201)
    home.goatherd.catch_up()
    page = visitor.see("/alerts/rules/new?type=creator_disabled")
    assert [
        box["value"]
        for box in page.all("input", name="channels")
        if "checked" in box.attributes
    ] == ["in_app"]

    visitor.submit(
        page, "/alerts/rules", name="Gone", act="save", channels=channel["id"]
    )
    home.goatherd.catch_up()
    (rule,) = [row for row in home.every("/alert-rules") if row["name"] == "Gone"]
    writer = Visitor(home.goatherd)
    writer.sign_in(home.with_key("read", "write").key)
    own = f"/alerts/rules/{rule['id']}"
    saved = writer.submit(writer.see(own), own, name="Lost", act="save")
    home.goatherd.catch_up()

    assert saved.status_code == 303
    assert rule["channels"] == [channel["id"]]
    changed = data_of(home.get(f"/alert-rules/{rule['id']}"))
    assert (changed["name"], changed["channels"]) == ("Lost", [channel["id"]])


def test_the_box_of_a_webhook_lets_the_own_key_sign(visitor: Visitor, home: Tenant):
    path = "/settings/webhooks"
    url = "http://127.0.0.1:9/hook"
    visitor.submit(visitor.see(path), path, url=url, key="on")

    (webhook,) = data_of(home.get("/webhooks"))
    assert webhook["signatures"] == ["v1", "v1a"]
    own = f"{path}/{webhook['id']}"
    visitor.submit(visitor.see(own), own, description="Kept")
    (webhook,) = data_of(home.get("/webhooks"))
    assert webhook["signatures"] == ["v1", "v1a"]
