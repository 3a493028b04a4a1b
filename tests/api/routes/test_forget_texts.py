"""POST .../forget-texts: earlier names and notes can't be read anywhere any more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from projections.campaigns.projection import Campaigns
from projections.organizations.projection import ApiKeys
from projections.projects import Projects
from projections.rebuild.rebuild import rebuild
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    own_installation,
)
from tests.kit.command_line import CommandLine
from tests.kit.erasing import tables_with


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
