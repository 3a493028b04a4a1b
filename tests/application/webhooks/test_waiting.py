"""Events that wait for another try: each one comes, in the order of its subject."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from application.due.work import finish_work, plan_now, take_work
from application.due.worker import DueWorker
from application.webhooks.by_hand import send_again
from application.webhooks.delivery import Deliverer
from application.webhooks.dispatch import WebhookDispatch
from application.webhooks.endpoints import (
    LEASE,
    WORK,
    DueEndpoint,
    due_endpoints,
)
from application.webhooks.feed import LogFeed
from infra.database import Pool
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store, open_store
from infra.http_out.posting import Poster
from tests.kit.application import (
    Goatherd,
    Tenant,
    data_of,
    own_installation,
    settings_for,
)
from tests.kit.patience import PATIENTLY
from tests.kit.scripted_site import Answer, ScriptedSite
from tests.kit.webhooks import TAKEN, Receiver, created, dispatching, make_due

goatherd = pytest.fixture(own_installation, scope="module")

REFUSED = Answer(status=500)
STRANDED = """
SELECT count(*) FROM webhook_waiting t
WHERE (next_try_at IS NULL) <> EXISTS (
    SELECT FROM webhook_waiting o WHERE o.webhook_id = t.webhook_id
    AND o.subject_id = t.subject_id AND o.number < t.number)
"""


@pytest.fixture(scope="module")
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


@pytest.fixture(scope="module")
def store(goatherd: Goatherd) -> Iterator[Store]:
    """A store that may send to this machine."""
    url = goatherd.url
    store = open_store(url, pool_size=4, settings=settings_for(url))
    yield store
    store.pool.close()


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    # Endpoints of earlier tests are done with.
    goatherd.query("UPDATE webhooks SET disabled_reason = 'by_hand'")
    goatherd.query("DELETE FROM webhook_waiting")
    return goatherd.tenant()


class Endpoint:
    """A webhook that sends when the test says so, and its receiver."""

    def __init__(
        self, store: Store, home: Tenant, receiver: Receiver, **fields: object
    ) -> None:
        self.home = home
        self.receiver = receiver
        self.made = created(home, receiver.url, **fields)
        self.id = UUID(self.made["id"])
        self.store = store
        self.feed = LogFeed(self.store)

    def send(self) -> None:
        """Send what is due, as a turn of the dispatch does."""
        pool = self.store.pool
        if self.id not in [due.webhook_id for due in due_endpoints(pool)]:
            return
        work = take_work(pool, WORK, lease=LEASE, key=str(self.id))
        assert work is not None
        deliverer = Deliverer(self.store, self.feed)
        with Poster(self.store.settings.webhook_allowed_hosts) as poster:
            while not deliverer.batch(work, poster).is_over:
                pass
        with pool.connection() as connection:
            finish_work(connection.cursor(), work, next_at=None)

    def retry(self, event_id: str) -> None:
        """Send an event again by hand, of which a try is noted."""
        query = "SELECT id FROM webhook_deliveries WHERE webhook_id = %s AND event_id ="
        ((delivery, *_), *_) = self.home.goatherd.query(
            f"{query} %s", self.id, event_id
        )
        of = (self.home.organization_id, self.id, delivery)
        send_again(self.store, self.feed, *of)

    def change(self, **fields: object) -> None:
        data_of(self.home.patch(f"/webhooks/{self.id}", fields))

    def waiting(self) -> list[tuple[str, bool]]:
        """The ids of events that wait, in order, and whether they have a next try."""
        return self.home.goatherd.query(
            "SELECT event_id, next_try_at IS NOT NULL FROM webhook_waiting "
            "WHERE webhook_id = %s ORDER BY number",
            self.id,
        )


def refuse(*handles: str) -> Callable[[dict[str, Any]], Answer]:
    return lambda event: REFUSED if event["data"]["handle"] in handles else TAKEN


def add(home: Tenant, *handles: str) -> list[str]:
    ids = [home.add(handle)["id"] for handle in handles]
    home.goatherd.catch_up()
    return ids


def rename(home: Tenant, creator_id: str, *handles: str) -> None:
    for handle in handles:
        data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": handle}))
    home.goatherd.catch_up()


def is_everything_sound(goatherd: Goatherd) -> bool:
    return goatherd.query(STRANDED) == [(0,)]


def test_after_a_retry_by_hand_the_later_events_of_its_subject_come(
    goatherd: Goatherd, home: Tenant, store: Store, site: ScriptedSite
):
    to = Endpoint(store, home, Receiver(site, "/by-hand"))
    to.receiver.answer = refuse("bad.one")
    (bad,) = add(home, "bad.one")
    to.send()
    rename(home, bad, "bad.two", "bad.three")
    to.send()
    ((first, _), *later) = to.waiting()

    to.receiver.answer = refuse()
    to.retry(first)

    assert len(later) == 2
    assert is_everything_sound(goatherd)
    with dispatching(goatherd):
        to.receiver.wait_for(3)
    assert to.receiver.handles() == ["bad.one", "bad.two", "bad.three"]


def test_an_event_that_fails_behind_one_taken_by_hand_meanwhile_has_a_next_try(
    goatherd: Goatherd, home: Tenant, store: Store, site: ScriptedSite
):
    to = Endpoint(store, home, Receiver(site, "/meanwhile"))
    to.receiver.answer = refuse("bad.1")
    (bad,) = add(home, "bad.1")
    to.send()
    ((first, _),) = to.waiting()
    add(home, "good.1")
    rename(home, bad, "bad.2")

    def answer(event: dict[str, Any]) -> Answer:
        # The batch has read that bad.1 waits, and has not come to bad.2.
        if event["data"]["handle"] == "good.1":
            to.retry(first)
        return TAKEN

    to.receiver.answer = answer
    to.send()

    assert is_everything_sound(goatherd)
    to.send()
    assert to.receiver.handles() == ["bad.1", "good.1", "bad.2"]
    assert to.waiting() == []


def test_an_event_taken_by_hand_while_it_fails_is_not_sent_again(
    goatherd: Goatherd, home: Tenant, store: Store, site: ScriptedSite
):
    to = Endpoint(store, home, Receiver(site, "/overtaken"))
    to.receiver.answer = refuse("bad.3")
    add(home, "bad.3")
    to.send()
    ((first, _),) = to.waiting()
    is_first = True

    def answer(_: dict[str, Any]) -> Answer:
        nonlocal is_first
        if not is_first:
            return TAKEN
        is_first = False
        to.retry(first)
        return REFUSED

    to.receiver.answer = answer
    make_due(goatherd)
    to.send()

    assert to.receiver.handles() == ["bad.3"]
    assert to.waiting() == []


def test_a_webhook_that_is_enabled_again_strands_nothing(
    goatherd: Goatherd, home: Tenant, store: Store, site: ScriptedSite
):
    to = Endpoint(store, home, Receiver(site, "/enabled"))
    to.receiver.answer = refuse("off.1")
    (off,) = add(home, "off.1")
    to.send()
    rename(home, off, "off.2")
    to.send()
    goatherd.query("DELETE FROM webhook_waiting WHERE next_try_at IS NOT NULL")

    to.change(enabled=False)
    to.change(enabled=True)

    assert is_everything_sound(goatherd)
    to.send()
    assert to.receiver.handles() == ["off.2"]


def test_a_narrowed_webhook_no_longer_gets_what_waits(
    goatherd: Goatherd, home: Tenant, store: Store, site: ScriptedSite
):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    to = Endpoint(store, home, Receiver(site, "/narrowed"))
    to.receiver.answer = refuse("old.1", "old.a")
    (old, _) = add(home, "old.1", "old.a")
    to.send()
    rename(home, old, "old.2")
    to.send()
    of_before = to.waiting()

    to.receiver.answer = refuse()
    to.change(types=["creator.renamed"])
    make_due(goatherd)
    to.send()
    after_types = to.receiver.handles()
    to.receiver.answer = refuse("old.3")
    rename(home, old, "old.3")
    to.send()
    to.change(project_id=other)
    to.receiver.answer = refuse()
    make_due(goatherd)
    to.send()

    assert len(of_before) == 3
    assert after_types == to.receiver.handles() == ["old.2"]
    assert to.waiting() == []


def test_an_endpoint_without_room_is_not_due_and_wakes_nobody(
    goatherd: Goatherd,
    home: Tenant,
    store: Store,
    site: ScriptedSite,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("domain.webhook.retries.MOST_AHEAD", 1)
    to = Endpoint(store, home, Receiver(site, "/full"))
    to.receiver.answer = refuse("full.1")
    add(home, "full.1", "full.2")
    to.send()
    add(home, "full.3")
    to.send()

    assert to.receiver.handles() == ["full.2"]
    assert due_endpoints(goatherd.store.pool) == []
    make_due(goatherd)
    to.receiver.answer = refuse()
    to.send()
    assert to.receiver.handles() == ["full.2", "full.1", "full.3"]


def test_a_turn_in_which_there_was_nothing_to_do_wakes_nobody(
    goatherd: Goatherd,
    home: Tenant,
    store: Store,
    site: ScriptedSite,
    monkeypatch: pytest.MonkeyPatch,
):
    to = Endpoint(store, home, Receiver(site, "/idle"))
    turns: list[str | None] = []
    real = DueWorker.do_next

    def do_next(worker: DueWorker, key: str | None = None) -> bool:
        turns.append(key)
        return real(worker, key)

    woken = 0
    wake = WebhookDispatch.wake

    def woke(dispatch: WebhookDispatch) -> None:
        nonlocal woken
        woken += 1
        wake(dispatch)

    monkeypatch.setattr(WebhookDispatch, "wake", woke)
    monkeypatch.setattr(DueWorker, "do_next", do_next)
    due = due_endpoints(goatherd.store.pool)
    add(home, "idle.1")
    seeming = due_endpoints(goatherd.store.pool)
    to.send()

    def due_again(pool: Pool) -> list[DueEndpoint]:
        with pool.connection() as connection:
            plan_now(connection.cursor(), WORK, [str(to.id)])
        return seeming

    monkeypatch.setattr("application.webhooks.dispatch.due_endpoints", due_again)
    with dispatching(goatherd):
        assert wait_until(lambda: len(turns) >= 2, seconds=PATIENTLY)
        woken_meanwhile = woken

    assert due == []
    # Once for each channel, when the listener connects.
    assert woken_meanwhile <= 2


def test_whatever_happens_a_first_waiting_event_has_a_next_try_and_all_come(
    goatherd: Goatherd, home: Tenant, store: Store, site: ScriptedSite
):
    """Random changes, failures, and retries by hand, also while a batch runs."""
    chance = random.Random(11)  # noqa: S311 - no secret
    to = Endpoint(store, home, Receiver(site, "/anything"), types=["creator.renamed"])
    creators = add(home, "any.a.0", "any.b.0", "any.c.0")
    names: dict[str, list[str]] = defaultdict(list)
    is_mended = is_inside = False

    def retry_one() -> None:
        nonlocal is_inside
        waiting = goatherd.query(
            "SELECT event_id FROM webhook_waiting w WHERE EXISTS ("
            "SELECT FROM webhook_deliveries d WHERE d.event_id = w.event_id)"
        )
        if waiting and not is_inside:
            is_inside = True
            to.retry(chance.choice(waiting)[0])
            is_inside = False

    def answer(_: dict[str, Any]) -> Answer:
        if not is_mended and chance.random() < 0.3:
            retry_one()
        return TAKEN if is_mended or chance.random() < 0.4 else REFUSED

    def change_and_send() -> None:
        for creator in chance.choices(creators, k=chance.randint(1, 3)):
            place = len(names[creator]) + 1
            handle = f"any.{'abc'[creators.index(creator)]}.{place}"
            names[creator].append(handle)
            data_of(home.patch(f"/creators/{creator}", {"tiktok_handle": handle}))
        goatherd.catch_up()
        to.send()

    def disable_and_enable() -> None:
        to.change(enabled=False)
        to.change(enabled=True)

    steps = [change_and_send, to.send, retry_one, disable_and_enable]
    to.receiver.answer = answer
    for number in range(60):
        step = chance.choices(steps, weights=[5, 2, 5, 1])[0]
        make_due(goatherd)
        step()
        assert is_everything_sound(goatherd), (number, step)
        goatherd.query("UPDATE webhook_cursors SET failures = 0")
    is_mended = True
    make_due(goatherd)
    to.send()

    assert to.waiting() == []
    retries = "SELECT count(*) FROM webhook_deliveries WHERE kind = 'retry' "
    assert goatherd.query(f"{retries} AND webhook_id = %s", to.id) > [(9,)]
    for creator, expected in names.items():
        taken = [
            event["data"]["handle"]
            for event in to.receiver.taken
            if event["subject"]["id"] == creator
        ]
        assert [*dict.fromkeys(taken)] == expected
