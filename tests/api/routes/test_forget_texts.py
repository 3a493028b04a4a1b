"""POST .../forget-texts: earlier names and notes can't be read anywhere any more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from infra.embedded.processes import wait_until
from projections.alerts.projection import Alerts
from projections.campaigns.projection import Campaigns
from projections.channels.projection import Channels
from projections.organizations.projection import ApiKeys
from projections.projects import Projects
from projections.rebuild.rebuild import rebuild
from projections.views import Views
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    own_installation,
)
from tests.kit.command_line import CommandLine
from tests.kit.erasing import tables_with
from tests.kit.patience import PATIENTLY


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def cli(
    command_line: CommandLine,
    goatherd: Goatherd,
    redis_url: str,
    tmp_path: Path,
) -> CommandLine:
    (tmp_path / "data").mkdir()
    command_line.set(
        database_url=goatherd.url, redis_url=redis_url, data_dir=tmp_path / "data"
    )
    return command_line


def forget(tenant: Tenant, path: str) -> dict[str, Any]:
    return data_of(tenant.post(f"{path}/forget-texts"))


def test_earlier_names_and_notes_are_forgotten_everywhere(
    home: Tenant, cli: CommandLine
):
    word = "wanted.camper"
    once = {"Idempotency-Key": "a camp"}
    made = home.post(
        f"/projects/{home.project_id}/campaigns",
        {"name": f"Camp with @{word}", "readme": f"{word} climbs"},
        headers=once,
    )
    campaign, key = data_of(made, status=201)["id"], home.with_key("read")
    project = data_of(home.post("/projects", {"name": word}), status=201)["id"]
    creator = home.add("plain.goat")["id"]
    home.post(
        f"/campaigns/{campaign}/items",
        {"items": [{"item_type": "creator", "item_id": creator}]},
    )
    home.goatherd.catch_up()
    rebuild(home.goatherd.store, Campaigns(), by="test")
    before = home.goatherd.head
    paths = {
        f"/campaigns/{campaign}": {"name": "Camp", "readme": "Tents"},
        f"/projects/{project}": {"name": "Alps"},
        f"/api-keys/{key.key_id}": {"name": f"Key of {word}"},
        "/organization": {"name": f"Herd of {word}"},
    }
    for path, texts in paths.items():
        data_of(home.patch(path, texts))
    data_of(home.patch(f"/api-keys/{key.key_id}", {"name": "Robot"}))
    data_of(home.patch("/organization", {"name": "Herd"}))
    home.goatherd.catch_up()
    assert "public.idempotency" in tables_with(home.goatherd.store, word)
    history = home.get(f"/campaigns/{campaign}/history").text
    assert word in history

    done = [forget(home, path) for path in paths]
    again = [forget(home, path) for path in paths]
    home.goatherd.catch_up()

    assert [each["forgotten"] for each in done] == [True] * 4
    assert [each["forgotten"] for each in again] == [False] * 4
    assert done[0] == {"id": campaign, "kind": "campaign", "forgotten": True}
    assert tables_with(home.goatherd.store, word) == []
    for path, params in (
        (f"/campaigns/{campaign}", {}),
        (f"/campaigns/{campaign}", {"as_of": str(before)}),
        (f"/campaigns/{campaign}/history", {}),
        (f"/creators/{creator}/history", {}),
        ("/api-keys", {}),
        ("/projects", {}),
    ):
        answer = home.get(path, params=params)
        assert (answer.status_code, word in answer.text) == (200, False), path
    repeated = home.post(
        f"/projects/{home.project_id}/campaigns",
        {"name": f"Camp with @{word}", "readme": f"{word} climbs"},
        headers=once,
    )
    assert code_of(repeated) == (410, "gone")
    exported = cli("export", "events", "--org", str(home.organization_id))
    assert (exported.status, word in exported.out) == (0, False)
    assert "Camp" in exported.out
    assert cli("verify", "--json").status == 0
    assert cli("erase", "--verify", campaign).status == 0
    named = {one["name"] for one in data_of(home.get("/api-keys"))}
    for projection in (Campaigns(), Projects(), ApiKeys()):
        rebuild(home.goatherd.store, projection, by="test")
    home.goatherd.catch_up()
    assert data_of(home.get(f"/campaigns/{campaign}"))["name"] == "Camp"
    assert data_of(home.get(f"/campaigns/{campaign}"))["readme"] == "Tents"
    assert data_of(home.get(f"/projects/{project}"))["name"] == "Alps"
    assert {one["name"] for one in data_of(home.get("/api-keys"))} == named
    assert "Robot" in named
    assert data_of(home.get("/organization"))["name"] == "Herd"


def test_a_saved_view_forgets_its_earlier_name_and_the_words_of_its_queries(
    home: Tenant, cli: CommandLine
):
    view = data_of(
        home.post(
            "/views",
            {
                "name": "Best of @viewed.camper",
                "list": "creators",
                "query": "search=viewed.camper&sort=followers",
                "columns": ["followers"],
            },
        ),
        status=201,
    )["id"]
    path = f"/views/{view}"
    same = forget(home, path)
    data_of(home.patch(path, {"name": "Best", "query": "sort=followers"}))
    home.goatherd.catch_up()

    done = forget(home, path)
    # A process may hold the key for a second.
    assert wait_until(lambda: not forget(home, path)["forgotten"], seconds=PATIENTLY)
    data_of(home.patch(path, {"name": "Later", "query": "search=last.camper"}))
    data_of(home.delete(path))
    deleted = forget(home, path)
    home.goatherd.catch_up()

    assert same["forgotten"] is False
    assert done == {"id": view, "kind": "view", "forgotten": True}
    assert deleted["forgotten"] is True
    for word in ("viewed.camper", "last.camper"):
        assert tables_with(home.goatherd.store, word) == [], word
    exported = cli("export", "events", "--org", str(home.organization_id))
    assert "camper" not in exported.out
    assert cli("verify", "--json").status == 0
    assert cli("erase", "--verify", view).status == 0
    rebuild(home.goatherd.store, Views(), by="test")
    home.goatherd.catch_up()
    assert code_of(home.get(path)) == (404, "not_found")


def test_the_present_texts_of_a_view_stay_when_earlier_ones_are_forgotten(home: Tenant):
    view = data_of(
        home.post("/views", {"name": "Once mine", "list": "creators"}), status=201
    )["id"]
    present = {"name": "Ours", "query": "tag=spring", "columns": ["followers"]}
    data_of(home.patch(f"/views/{view}", present))

    assert forget(home, f"/views/{view}")["forgotten"]
    home.goatherd.catch_up()
    rebuild(home.goatherd.store, Views(), by="test")

    shown = data_of(home.get(f"/views/{view}"))
    assert {name: shown[name] for name in present} == present
    changed = data_of(home.patch(f"/views/{view}", {"columns": []}))
    assert (changed["name"], changed["version"]) == ("Ours", 4)


def test_an_alert_rule_forgets_its_earlier_names_and_all_when_it_is_removed(
    home: Tenant, cli: CommandLine
):
    condition = {"type": "no_post_for_days", "days": 9}
    rule = data_of(
        home.post(
            "/alert-rules",
            {"name": "Zeppelin of @ruled.camper", "condition": condition},
        ),
        status=201,
    )["id"]
    path = f"/alert-rules/{rule}"
    person = home.add("ruled.camper")["id"]
    home.goatherd.catch_up()
    shown = data_of(home.get(f"/creators/{person}/erase"))["mentions"]
    data_of(home.patch(path, {"name": "Watch"}))

    done = forget(home, path)
    assert wait_until(lambda: not forget(home, path)["forgotten"], seconds=PATIENTLY)
    home.goatherd.catch_up()
    rebuild(home.goatherd.store, Alerts(), by="test")
    kept = data_of(home.get(path))["name"]
    data_of(home.patch(path, {"name": "For last.ruler"}))
    data_of(home.delete(path))
    removed = forget(home, path)
    home.goatherd.catch_up()

    assert [(each["kind"], each["change"]) for each in shown] == [
        ("alert_rule", f"PATCH {path}")
    ]
    assert done == {"id": rule, "kind": "alert_rule", "forgotten": True}
    assert kept == "Watch"
    assert removed["forgotten"] is True
    exported = cli("export", "events", "--org", str(home.organization_id))
    for word in ("Zeppelin", "last.ruler"):
        assert tables_with(home.goatherd.store, word) == [], word
        assert word not in exported.out
    assert cli("verify", "--json").status == 0


def test_a_channel_forgets_its_earlier_names_and_all_when_it_is_removed(
    home: Tenant, cli: CommandLine
):
    named = {"kind": "email", "name": "Sirens of @wired.camper"}
    channel = data_of(
        home.post("/channels", {**named, "address": "ada@wiretown.example"}), status=201
    )["id"]
    path = f"/channels/{channel}"
    person = home.add("wired.camper")["id"]
    home.goatherd.catch_up()
    shown = data_of(home.get(f"/creators/{person}/erase"))["mentions"]
    changed = {"name": "Watch", "address": "bo@herd.example"}
    data_of(home.patch(path, changed))

    done = forget(home, path)
    assert wait_until(lambda: not forget(home, path)["forgotten"], seconds=PATIENTLY)
    home.goatherd.catch_up()
    rebuild(home.goatherd.store, Channels(), by="test")
    home.goatherd.catch_up()
    kept = data_of(home.get(path))
    data_of(home.patch(path, {"name": "For last.wire"}))
    data_of(home.delete(path))
    assert wait_until(lambda: not forget(home, path)["forgotten"], seconds=PATIENTLY)
    home.goatherd.catch_up()
    rebuild(home.goatherd.store, Channels(), by="test")

    assert [(each["kind"], each["change"]) for each in shown] == [
        ("channel", f"PATCH {path}")
    ]
    assert done == {"id": channel, "kind": "channel", "forgotten": True}
    assert (kept["name"], kept["address"]) == ("Watch", "b…@herd.example")
    exported = cli("export", "events", "--org", str(home.organization_id))
    for word in ("Sirens", "wiretown", "last.wire"):
        assert tables_with(home.goatherd.store, word) == [], word
        assert word not in exported.out
    assert cli("verify", "--json").status == 0
    assert cli("erase", "--verify", channel).status == 0


def test_the_command_line_forgets_what_is_deleted_altogether(
    home: Tenant, cli: CommandLine
):
    campaign = home.campaign("Camp with @former.camper")
    home.delete(f"/campaigns/{campaign}")
    home.goatherd.catch_up()
    org = str(home.organization_id)

    done = cli("forget-texts", campaign, "--org", org, "--json")
    again = cli("forget-texts", campaign, "--org", org)
    wrong = cli("forget-texts", str(UUID(int=1)), "--org", org)
    home.goatherd.catch_up()

    assert done.document == {"id": campaign, "kind": "campaign", "forgotten": True}
    assert "no earlier texts" in again.out
    assert wrong.status == 1
    assert tables_with(home.goatherd.store, "former.camper") == []
    # A text that is left somewhere is found.
    home.goatherd.query(
        "UPDATE projects SET description = %s WHERE id = %s",
        "Camp with @former.camper",
        home.project_id,
    )
    assert cli("erase", "--verify", campaign).status == 1


def test_only_an_admin_of_the_organization_forgets(home: Tenant, stranger: Tenant):
    campaign = home.campaign("Camp")
    writer = home.with_key("read", "write")
    path = f"/campaigns/{campaign}/forget-texts"

    assert code_of(writer.post(path)) == (403, "insufficient_scope")
    assert code_of(stranger.post(path)) == (404, "not_found")
    of_nobody = stranger.post(f"/api-keys/{home.key_id}/forget-texts")
    assert code_of(of_nobody) == (404, "not_found")
