"""A creator follows a link, consents at TikTok, and everybody sees the result."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from application.connect.revocation import Revoker
from application.connect.sealing import ConnectionSeal
from application.connect.service import Connections
from domain import events as e
from domain.connection.consent import BASIC, PROFILE, VIDEOS
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.kit.application import Goatherd, Tenant, code_of, data_of, started
from tests.kit.connections import CALLBACK, Fake, account, fake_tiktok
from tests.kit.databases import new_database
from tests.kit.markup import read
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.visitor import Visitor


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    with fake_tiktok() as fake:
        yield fake


@pytest.fixture(scope="module")
def goatherd(
    postgres_url: str, template_database: str, fake: Fake
) -> Iterator[Goatherd]:
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, adapt=fake.settings) as goatherd,
    ):
        goatherd.tenant(is_operator=True)
        yield goatherd


class Scene:
    """A creator with a link, and the browser that follows it."""

    def __init__(self, home: Tenant, fake: Fake, visitor: Visitor) -> None:
        self.home = home
        self.fake = fake
        self.visitor = visitor
        self.handle = f"goat.{uuid4().hex[:12]}"
        fake.accounts[self.handle] = account(self.handle)
        self.creator_id = home.add(self.handle)["id"]
        self.link = self.make_link()

    def make_link(self) -> dict[str, Any]:
        path = f"/creators/{self.creator_id}/connect-links"
        return data_of(self.home.post(path), status=201)

    @property
    def path(self) -> str:
        return self.link["url"].removeprefix("https://goatherd.example")

    def other(self) -> str:
        """Another account at TikTok."""
        name = f"other.{uuid4().hex[:12]}"
        self.fake.accounts[name] = account(name)
        return name

    def consent(self, username: str | None = None, **answer: Any) -> str:  # noqa: ANN401
        """Go to TikTok; return the address that it sends the browser back to."""
        way = self.visitor.get(f"{self.path}/consent")
        assert way.status_code == 303, way.text
        back = self.fake.consent(
            way.headers["Location"], username or self.handle, **answer
        )
        return "/connect/callback?" + "&".join(f"{k}={v}" for k, v in back.items())

    def headline(self, path: str, *, status: int = 200) -> str:
        return self.visitor.see(path, status=status).one("h1").text

    @property
    def connection(self) -> dict[str, Any]:
        return data_of(self.home.get(f"/creators/{self.creator_id}/connection"))

    @property
    def names(self) -> list[str]:
        return [
            event.stored_name for event in self.home.goatherd.events(self.creator_id)
        ]


@pytest.fixture
def scene(home: Tenant, fake: Fake, goatherd: Goatherd) -> Scene:
    scene = Scene(home, fake, Visitor(goatherd))
    goatherd.catch_up()
    return scene


def test_the_page_says_who_asks_for_what_and_leads_to_tiktok(scene: Scene):
    answer = scene.visitor.get(scene.path)

    text = read(answer.text).text
    assert "Herd asks to read your TikTok numbers" in text
    assert f"@{scene.handle}" in text
    for words in ("exact numbers of followers", "Public videos", "Until you end it"):
        assert words in text
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert "tiktok" not in answer.headers["Content-Security-Policy"]


def test_a_creator_that_consents_is_connected_and_its_link_is_used(scene: Scene):
    back = scene.consent()

    assert scene.headline(back) == "You are connected"
    assert scene.connection["status"] == "connected"
    assert scene.names[-1] == "creator_connected"
    assert scene.headline(back, status=409) == "This was answered already"
    assert scene.headline(scene.path, status=410) == "This link has been used"
    assert scene.visitor.get(f"{scene.path}/consent").status_code == 410
    scene.home.goatherd.catch_up()
    runs = data_of(scene.home.get(f"/creators/{scene.creator_id}/scrapes"))
    assert [run["trigger"] for run in runs].count("connected") == 2


def test_a_check_reads_a_creator_that_has_connected_and_sends_nothing_for_others(
    fake: Fake, goatherd: Goatherd
):
    operator = goatherd.tenant(is_operator=True)
    scene = Scene(operator, fake, Visitor(goatherd))
    goatherd.catch_up()

    def check() -> dict[str, Any]:
        query = {"tiktok_handle": scene.handle, "provider": "display"}
        return data_of(operator.get("/sources/check", params=query))

    sent = len(fake.tiktok.requests)
    before = check()
    assert len(fake.tiktok.requests) == sent
    assert scene.headline(scene.consent()) == "You are connected"
    after = check()

    assert (before["worked"], len(before["steps"])) == (False, 1)
    assert before["verdict"].startswith("It was not asked: Only an account")
    assert before["next"].startswith("Make a link")
    assert (after["worked"], after["verdict"]) == (
        True,
        "This source works: Goatherd can read creators from it.",
    )
    assert [step["status"] for step in after["steps"]] == [200, None, 200, None]
    assert after["steps"][1]["understood"] == "a profile with 12,345 followers"
    assert "act." not in str(after)


def test_the_guide_shows_the_redirect_address_of_the_settings(goatherd: Goatherd):
    operator = Visitor(goatherd)
    operator.sign_in(goatherd.tenant(is_operator=True).key)

    guide = operator.see("/settings/sources").text

    assert f"to the letter: {CALLBACK}." in guide
    assert f"GOATHERD_DISPLAY_REDIRECT_URL={CALLBACK}" in guide


def test_who_declines_connects_nobody_and_may_begin_again(scene: Scene):
    back = scene.consent(answer="decline")

    assert scene.headline(back) == "You did not allow it"
    assert scene.connection["status"] == "none"
    assert scene.headline(scene.consent()) == "You are connected"


def test_an_answer_counts_in_the_browser_alone_that_asked_for_it(
    scene: Scene, goatherd: Goatherd
):
    back = scene.consent()
    stranger = Visitor(goatherd)

    assert stranger.get(back).status_code == 400
    assert stranger.get("/connect/callback").status_code == 400
    wrong = back.replace("state=", "state=x")
    assert scene.headline(wrong, status=400) == "This answer does not belong to you"
    assert scene.connection["status"] == "none"


@pytest.mark.parametrize("ends", ("revoked", "expired", "removed"))
def test_a_link_that_works_no_more_says_so(scene: Scene, ends: str):
    back = scene.consent()
    if ends == "revoked":
        path = f"/creators/{scene.creator_id}/connect-links/{scene.link['id']}"
        assert data_of(scene.home.delete(path))["revoked_at"]
    elif ends == "expired":
        scene.home.goatherd.query(
            "UPDATE connect_links SET expires_at = now() WHERE id = %s",
            scene.link["id"],
        )
    else:
        scene.home.delete(f"/creators/{scene.creator_id}")

    assert scene.visitor.get(scene.path).status_code == 410
    assert scene.visitor.get(back).status_code >= 400
    assert "creator_connected" not in scene.names
    assert scene.home.goatherd.query(
        "SELECT count(*) FROM creator_connections "
        "WHERE creator_id = %s AND revoke_at IS NULL",
        scene.creator_id,
    ) == [(0,)]


def test_a_link_that_nobody_made_is_not_found(scene: Scene):
    made = scene.path
    for path in (made[:-1], f"{made[:-1]}{'A' if made[-1] != 'A' else 'B'}"):
        assert scene.visitor.get(path).status_code == 404


def test_another_handle_is_confirmed_there_and_accepted_here(scene: Scene):
    other = scene.other()

    question = scene.visitor.see(scene.consent(other))
    assert question.one("h1").text == "Is this you?"
    assert "creator_connected" not in scene.names
    said = scene.visitor.submit(question, "/connect/confirm", answer="yes")
    assert "Nearly there" in said.text
    assert scene.connection["other_handle"] == other
    path = f"/creators/{scene.creator_id}/connection/accept"
    accepted = data_of(scene.home.post(path))

    assert accepted["status"] == "connected"
    assert scene.home.shown(scene.creator_id)["tiktok_handle"] == other
    assert scene.home.post(path).status_code == 404


def test_who_says_to_be_somebody_else_connects_nobody(scene: Scene):
    question = scene.visitor.see(scene.consent(scene.other()))

    said = scene.visitor.submit(question, "/connect/confirm", answer="no")

    assert "Nothing was connected" in said.text
    assert scene.connection["status"] == "none"
    assert scene.headline(scene.path).startswith("Herd asks")


def test_one_account_is_not_connected_under_two_creators(scene: Scene, home: Tenant):
    scene.headline(scene.consent())
    second = Scene(home, scene.fake, scene.visitor)
    home.goatherd.catch_up()

    back = second.consent(scene.handle)

    assert second.headline(back, status=409) == "This account is connected already"
    assert second.connection["status"] == "none"


def test_a_consent_that_allows_too_little_is_given_back(scene: Scene):
    back = scene.consent(scopes=(BASIC, PROFILE))

    assert scene.headline(back, status=409) == "You allowed too little"
    assert scene.connection["status"] == "none"


def test_what_is_allowed_in_part_is_shown(scene: Scene):
    scene.headline(scene.consent(scopes=(BASIC, PROFILE, VIDEOS)))

    assert scene.connection["scopes"] == [BASIC, PROFILE, VIDEOS]


def test_settings_show_the_connection_and_end_it(scene: Scene, home: Tenant):
    path = f"/creators/{scene.creator_id}/settings"
    member = Visitor(home.goatherd)
    member.sign_in(home.key)
    assert scene.link["url"] in member.get(path).text
    scene.headline(scene.consent())

    shown = member.see(path)
    ended = member.submit(shown, f"{path}/connection/end")

    assert "exact numbers of this account" in shown.text
    assert ended.status_code == 303
    assert "It was ended here." in member.see(path).text
    last = home.goatherd.events(scene.creator_id)[-1]
    assert isinstance(last, e.CreatorConnectionLost)
    assert last.reason == "revoked_here"


def revoke_all(store: Store, fake: Fake) -> None:
    """Give the due consent back, once."""
    connections = Connections(store, fake.settings(store.settings))
    while Revoker(store.pool, connections.login, connections.seal).revoke_next():
        pass


def test_no_log_line_says_a_name_that_is_no_handle(scene: Scene):
    scene.fake.accounts["Ada Lovelace"] = account("Ada Lovelace")

    with capture_logs() as lines:
        scene.visitor.get(scene.consent("Ada Lovelace"))

    (said,) = [line for line in lines if line["event"] == "consent_without_account"]
    assert said["reason"] == "invalid_handle"


@pytest.mark.parametrize("tiktok", ("there", "away"))
def test_nobody_reads_who_is_erased_and_tiktok_is_given_the_consent_back(
    scene: Scene, home: Tenant, tiktok: str
):
    store, creator_id = home.goatherd.store, UUID(scene.creator_id)
    scene.headline(scene.consent())
    open_id = scene.fake.accounts[scene.handle].open_id
    scene.link = scene.make_link()
    home.goatherd.catch_up()

    confirm = {"confirm": scene.handle, "figures": "anonymous"}
    # Nothing has followed the event yet.
    data_of(home.post(f"/creators/{creator_id}/erase", confirm))

    query = home.goatherd.query
    ((row_id, state, sealed),) = query(
        "SELECT id, state, sealed FROM creator_connections WHERE creator_id = %s",
        creator_id,
    )
    kept = ConnectionSeal(store.pool, store.settings).open(row_id, sealed)
    assert (state, kept.open_id, kept.username) == ("ended", "", "")
    assert scene.visitor.get(scene.path).status_code == 404
    with fake_tiktok() as gone:
        nowhere = gone
    revoke_all(store, nowhere)
    due = "UPDATE creator_connections SET revoke_at = now()"
    if tiktok == "away":
        query(f"{due}, ended_at = now() - interval '8 days' WHERE id = %s", row_id)
        revoke_all(store, nowhere)
    else:
        query(f"{due} WHERE id = %s", row_id)
        revoke_all(store, scene.fake)
    assert (open_id in scene.fake.consents.revoked) is (tiktok == "there")
    assert query("SELECT FROM creator_connections WHERE id = %s", row_id) == []


@pytest.mark.parametrize("what", ("erase", "disconnect"))
def test_nobody_waits_with_the_log_for_a_token_that_is_being_refreshed(
    scene: Scene, home: Tenant, what: str
):
    scene.headline(scene.consent())
    home.goatherd.catch_up()
    before = home.goatherd.head
    path = f"/creators/{scene.creator_id}"

    def end() -> httpx.Response:
        if what == "disconnect":
            return home.delete(f"{path}/connection")
        return home.post(
            f"{path}/erase", {"confirm": scene.handle, "figures": "anonymous"}
        )

    with home.goatherd.store.pool.connection() as worker, worker.transaction():
        worker.execute(
            "SELECT FROM creator_connections WHERE creator_id = %s FOR UPDATE",
            (scene.creator_id,),
        )
        began = time.monotonic()
        refused = end()
        waited = time.monotonic() - began

    assert code_of(refused) == (503, "unavailable")
    # A request that waited for a lock would give up after five seconds.
    assert waited < at_most(4)
    assert home.goatherd.head == before
    assert end().status_code == 200


def test_who_connects_anew_while_its_token_is_refreshed_may_begin_again(scene: Scene):
    scene.headline(scene.consent())
    scene.link = scene.make_link()
    back = scene.consent()

    with scene.home.goatherd.store.pool.connection() as worker, worker.transaction():
        worker.execute(
            "SELECT FROM creator_connections WHERE creator_id = %s FOR UPDATE",
            (scene.creator_id,),
        )
        refused = scene.headline(back, status=503)

    assert refused == "Please begin again"
    assert scene.names.count("creator_connected") == 1
    assert scene.headline(scene.consent()) == "You are connected"


def test_no_secret_is_stored_or_answered_where_it_may_be_read(
    scene: Scene, caplog: pytest.LogCaptureFixture
):
    key = {"Idempotency-Key": str(uuid4())}
    path = f"/creators/{scene.creator_id}/connect-links"
    made, again = (scene.home.post(path, headers=key) for _ in range(2))
    assert made.json() == again.json()
    token = made.json()["data"]["url"].rpartition("/")[2]
    scene.headline(back := scene.consent())

    query = scene.home.goatherd.query
    stored = repr(query("SELECT body FROM idempotency"))
    log = repr(query("SELECT state FROM goatherd_events"))
    for text in (stored, log, caplog.text):
        for secret in (token, "act.", "rft.", back.partition("code=")[2][:20]):
            assert secret not in text


def test_callbacks_that_wait_for_tiktok_keep_nobody_from_anything_else(
    scene: Scene, fake: Fake, goatherd: Goatherd
):
    def back(visitor: Visitor) -> tuple[Visitor, str]:
        """A browser of its own that comes back from TikTok."""
        other = Scene.__new__(Scene)
        other.__dict__ |= scene.__dict__ | {"visitor": visitor}
        return visitor, other.consent()

    returns = [back(Visitor(goatherd)) for _ in range(14)]
    fake.consents.answers_after = 3.0
    try:
        with ThreadPoolExecutor(14) as threads:
            answers = [threads.submit(visitor.get, path) for visitor, path in returns]
            since = time.monotonic()
            assert wait_until(
                lambda: sum(answer.done() for answer in answers) >= 12,
                seconds=PATIENTLY,
            )
            ready = goatherd.client.get("/health/ready")
            took = time.monotonic() - since
    finally:
        fake.consents.answers_after = 0.0

    statuses = sorted(answer.result().status_code for answer in answers)
    assert statuses.count(503) >= 12
    assert ready.status_code == 200
    assert took < at_most(3)
