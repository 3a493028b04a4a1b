"""A database that commit 46ccd1a left behind serves the same answers after an upgrade.

``tests/upgrade/answers.py`` has the names that were changed since, and says what of the
answers is not compared.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.system.all_projections import ALL_PROJECTIONS
from infra.database import migrate
from projections.engine.follower import Follower
from projections.engine.projection import Projection
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from projections.registry import PROJECTIONS
from tests.kit.application import serving
from tests.kit.builders import opened_store
from tests.kit.command_line import CommandLine
from tests.kit.databases import new_database
from tests.kit.visitor import AsServed
from tests.upgrade.answers import (
    RAISED_PROJECTIONS,
    about,
    projection_now,
    question_now,
    recorded_answers,
)
from tests.upgrade.comparing import bearer, differences


def start(url: str, projections: Iterable[Projection], *, work: bool = True) -> None:
    """Start projections as their processes do, and let them take in the whole log."""
    read_models = {projection.name: projection for projection in PROJECTIONS}
    with opened_store(url, pool_size=CONNECTIONS) as store:
        for projection in projections:
            follower = Follower(projection, pool=store.pool, codec=store.codec)
            follower.register()
            if work and projection.name in RAISED_PROJECTIONS:
                rebuild(store, read_models[projection.name], by="test")
            if work:
                follower.catch_up()


@pytest.fixture(scope="module")
def upgraded_template(postgres_url: str, old_template: str) -> Iterator[str]:
    """The name of a database that was migrated and whose read models were started."""
    with new_database(postgres_url, template=old_template) as url:
        migrate(url)
        start(url, PROJECTIONS)
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def upgraded_url(postgres_url: str, upgraded_template: str) -> Iterator[str]:
    """The URL of an upgraded database of the test's own."""
    with new_database(postgres_url, template=upgraded_template) as url:
        yield url


@pytest.fixture
def upgraded_cli(cli: CommandLine, upgraded_url: str) -> CommandLine:
    """The command line of this version, on the upgraded database."""
    cli.set(database_url=upgraded_url)
    return cli


@pytest.fixture
def client(upgraded_url: str) -> Iterator[TestClient[Litestar]]:
    """A client of this version, which serves the upgraded database."""
    with serving(upgraded_url) as client:
        yield client


def positions(cli: CommandLine) -> dict[str, int]:
    states = cli("projections", "--json").document
    return {state["name"]: state["position"] for state in states}


def changed(
    client: TestClient[Litestar], cli: CommandLine, *, is_rebuilt: bool = False
) -> list[Any]:
    """Everything that is answered otherwise than by the old version."""

    def get(path: str, headers: dict[str, str]) -> httpx.Response:
        return client.get(path, headers=headers)

    def run(words: list[str]) -> str:
        ended = cli(*words)
        assert ended.status == 0, ended.err
        return ended.out

    return differences(recorded_answers(), get, run, is_rebuilt=is_rebuilt)


def test_checkpoints_are_kept_and_everything_goes_on_from_there(
    cli: CommandLine, old_database_url: str
):
    checkpoints = {projection_now(n): at for n, at in about().checkpoints.items()}
    goes_on = checkpoints.keys() - RAISED_PROJECTIONS

    migrate(old_database_url)
    migrated = positions(cli)
    start(old_database_url, ALL_PROJECTIONS, work=False)
    started = positions(cli)
    start(old_database_url, ALL_PROJECTIONS)
    ended = cli("projections", "--json").document

    assert all(0 < at < about().head for at in checkpoints.values())
    assert migrated.keys() >= checkpoints.keys()
    assert {name: migrated[name] for name in goes_on} == {
        name: checkpoints[name] for name in goes_on
    }
    assert {name: started[name] for name in goes_on} == {
        name: checkpoints[name] for name in goes_on
    }
    assert {state["position"] for state in ended} == {about().head}
    assert [state["dead_letters"] for state in ended] == [0] * len(ended)


def test_answers_are_the_same_before_and_after_every_read_model_is_rebuilt(
    upgraded_cli: CommandLine, client: TestClient[Litestar]
):
    first = changed(client, upgraded_cli)
    dry_run = projection_now(about().dry_run)
    # The rebuild to a raised version takes the place of a dry run.
    swap = () if dry_run in RAISED_PROJECTIONS else ("--swap",)
    swapped = upgraded_cli("rebuild", dry_run, *swap)
    rebuilt = upgraded_cli("rebuild")
    second = changed(client, upgraded_cli, is_rebuilt=True)

    assert first == []
    assert swapped.status == 0, swapped.err
    # They were compared with the live ones on the way: without --force that is refused.
    assert rebuilt.status == 0, rebuilt.err
    assert second == []


def test_figures_of_old_creators_agree_wherever_they_are_shown(
    upgraded_url: str, client: TestClient[Litestar]
):
    def get(path: str, **query: str) -> Any:  # noqa: ANN401 - of any operation
        answer = client.get(f"/api/v1{path}", params=query, headers=bearer("home"))
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def total(creator: str, metric: str, mode: str, **days: str) -> int | None:
        of = {"entity": "creator", "entity_id": creator}
        found = get("/analytics", metric=metric, mode=mode, **of, **days)
        return found["series"][0]["total"]

    days = {"from": "2026-08-28", "to": "2026-10-10"}
    listed = {
        creator["id"]: creator["figures"]
        for creator in get("/creators", limit="100", status="all", **days)
    }
    by_analytics = {
        id_: {
            column: total(id_, metric, mode, **days)
            for column, (metric, mode) in _BY_COLUMN.items()
        }
        for id_ in listed
    }
    last = {"from": "2026-12-31", "to": "2026-12-31"}
    likes = {id_: total(id_, "likes", "cumulative", **last) for id_ in listed}
    videos = get("/videos", limit="100")
    with psycopg.connect(upgraded_url) as connection:
        excluded = connection.execute(_LIKES_OF_EXCLUDED).fetchone()

    assert by_analytics == {
        id_: {column: figures[column] for column in _BY_COLUMN}
        for id_, figures in listed.items()
    }
    assert any(figures["new_followers"] for figures in listed.values())
    counted: dict[str, int] = {}
    for video in videos:
        is_counted = video["tracking_status"] in _COUNTED and video["tracking_enabled"]
        if is_counted and video["creator_id"] in listed:
            of = video["creator_id"]
            counted[of] = counted.get(of, 0) + (video["like_count"] or 0)
    assert {id_: likes[id_] for id_ in counted} == counted
    assert excluded is not None
    assert excluded[0] > 0


_BY_COLUMN = {
    "followers": ("followers", "cumulative"),
    "new_followers": ("followers", "new"),
    "views": ("views", "cumulative"),
    "new_views": ("views", "new"),
    "likes": ("likes", "new"),
}
_LIKES_OF_EXCLUDED = """
SELECT sum(like_count) FROM videos JOIN video_figures USING (organization_id, id)
WHERE tracking_status = 'excluded'
"""
_COUNTED = ("auto_tracked", "included", "direct_add")


def test_handles_of_an_old_log_stay_claimed(
    upgraded_cli: CommandLine, upgraded_url: str, client: TestClient[Litestar]
):
    again = upgraded_cli("migrate")
    listed = client.get("/api/v1/creators?limit=1", headers=bearer("home")).json()
    (creator,) = listed["data"]
    added = client.post(
        f"/api/v1/projects/{creator['project_id']}/creators",
        json={"tiktok_handle": creator["tiktok_handle"]},
        headers=bearer("home"),
    )
    with opened_store(upgraded_url) as store:
        names = store.names

    assert again.status == 0, again.err
    assert (added.status_code, added.json()["meta"]["code"]) == (409, "handle_taken")
    assert names.key is None


def test_what_an_old_rebuild_left_can_be_brought_back_or_given_up(
    upgraded_cli: CommandLine, client: TestClient[Litestar]
):
    cli = upgraded_cli
    given_up = cli("rebuild", projection_now(about().dry_run), "--cancel")
    kept = projection_now(about().rolled_back)
    # The rebuild to a raised version has taken the place of what was kept.
    back = () if kept in RAISED_PROJECTIONS else ("--rollback",)
    rolled_back = cli("rebuild", kept, *back)
    after = changed(client, cli, is_rebuilt=True)
    # The tables that the upgrade built anew have replaced the kept ones.
    back_to_old_rule = cli(
        *("rebuild", "analytics"),
        *("--baseline-rule", "posted_before_first_snapshot", "--force"),
    )
    schema = client.get("/api/v1/analytics/schema", headers=bearer("home")).json()

    assert [given_up.status, rolled_back.status, back_to_old_rule.status] == [0, 0, 0]
    assert after == []
    assert schema["data"]["baseline_rule"] == "posted_before_first_snapshot"


def test_quota_counters_keep_their_values_under_the_new_name(old_database_url: str):
    with psycopg.connect(old_database_url, autocommit=True) as connection:
        before = connection.execute("SELECT * FROM tally ORDER BY key").fetchall()
        migrate(old_database_url)
        after = connection.execute("SELECT * FROM quota_counters ORDER BY key")

        assert before
        assert after.fetchall() == before


def test_keys_links_and_repeated_requests_are_remembered(client: TestClient[Litestar]):
    repeatable = about().repeatable

    repeated = client.post(
        question_now(repeatable.path),
        json=repeatable.json,
        headers={
            **bearer("home"),
            "Idempotency-Key": repeatable.idempotency_key,
        },
    )
    opens = [
        client.get("/api/v1/projects", headers=bearer(key)).status_code
        for key in ("home", "other", "reader", "revoked")
    ]
    may_not = client.post(
        question_now(repeatable.path),
        json=repeatable.json,
        headers=bearer("reader"),
    )
    browser = TestClient(AsServed(client.app, "10.46.0.1"), base_url="http://127.0.0.1")
    browser.blocking_portal = client.blocking_portal
    path = about().sign_in_path
    question = browser.get(path)
    entered = [
        browser.post(path, data={"later": "yes"}, follow_redirects=False)
        for _ in range(2)
    ]

    assert repeated.status_code == repeatable.status
    assert repeated.json()["data"] == repeatable.answer
    assert opens == [200, 200, 200, 401]
    assert may_not.status_code == 403
    # Nobody has an account there, so the link asks for one until somebody made it.
    assert question.status_code == 200
    assert "Later" in question.text
    assert [each.status_code for each in entered] == [303, 303]
