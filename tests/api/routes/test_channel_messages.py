"""Channels of rules get their alerts in order, and again after failures."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.channels.delivery import ChannelMessages
from application.channels.follow import WORK
from application.due.work import take_work
from application.due.worker import DueWorker
from domain import events as e
from infra.ids import new_id
from tests.api.routes.test_alerts import QUIET, made, silent
from tests.kit.application import Tenant, ago, data_of, settings_for
from tests.kit.builders import opened_store
from tests.kit.judging import judge
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        site.answers["/in"] = Answer(status=200)
        yield site


def added(home: Tenant, site: ScriptedSite, **fields: object) -> dict[str, Any]:
    body = {"kind": "webhook", "name": "Ops", "url": f"{site.url}/in", **fields}
    return data_of(home.post("/channels", body), status=201)


def deliver(home: Tenant) -> None:
    """Send all messages that are due."""
    url = home.goatherd.url
    with opened_store(url, settings=settings_for(url)) as store:
        worker = DueWorker(store.pool, ChannelMessages(store).due_kind)
        while worker.do_next():
            pass


def taken(site: ScriptedSite) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in site.received]


def make_due(home: Tenant) -> None:
    home.goatherd.query("UPDATE due_work SET not_before = now() WHERE kind = %s", WORK)


def state(home: Tenant, channel: dict[str, Any]) -> dict[str, Any]:
    return data_of(home.get(f"/channels/{channel['id']}"))


def test_a_channel_is_told_of_an_alert_when_it_opens_worsens_and_resolves(
    home: Tenant, site: ScriptedSite
):
    channel = added(home, site)
    off = added(home, site, enabled=False)
    creator_id = silent(home, "quiet.one", 30, 15)
    channels = ["in_app", channel["id"], off["id"]]
    rule = made(home, {**QUIET, "days": 10}, channels=channels)
    for _ in range(2):
        judge(home)
    deliver(home)
    data_of(home.patch(f"/alert-rules/{rule['id']}", {"condition": QUIET}))
    for _ in range(2):
        judge(home)
    deliver(home)
    home.found(creator_id, posted_at=ago(0))
    for _ in range(2):
        judge(home)
    deliver(home)

    got = taken(site)
    assert [each["type"] for each in got] == [
        "alert.opened",
        "alert.worsened",
        "alert.resolved",
    ]
    assert [each["data"]["severity"] for each in got] == [
        "warning",
        "critical",
        "critical",
    ]
    opened = got[0]["data"]
    assert opened["title"] == "No post for 10 days: @quiet.one"
    assert opened["text"].splitlines()[:2] == [
        "Creator: @quiet.one",
        "Evidence: 15 days without a post",
    ]
    assert "Rule: Mine" in opened["text"]
    alert_id = opened["alerts"][0]["id"]
    assert opened["link"].endswith(f"/alerts/{alert_id}")
    assert [each["data"]["alerts"][0]["id"] for each in got] == [alert_id] * 3
    after = state(home, channel)
    assert (after["failures"], after["waiting"], after["last_error"]) == (0, 0, None)
    assert after["last_sent_at"] is not None


def test_alerts_that_open_together_are_one_message_for_each_project(
    home: Tenant, site: ScriptedSite
):
    body = {"name": "Other"}
    other = data_of(home.post("/projects", body), status=201)["id"]
    every, only = added(home, site), added(home, site, project_id=other)
    for number in range(3):
        silent(home, f"silent.{number}", 20, 9)
    made(home, QUIET, channels=[every["id"], only["id"]])
    judge(home)
    deliver(home)

    (got,) = taken(site)
    assert got["data"]["title"] == "No post for 7 days: 3 creators"
    assert got["data"]["amount"] == 3
    assert "@silent.0" in got["data"]["text"]
    assert state(home, only)["last_sent_at"] is None


def test_a_message_about_a_failed_import_names_its_project_once(
    home: Tenant, site: ScriptedSite
):
    channel = added(home, site)
    made(home, {"type": "import_failed"}, channels=[channel["id"]])
    failed = e.ImportFinished(
        organization_id=home.organization_id,
        project_id=home.project_id,
        outcome="interrupted",
    )
    home.goatherd.append(new_id(), failed)
    judge(home)
    deliver(home)

    (got,) = taken(site)
    assert got["data"]["text"].count("Project: ") == 1
    assert str(home.project_id) not in got["data"]["text"]


def test_a_rule_that_ends_resolves_its_alerts_at_its_channels(
    home: Tenant, site: ScriptedSite
):
    channel = added(home, site)
    silent(home, "ending", 20, 9)
    rule = made(home, QUIET, channels=[channel["id"]])
    judge(home)
    data_of(home.delete(f"/alert-rules/{rule['id']}"))
    judge(home)
    deliver(home)

    assert [each["type"] for each in taken(site)] == ["alert.opened", "alert.resolved"]


def test_failures_are_shown_tried_again_and_given_up_after_a_day(
    home: Tenant, site: ScriptedSite
):
    channel = added(home, site)
    silent(home, "failing", 20, 9)
    rule = made(home, QUIET, channels=[channel["id"]])
    judge(home)
    data_of(home.delete(f"/alert-rules/{rule['id']}"))
    judge(home)
    site.answers["/in"] = Answer(status=500)
    for _ in range(3):
        deliver(home)
        make_due(home)
    failing = state(home, channel)
    news = [each["title"] for each in data_of(home.get("/notifications"))]
    home.goatherd.query(
        "UPDATE channel_messages SET created_at = now() - %s WHERE channel_id = %s "
        "AND content ->> 'type' = 'opened'",
        timedelta(days=1),
        UUID(channel["id"]),
    )
    deliver(home)
    given_up = state(home, channel)
    site.answers["/in"] = Answer(status=200)
    make_due(home)
    deliver(home)

    # The second message waited for the first.
    assert [each["type"] for each in taken(site)[:3]] == ["alert.opened"] * 3
    assert (failing["failures"], failing["waiting"]) == (3, 2)
    assert failing["last_error"] == "The answer was 500."
    assert "A channel for Webhook did not take 3 messages in a row" in news
    assert given_up["waiting"] == 1
    assert taken(site)[-1]["type"] == "alert.resolved"
    assert state(home, channel)["failures"] == 0
    news = [each["title"] for each in data_of(home.get("/notifications"))]
    assert "A channel for Webhook did not take a message, which was given up" in news


def test_a_turn_of_several_slow_messages_keeps_its_channel(
    home: Tenant, site: ScriptedSite
):
    channel = added(home, site)
    creators = [silent(home, f"slow.{number}", 20, 9) for number in range(2)]
    for creator_id in creators:
        scope = {"type": "creator", "id": creator_id}
        made(home, QUIET, channels=[channel["id"]], scope=scope)
    judge(home)
    others: list[object] = []

    def answer(request: ReceivedRequest) -> Answer:
        del request
        # Two thirds of a lease go by, and another worker looks for work.
        home.goatherd.query(
            "UPDATE due_work SET not_before = not_before - %s WHERE kind = %s",
            timedelta(minutes=2),
            WORK,
        )
        lease = timedelta(minutes=3)
        others.append(take_work(home.goatherd.store.pool, WORK, lease=lease))
        return Answer(status=200)

    site.answers["/in"] = answer
    deliver(home)

    assert others == [None, None]
    assert len({each["data"]["rule_id"] for each in taken(site)}) == 2
    assert state(home, channel)["waiting"] == 0


def test_a_channel_that_is_off_or_gone_drops_what_waits(
    home: Tenant, site: ScriptedSite
):
    off, gone = added(home, site), added(home, site)
    silent(home, "dropped", 20, 9)
    made(home, QUIET, channels=[off["id"], gone["id"]])
    judge(home)
    data_of(home.patch(f"/channels/{off['id']}", {"enabled": False}))
    data_of(home.delete(f"/channels/{gone['id']}"))
    data_of(home.patch(f"/channels/{off['id']}", {"enabled": True}))
    deliver(home)

    assert taken(site) == []
    assert state(home, off)["waiting"] == 0


def test_an_erased_creator_is_in_no_message_that_waited(
    home: Tenant, site: ScriptedSite
):
    channel = added(home, site)
    creator_id = silent(home, "forgotten", 20, 9)
    made(home, QUIET, channels=[channel["id"]])
    judge(home)
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": "forgotten"}))
    home.goatherd.catch_up()
    deliver(home)

    (got,) = taken(site)
    assert "forgotten" not in str(got)


def test_a_mail_without_a_mail_server_says_so_on_the_channel(home: Tenant):
    mail = {"kind": "email", "name": "Team", "address": "ada@herd.example"}
    channel = data_of(home.post("/channels", mail), status=201)
    silent(home, "unmailed", 20, 9)
    made(home, QUIET, channels=[channel["id"]])
    judge(home)
    deliver(home)

    assert "GOATHERD_SMTP_URL" in state(home, channel)["last_error"]
