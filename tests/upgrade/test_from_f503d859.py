"""Campaigns of commit f503d859, which had no choice of what counts, are upgraded.

They keep counting all views of all time until somebody chooses, and the page says so.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from infra.database import migrate
from projections.engine.follower import Follower
from projections.rebuild.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.kit.application import Goatherd, started
from tests.kit.builders import opened_store
from tests.kit.command_line import CommandLine
from tests.kit.databases import new_database
from tests.kit.visitor import Visitor
from tests.upgrade.conftest import restore
from tests.upgrade.make_campaigns_dump import ABOUT, DATABASE, OldCampaigns

OLD = msgspec.json.decode(ABOUT.read_bytes(), type=OldCampaigns)


@pytest.fixture(scope="module")
def upgraded_template(postgres_url: str) -> Iterator[str]:
    """The name of the old database, as this version migrated it."""
    with new_database(postgres_url) as url:
        restore(url, DATABASE)
        migrate(url)
        with opened_store(url) as store:
            for projection in PROJECTIONS:
                follower = Follower(projection, pool=store.pool, codec=store.codec)
                follower.register()
                # Their versions were raised since.
                if projection.name in {"analytics", "annotations"}:
                    rebuild(store, projection, by="test")
                follower.catch_up()
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def upgraded_url(postgres_url: str, upgraded_template: str) -> Iterator[str]:
    """The URL of the upgraded database for one test."""
    with new_database(postgres_url, template=upgraded_template) as url:
        yield url


def named(name: str) -> dict[str, Any]:
    (found,) = (one for one in OLD.campaigns if one["name"] == name)
    return found


def get(goatherd: Goatherd, path: str) -> Any:  # noqa: ANN401 - of any operation
    bearer = {"Authorization": f"Bearer {OLD.key}"}
    answer = goatherd.client.get(f"/api/v1{path}", headers=bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_old_campaigns_are_answered_as_before_and_count_all_views(upgraded_url: str):
    with started(upgraded_url) as goatherd:
        now = {id_: get(goatherd, f"/campaigns/{id_}") for id_ in OLD.items}
        items = {id_: get(goatherd, f"/campaigns/{id_}/items") for id_ in OLD.items}
        listed = get(goatherd, "/campaigns")

    assert len(listed) == len(OLD.campaigns) == 3
    assert items == OLD.items
    for was in OLD.campaigns:
        found = now[was["id"]]
        kept = {key: found[key] for key in was if key != "progress"}
        assert kept == {key: was[key] for key in kept}, was["name"]
        assert found["target_scope"] == "lifetime", was["name"]
        assert (found["target_posts"], found["cost_minor"]) == (None, None)
        assert (found["progress"] is None) is (was["progress"] is None), was["name"]
        for name in ("reached", "percentage", "target_views"):
            if was["progress"] is not None:
                assert was["progress"]["reached"] > 0
                assert found["progress"][name] == was["progress"][name], was["name"]


def test_the_page_says_what_an_old_campaign_counts_and_how_to_change_it(
    upgraded_url: str,
):
    summer = named("Summer")
    path = f"/campaigns/{summer['id']}"
    with started(upgraded_url) as goatherd:
        visitor = Visitor(goatherd)
        visitor.sign_in(OLD.key)

        target = visitor.see(path).one("section", **{"aria-label": "Targets"})
        listed = visitor.see("/campaigns").one("tbody").text
        settings = visitor.see(target.one("a")["href"].partition("#")[0])
        answer = visitor.submit(settings, f"{path}/settings", target_scope="gained")
        goatherd.catch_up()
        changed = get(goatherd, path)
        after = visitor.see(path).one("section", **{"aria-label": "Targets"})

    assert "also from before the campaign" in target.text
    assert target.one("a").text == "Count only views gained in its days"
    assert "views of all time" in listed
    assert answer.status_code == 303, answer.text
    assert changed["target_scope"] == "gained"
    assert changed["progress"]["reached"] < summer["progress"]["reached"]
    assert "gained in its days" in after.text
    assert "before the campaign" not in after.text


def test_the_command_line_lists_old_campaigns(
    upgraded_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    cli = CommandLine(monkeypatch, capsys)
    cli.set(database_url=upgraded_url)

    listed = cli("campaigns", "list", "--json").document

    assert {one["name"]: one["target_scope"] for one in listed} == {
        one["name"]: "lifetime" for one in OLD.campaigns
    }
    reached = {one["name"]: one["reached_views"] for one in listed}
    for was in OLD.campaigns:
        if was["progress"] is not None:
            assert reached[was["name"]] == was["progress"]["reached"], was["name"]
