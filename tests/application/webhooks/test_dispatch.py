"""Deliveries of public events: signed, in order, at least once, and no further."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook

from domain.webhook.retries import DISABLED_AFTER
from infra.embedded.processes import wait_until
from tests.kit.application import Goatherd, Tenant, data_of, own_installation
from tests.kit.patience import PATIENTLY
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite
from tests.kit.webhooks import TAKEN, Receiver, created, dispatching, make_due

goatherd = pytest.fixture(own_installation, scope="module")


@pytest.fixture(scope="module")
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    # Endpoints of earlier tests are done with.
    goatherd.query("UPDATE webhooks SET disabled_reason = 'by_hand'")
    return goatherd.tenant()


def shown(home: Tenant, made: dict[str, Any]) -> dict[str, Any]:
    return data_of(home.get(f"/webhooks/{made['id']}"))


def tries(home: Tenant, made: dict[str, Any]) -> list[dict[str, Any]]:
    """The deliveries to the endpoint, oldest first."""
    return [*home.every(f"/webhooks/{made['id']}/deliveries")][::-1]


def add(home: Tenant, *handles: str) -> list[str]:
    ids = [home.add(handle)["id"] for handle in handles]
    home.goatherd.catch_up()
    return ids


def rename(home: Tenant, creator_id: str, handle: str) -> None:
    data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": handle}))
    home.goatherd.catch_up()


def verify(received: ReceivedRequest, secret: str) -> None:
    """Let the libraries of receivers verify a delivery."""
    headers = {
        name: received.headers[name]
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    }
    StandardWebhook(secret).verify(received.body, headers)
    SvixWebhook(secret).verify(received.body, headers)


def test_an_event_arrives_once_signed_as_the_feed_has_it(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/plain")
    add(home, "goat.before")
    made = created(home, receiver.url, signatures=["v1", "v1a"])

    with dispatching(goatherd):
        add(home, "goat.one")
        receiver.wait_for(1)

    (delivered,) = receiver.deliveries
    (event,) = data_of(home.get("/events", params={"after": made["position"]}))
    assert json.loads(delivered.body) == event
    assert delivered.headers["webhook-id"] == event["id"]
    assert "webhook-replay" not in delivered.headers
    verify(delivered, made["secret"])
    key = data_of(
        goatherd.client.get(
            f"/.well-known/webhook-keys/{home.organization_id}.json",
        )
    )
    assert key["public_key"].startswith("whpk_")
    public = Ed25519PublicKey.from_public_bytes(
        b64decode(key["public_key"].removeprefix("whpk_"))
    )
    by_key = delivered.headers["webhook-signature"].rpartition("v1a,")[2]
    signed = f"{event['id']}.{delivered.headers['webhook-timestamp']}.".encode()
    public.verify(b64decode(by_key), signed + delivered.body)
    (noted,) = tries(home, made)
    assert (noted["delivered"], noted["status"], noted["attempt"]) == (True, 204, 1)
    assert (noted["event_id"], noted["type"]) == (event["id"], "creator.added")
    assert shown(home, made)["waiting"] == 0


def test_an_endpoint_gets_its_types_its_project_and_thin_bodies(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    thin, elsewhere = Receiver(site, "/thin"), Receiver(site, "/elsewhere")
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    created(home, thin.url, types=["creator.renamed"], payload="thin")
    created(home, elsewhere.url, project_id=other)

    with dispatching(goatherd):
        (creator_id,) = add(home, "goat.two")
        rename(home, creator_id, "goat.three")
        home.post(f"/projects/{other}/creators", {"tiktok_handle": "goat.four"})
        goatherd.catch_up()
        thin.wait_for(1)
        elsewhere.wait_for(1)

    assert elsewhere.handles() == ["goat.four"]
    (event,) = thin.taken
    assert event["data"] == {}
    assert "actor" not in event
    assert event["subject"] == {"type": "creator", "id": creator_id}
    assert b"goat" not in thin.deliveries[0].body.replace(b"goatherd", b"")


def test_a_failing_event_holds_back_its_own_subject_alone(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/picky")
    made = created(home, receiver.url)
    is_mended = False

    def answer(event: dict[str, Any]) -> Answer:
        is_bad = event["data"]["handle"] == "bad.one"
        return Answer(status=500, body=b"no") if is_bad and not is_mended else TAKEN

    receiver.answer = answer
    with dispatching(goatherd):
        (bad,) = add(home, "bad.one")
        receiver.wait_for_tries(1)
        rename(home, bad, "bad.two")
        rename(home, bad, "bad.three")
        add(home, "good.one", "good.two")
        receiver.wait_for(2)
        held = shown(home, made)
        is_mended = True
        make_due(goatherd)
        receiver.wait_for(5)

    assert receiver.handles() == [
        *("good.one", "good.two", "bad.one", "bad.two", "bad.three")
    ]
    assert (held["waiting"], held["enabled"]) == (3, True)
    failed = next(row for row in tries(home, made) if not row["delivered"])
    assert (failed["status"], failed["answer"]) == (500, "no")
    assert failed["next_try_at"] is not None
    assert shown(home, made)["failures"] == 0


def test_failures_of_all_kinds_are_tried_again_and_a_slow_one_delays_nobody(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite, subtests: pytest.Subtests
):
    site.answers["/inside"] = TAKEN
    answers = {
        "500": Answer(status=500),
        "redirect": Answer(status=307, headers={"Location": f"{site.url}/inside"}),
        "slow": Answer(dripping_head=True),
        "closes": Answer(status=200, headers={"Content-Length": "500"}, body=b"x"),
        "429": Answer(status=429, headers={"Retry-After": "120"}),
        "502": Answer(status=502),
    }
    receivers: dict[str, Receiver] = {}
    made: dict[str, dict[str, Any]] = {}
    for name, failure in answers.items():
        receivers[name] = receiver = Receiver(site, f"/{name}")
        receiver.answer = lambda _, failure=failure: failure
        made[name] = created(home, receiver.url)
    good = Receiver(site, "/good")
    created(home, good.url)

    with dispatching(goatherd, seconds=1.0):
        add(home, "goat.five", "goat.six")
        good.wait_for(2)
        for name in ("500", "redirect", "slow", "429", "502"):
            receivers[name].wait_for_tries(1)
        wait_until(lambda: bool(tries(home, made["slow"])), seconds=PATIENTLY)
        first = {name: tries(home, made[name]) for name in answers}
        for receiver in receivers.values():
            receiver.answer = lambda _: TAKEN
            receiver.taken.clear()
        make_due(goatherd)
        for name in ("500", "redirect", "slow", "429", "502"):
            with subtests.test(name):
                assert sorted(
                    event["data"]["handle"] for event in receivers[name].wait_for(2)
                ) == ["goat.five", "goat.six"]

    assert "/inside" not in site.paths
    assert {row["status"] for row in first["redirect"]} == {307}
    assert "Timeout" in first["slow"][0]["failed"]
    # Both slow an endpoint down, so that the second event was not tried.
    assert len(first["429"]) == len(first["502"]) == 1
    delay = goatherd.query(
        "SELECT extract(epoch FROM next_try_at - at) FROM webhook_deliveries "
        "WHERE status = 429"
    )
    assert all(seconds >= 119 for (seconds,) in delay)


def test_an_endpoint_that_is_gone_is_disabled_and_made_up_for(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/gone")
    receiver.answer = lambda _: Answer(status=410)
    made = created(home, receiver.url)

    with dispatching(goatherd):
        add(home, "goat.seven")
        assert wait_until(
            lambda: shown(home, made)["disabled_reason"] == "gone", seconds=PATIENTLY
        )
        add(home, "goat.eight")
        receiver.answer = lambda _: TAKEN
        enabled = data_of(home.patch(f"/webhooks/{made['id']}", {"enabled": True}))
        receiver.wait_for(2)

    assert enabled["enabled"]
    assert receiver.handles() == ["goat.seven", "goat.eight"]
    (said,) = data_of(home.get("/audit", params={"event": "webhook_disabled"}))
    assert said["summary"] == (
        f"Webhook to {receiver.url.split('/')[2]} disabled because it answered that it "
        "is gone by the delivery of webhooks."
    )


def test_an_endpoint_is_disabled_after_twenty_failures_in_a_row(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/broken")
    receiver.answer = lambda _: Answer(status=500)
    made = created(home, receiver.url)

    with dispatching(goatherd):
        add(home, "a.1", "a.2", "a.3", "a.4", "a.5")

        def is_off() -> bool:
            make_due(goatherd)
            # A failure counts once for each wait.
            goatherd.query("UPDATE webhook_cursors SET counted_at = '2020-01-01Z'")
            return shown(home, made)["disabled_reason"] == "failing"

        assert wait_until(is_off, seconds=PATIENTLY)
        receiver.answer = lambda _: TAKEN
        add(home, "a.6")
        body = {"enabled": True, "from": "now"}
        data_of(home.patch(f"/webhooks/{made['id']}", body))
        add(home, "a.7")
        receiver.wait_for(1)

    assert receiver.handles() == ["a.7"]
    assert len(receiver.deliveries) > DISABLED_AFTER


def test_many_failures_at_once_count_as_one(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/restarting")
    receiver.answer = lambda _: Answer(status=500)
    made = created(home, receiver.url)

    with dispatching(goatherd):
        add(home, *(f"many.{number}" for number in range(DISABLED_AFTER + 2)))
        assert wait_until(
            lambda: len(tries(home, made)) > DISABLED_AFTER, seconds=PATIENTLY
        )
        failing = shown(home, made)

    assert failing["disabled_reason"] is None
    assert failing["failures"] <= 2


def test_events_about_different_creators_go_to_an_endpoint_at_the_same_time(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/together")
    together = threading.Barrier(3)

    def meets(event: dict[str, Any]) -> Answer:
        if event["type"] == "creator.added" and event["data"]["handle"] != "meet.0":
            together.wait(PATIENTLY)
        return TAKEN

    receiver.answer = meets
    created(home, receiver.url)
    ids = add(home, "meet.0", "meet.1", "meet.2", "meet.3")
    for creator_id in ids:
        rename(home, creator_id, f"met.{creator_id[-12:]}")

    with dispatching(goatherd):
        receiver.wait_for(8)

    for creator_id in ids:
        of_it = [
            each["type"]
            for each in receiver.taken
            if each["subject"]["id"] == creator_id
        ]
        assert of_it == ["creator.added", "creator.renamed"]


def test_a_receiver_that_is_away_gets_everything_once_it_is_back(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    with ScriptedSite() as gone:
        url = gone.url
    receiver = Receiver(site, "/back")
    made = created(home, f"{url}/back")

    with dispatching(goatherd):
        add(home, "b.1", "b.2", "b.3")
        assert wait_until(lambda: bool(tries(home, made)), seconds=PATIENTLY)
        away = shown(home, made)
        data_of(home.patch(f"/webhooks/{made['id']}", {"url": receiver.url}))
        make_due(goatherd)
        receiver.wait_for(3)

    assert away["failures"] == 1
    assert sorted(map(str, receiver.handles())) == ["b.1", "b.2", "b.3"]
    assert "ConnectError" in tries(home, made)[0]["failed"]


def test_the_past_is_sent_again_with_a_mark(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/again")
    (first, _) = add(home, "c.1", "c.2")
    rename(home, first, "c.3")
    made = created(home, receiver.url)
    path = f"/webhooks/{made['id']}/replay"

    with dispatching(goatherd) as dispatch:
        body = {"from": 1, "types": ["creator.added"]}
        replay = data_of(home.post(path, body), status=202)
        dispatch.wake()
        receiver.wait_for(2)
        of_today = {"from": "2026-01-01T00:00:00Z", "to": made["created_at"]}
        data_of(home.post(path, of_today), status=202)
        receiver.wait_for(5)
        assert wait_until(
            lambda: goatherd.query("SELECT count(*) FROM webhook_replays") == [(0,)],
            seconds=PATIENTLY,
        )

    assert replay["from"] == 1
    assert receiver.types == [
        *("creator.added",) * 4,
        "creator.renamed",
    ]
    assert receiver.taken[:2] == receiver.taken[2:4]
    assert {each.headers["webhook-replay"] for each in receiver.deliveries} == {"true"}
    assert {row["kind"] for row in tries(home, made)} == {"replay"}


def test_a_failed_replay_goes_on_where_it_was(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/stuck")
    add(home, "d.1", "d.2")
    made = created(home, receiver.url)
    receiver.answer = lambda event: (
        Answer(status=503) if event["data"]["handle"] == "d.2" else TAKEN
    )

    with dispatching(goatherd):
        data_of(home.post(f"/webhooks/{made['id']}/replay", {"from": 1}), status=202)
        receiver.wait_for_tries(2)
        receiver.answer = lambda _: TAKEN
        assert wait_until(lambda: len(tries(home, made)) == 2, seconds=PATIENTLY)
        make_due(goatherd)
        receiver.wait_for(2)

    assert receiver.handles() == ["d.1", "d.2"]


def test_a_test_and_a_retry_by_hand_say_what_came_back(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/hand")
    receiver.answer = lambda _: Answer(status=500, body=b"n" * 2_000)
    made = created(home, receiver.url)
    with dispatching(goatherd):
        add(home, "e.1")
        receiver.wait_for_tries(1)
        assert wait_until(lambda: bool(tries(home, made)), seconds=PATIENTLY)

    (failed,) = tries(home, made)
    path = f"/webhooks/{made['id']}"
    again = data_of(home.post(f"{path}/deliveries/{failed['id']}/retry"))
    still_waiting = shown(home, made)["waiting"]
    receiver.answer = lambda _: Answer(body=b"taken")
    retried = data_of(home.post(f"{path}/deliveries/{failed['id']}/retry"))
    keyed = {"Idempotency-Key": "once"}
    tested = data_of(home.post(f"{path}/test", headers=keyed))
    repeated = data_of(home.post(f"{path}/test", headers=keyed))

    assert (again["delivered"], len(again["answer"])) == (False, 1_024)
    assert still_waiting == 1
    assert (retried["delivered"], retried["kind"]) == (True, "retry")
    assert retried["event_id"] == failed["event_id"]
    assert shown(home, made)["waiting"] == 0
    assert (tested["type"], tested["answer"]) == ("webhook.test", "taken")
    assert repeated == tested
    verify(receiver.deliveries[-1], made["secret"])
    assert len(receiver.deliveries) == 4


def test_an_old_secret_signs_for_a_day_beside_the_new_one(
    goatherd: Goatherd, home: Tenant, site: ScriptedSite
):
    receiver = Receiver(site, "/rotated")
    made = created(home, receiver.url)
    path = f"/webhooks/{made['id']}"

    rotated = data_of(home.post(f"{path}/rotate-secret"))
    data_of(home.post(f"{path}/test"))
    goatherd.query("UPDATE webhook_secrets SET until = now() WHERE until IS NOT NULL")
    data_of(home.post(f"{path}/test"))

    both, new = receiver.deliveries
    assert rotated["secret"] != made["secret"]
    for secret in (made["secret"], rotated["secret"]):
        verify(both, secret)
    verify(new, rotated["secret"])
    assert new.headers["webhook-signature"].count("v1,") == 1


def test_no_more_than_a_thousand_events_go_ahead_of_the_oldest_failed_one(
    goatherd: Goatherd,
    home: Tenant,
    site: ScriptedSite,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("domain.webhook.retries.MOST_AHEAD", 3)
    receiver = Receiver(site, "/ahead")
    receiver.answer = lambda event: (
        Answer(status=500) if event["data"]["handle"] == "f.0" else TAKEN
    )
    made = created(home, receiver.url)

    with dispatching(goatherd):
        add(home, "f.0")
        receiver.wait_for_tries(1)
        add(home, "f.1", "f.2", "f.3", "f.4", "f.5")
        receiver.wait_for(3)
        held = shown(home, made)
        receiver.answer = lambda _: TAKEN
        make_due(goatherd)
        receiver.wait_for(6)

    handles = [str(handle) for handle in receiver.handles()]
    assert sorted(handles[:3]) == ["f.1", "f.2", "f.3"]
    assert handles[3] == "f.0"
    assert sorted(handles[4:]) == ["f.4", "f.5"]
    assert held["waiting"] == 1
