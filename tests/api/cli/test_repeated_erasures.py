"""A restore of older data with newer keys erases again who was erased in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.erase.repeat import ACTOR
from domain import events as e
from domain.creator.account import account_stream
from domain.messages import ErasedFigures
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from projections.registry import PROJECTIONS
from tests.kit.application import (
    SECRET,
    Goatherd,
    Tenant,
    data_of,
    own_installation,
    started,
)
from tests.kit.builders import log_of, make_home, opened_store
from tests.kit.command_line import CommandLine, Outcome, running
from tests.kit.databases import new_database
from tests.kit.erasing import erase, tables_with

WORDS = ("wanted", "sibling")
VIDEO = "7311223344556677881"


@pytest.fixture
def cli(
    command_line: CommandLine,
    tmp_path: Path,
) -> CommandLine:
    command_line.set(data_dir=tmp_path / "nothing")
    return command_line


@pytest.fixture
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant(is_operator=True)


class Scene:
    """A person with much data, a backup of the data then, and later keys."""

    def __init__(self, cli: CommandLine, home: Tenant, folder: Path) -> None:
        self.home, self.cli = home, cli
        self.data, self.keys = folder / "backup.zip", folder / "keys"
        add = {"headers": {"Idempotency-Key": "a key"}}
        self.creator = home.post(
            home.creators, {"tiktok_handle": "wanted.goat", "readme": "wanted"}, **add
        ).json()["data"]["id"]
        home.patch(f"/creators/{self.creator}", {"tiktok_handle": "wanted.again"})
        self.sibling = home.add("sibling.goat")["id"]
        self.other = home.add("another.goat")["id"]
        for one in (self.creator, self.sibling):
            account = account_stream(UUID(one), 0)
            home.goatherd.append(
                account,
                e.AccountPinned(
                    organization_id=home.organization_id,
                    creator_id=UUID(one),
                    user_id="1234567",
                ),
            )
            home.saw(one, follower_count=12, display_name="wanted", user_id="1234567")
        self.video = home.found(
            self.creator, "72", pseudonym="1234567890123", title="wanted jumps"
        )
        self.single = data_of(
            home.post(
                f"/projects/{home.project_id}/videos",
                {"url": f"https://www.tiktok.com/@wanted.goat/video/{VIDEO}"},
            ),
            status=201,
        )["id"]
        for scope, scope_id in (("creator", self.sibling), ("video", self.video)):
            note = {"scope": scope, "scope_id": scope_id, "starts_on": "2026-03-01"}
            noted = home.post("/analytics/annotations", {**note, "text": "wanted!"})
            data_of(noted, status=201)
        home.goatherd.catch_up()
        self.campaign = home.campaign(
            "Spring", ("creator", self.creator), ("video", self.video)
        )
        home.goatherd.catch_up()
        cli.set(database_url=home.goatherd.url)
        assert cli("backup", str(self.data)).status == 0

    def erased(self, figures: ErasedFigures) -> None:
        """Erase the person, and back up the keys after that."""
        self.home.goatherd.catch_up()
        erase(
            self.home.goatherd.store,
            UUID(self.creator),
            organization_id=self.home.organization_id,
            confirm="wanted.again",
            figures=figures,
        )
        self.back_up_keys()

    def back_up_keys(self) -> None:
        assert self.cli("backup", "--keys", str(self.keys)).status == 0

    def restored(self, url: str) -> Outcome:
        self.cli.set(database_url=url)
        return self.cli("restore", str(self.data), "--keys", str(self.keys), "--json")


@pytest.fixture
def scene(cli: CommandLine, home: Tenant, tmp_path: Path) -> Scene:
    return Scene(cli, home, tmp_path)


def erasures(url: str) -> dict[UUID, tuple[Any, ...]]:
    """Return the log's account of each erasure, by creator."""
    with opened_store(url) as store:
        return {
            each.stream: (
                each.event.number,
                each.event.figures,
                each.event.video_ids,
                each.actor,
            )
            for each in log_of(store, e.SubjectErased)
            if isinstance(each.event, e.SubjectErased)
        }


def words_in(url: str) -> dict[str, list[str]]:
    """The tables that still name the person, by word."""
    with opened_store(url) as store:
        found = {word: tables_with(store, word) for word in (*WORDS, VIDEO)}
    return {word: tables for word, tables in found.items() if tables}


@pytest.mark.parametrize("figures", ("anonymous", "drop"))
def test_who_was_erased_after_the_data_is_erased_again_before_anything_is_read(
    scene: Scene, empty_database_url: str, figures: ErasedFigures
):
    scene.erased(figures)
    before = erasures(scene.home.goatherd.url)

    restored = scene.restored(empty_database_url)

    assert restored.status == 0, restored.err
    assert {each["id"] for each in restored.document["erased"]} == {
        scene.creator,
        scene.sibling,
    }
    after = erasures(empty_database_url)
    assert {one: what[:3] for one, what in after.items()} == {
        one: what[:3] for one, what in before.items()
    }
    assert {what[3] for what in after.values()} == {ACTOR}
    assert words_in(empty_database_url) == {}
    rest = scene.cli("doctor", "--at-rest", "--json")
    assert rest.status == 0, rest.out
    assert scene.cli("verify").status == 0
    with started(empty_database_url) as goatherd:
        home = Tenant(
            goatherd,
            organization_id=scene.home.organization_id,
            project_id=scene.home.project_id,
            key_id=scene.home.key_id,
            key=scene.home.key,
        )
        for one in (scene.creator, scene.sibling):
            shown = data_of(home.get(f"/creators/{one}"))
            assert shown["status"] == "erased"
            kept = 12 if figures == "anonymous" else None
            assert shown["follower_count"] == kept
            assert home.delete(f"/creators/{one}").status_code == 410
        assert home.get(f"/creators/{scene.other}").status_code == 200
        repeated = home.post(
            home.creators,
            {"tiktok_handle": "wanted.goat", "readme": "wanted"},
            headers={"Idempotency-Key": "a key"},
        )
        assert repeated.status_code == 410
        for handle in ("wanted.goat", "wanted.again", "sibling.goat"):
            assert home.add(handle)["id"] not in {scene.creator, scene.sibling}
    with opened_store(empty_database_url, pool_size=CONNECTIONS) as store:
        rebuilt = [rebuild(store, one, by="test") for one in PROJECTIONS]
    assert [one.name for one in rebuilt if not one.comparison.is_equal] == []


def test_nothing_starts_on_keys_that_were_put_below_older_data_by_hand(
    scene: Scene, empty_database_url: str, tmp_path: Path
):
    scene.back_up_keys()
    assert scene.restored(empty_database_url).status == 0
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "UPDATE subject_keys SET wrapped = NULL, destroyed_at = now(), erasure = 1 "
            "WHERE subject = ANY(%s)",
            ([UUID(scene.creator), UUID(scene.single)],),
        )

    settings = {"database_url": empty_database_url, "secret": SECRET, "port": 0}
    with running("serve", settings=settings, folder=tmp_path) as serving:
        status = serving.process.wait(60)
    project = scene.cli("project")
    rest = scene.cli("doctor", "--at-rest", "--json")
    verified = scene.cli("verify")
    finished = scene.cli("restore", "--finish", "--json")

    assert status == 1
    assert "The keys of 1 creator are destroyed" in project.complaint
    assert "the log has no erasure of them" in rest.out
    assert (verified.status, "no erasure of them" in verified.out) == (1, True)
    assert [one["id"] for one in finished.document["erased"]] == [scene.creator]
    assert erasures(empty_database_url) == {
        UUID(scene.creator): (1, "anonymous", (UUID(scene.single),), ACTOR)
    }
    assert scene.cli("doctor", "--at-rest").status == 0
    assert scene.cli("restore", "--finish", "--json").document == {
        "erased": [],
        "forgotten": [],
    }


def test_a_single_video_is_erased_whose_creator_came_after_the_data(
    cli: CommandLine, home: Tenant, tmp_path: Path, empty_database_url: str
):
    path = f"/projects/{home.project_id}/videos"
    url = f"https://www.tiktok.com/@wanted.later/video/{VIDEO}"
    single = data_of(home.post(path, {"url": url}), status=201)["id"]
    home.goatherd.catch_up()
    cli.set(database_url=home.goatherd.url)
    assert cli("backup", str(tmp_path / "data")).status == 0
    creator = home.add("wanted.later")["id"]
    home.goatherd.catch_up()
    erase(
        home.goatherd.store,
        UUID(creator),
        organization_id=home.organization_id,
        confirm="wanted.later",
    )
    assert cli("backup", "--keys", str(tmp_path / "keys")).status == 0
    cli.set(database_url=empty_database_url)

    words = ("restore", str(tmp_path / "data"), "--keys", str(tmp_path / "keys"))
    restored = cli(*words)

    assert restored.status == 0, restored.err
    assert "1 creator had been erased after the backup" in restored.out
    assert erasures(empty_database_url) == {
        UUID(creator): (1, "anonymous", (UUID(single),), ACTOR)
    }
    assert words_in(empty_database_url) == {}
    assert cli("doctor", "--at-rest").status == 0
    with started(empty_database_url) as goatherd:
        again = Tenant(
            goatherd,
            organization_id=home.organization_id,
            project_id=home.project_id,
            key_id=home.key_id,
            key=home.key,
        )
        assert again.post(f"/creators/{creator}/scrape").status_code == 404
        assert again.post(f"/videos/{single}/scrape").status_code >= 400


def mail_channel(tenant: Tenant, name: str) -> str:
    body = {"kind": "email", "name": name, "address": "ada@herd.example"}
    return data_of(tenant.post("/channels", body), status=201)["id"]


def test_texts_that_were_forgotten_after_the_data_are_forgotten_again(
    cli: CommandLine, home: Tenant, tmp_path: Path, empty_database_url: str
):
    once = {"Idempotency-Key": "a camp"}
    camp = {"name": "Camp of wanted", "readme": "wanted", "metadata": {"a": ["wanted"]}}
    path = f"/projects/{home.project_id}/campaigns"
    campaign = data_of(home.post(path, camp, headers=once), status=201)["id"]
    deleted, other = home.campaign("wanted once"), home.campaign("Autumn")
    project = data_of(home.post("/projects", {"name": "wanted"}), status=201)["id"]
    key = home.with_key("read").key_id
    view = data_of(
        home.post("/views", {"name": "wanted", "list": "creators"}), status=201
    )["id"]
    paths = {
        "view": f"/views/{view}",
        "channel": f"/channels/{(channel := mail_channel(home, 'wanted'))}",
        "campaign": f"/campaigns/{campaign}",
        "project": f"/projects/{project}",
        "api_key": f"/api-keys/{key}",
        "organization": "/organization",
    }
    for place in paths.values():
        data_of(home.patch(place, {"name": f"The wanted {place[1:4]}"}))
    home.goatherd.catch_up()
    cli.set(database_url=home.goatherd.url)
    assert cli("backup", str(tmp_path / "data")).status == 0
    for name in ("Later", "Last"):
        for place in paths.values():
            data_of(home.patch(place, {"name": name}))
            assert data_of(home.post(f"{place}/forget-texts"))["forgotten"]
    home.delete(f"/campaigns/{deleted}")
    assert data_of(home.post(f"/campaigns/{deleted}/forget-texts"))["forgotten"]
    assert cli("backup", "--keys", str(tmp_path / "keys")).status == 0
    cli.set(database_url=empty_database_url)

    words = ("restore", str(tmp_path / "data"), "--keys", str(tmp_path / "keys"))
    restored = cli(*words)

    assert restored.status == 0, restored.err
    assert "Names and notes of" in restored.out
    assert "2 campaigns" in restored.out
    with opened_store(empty_database_url) as store:
        assert tables_with(store, "wanted") == []
        forgettings = [
            (each.event.of, each.actor)
            for each in log_of(store, e.EarlierTextsForgotten)
            if isinstance(each.event, e.EarlierTextsForgotten)
        ]
    twice = [UUID(each) for each in (campaign, project, str(key), view, channel)]
    twice.append(home.organization_id)
    assert sorted(forgettings) == sorted(
        [(of, ACTOR) for of in [*twice, *twice, UUID(deleted)]]
    )
    assert cli("doctor", "--at-rest").status == 0
    assert cli("verify").status == 0
    # A status of 2 says that no Redis is named to look into.
    looked = cli("erase", "--verify", campaign, "--verbose")
    assert (looked.status, "for 2 earlier texts" in looked.out) == (2, True)
    assert "No data were found" in looked.out
    assert cli("restore", "--finish", "--json").document["forgotten"] == []
    with started(empty_database_url) as goatherd:
        again = Tenant(
            goatherd,
            organization_id=home.organization_id,
            project_id=home.project_id,
            key_id=home.key_id,
            key=home.key,
        )
        shown = data_of(again.get(paths["campaign"]))
        assert (shown["name"], shown["readme"], shown["metadata"]) == (
            "erased",
            None,
            {},
        )
        assert data_of(again.get(f"/campaigns/{other}"))["name"] == "Autumn"
        assert "wanted" not in again.get(f"{paths['campaign']}/history").text
        assert again.post(path, camp, headers=once).status_code == 410
        for place in paths.values():
            data_of(again.patch(place, {"name": "Anew"}))
            assert not data_of(again.post(f"{place}/forget-texts"))["forgotten"]
        goatherd.catch_up()
        assert data_of(again.get(paths["campaign"]))["name"] == "Anew"
    with opened_store(empty_database_url, pool_size=CONNECTIONS) as store:
        rebuilt = [rebuild(store, one, by="test") for one in PROJECTIONS]
    assert [one.name for one in rebuilt if not one.comparison.is_equal] == []


# Where a restore is killed, in which call of a function, and whether the rest of it can
# be done without the files.
KILLS = (
    ("application.backup.programs", "restore", 1, False),
    ("application.backup.programs", "restore", 2, False),
    ("application.backup.finish", "key_faults", 1, True),
    ("application.erase.repeat", "_repeat", 2, True),
    ("application.backup.finish", "_catch_up", 1, True),
    ("application.backup.finish", "end_restore", 1, True),
)
_KILLED = """
import os, signal
import {0} as module
whole, calls = module.{1}, 0
def killed(*given, **named):
    global calls
    calls += 1
    if calls == {2}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given, **named)
module.{1} = killed
"""


def test_a_restore_that_is_killed_anywhere_serves_nothing_until_it_is_finished(
    scene: Scene, postgres_url: str, tmp_path: Path
):
    scene.erased("drop")
    words = ("restore", str(scene.data), "--keys", str(scene.keys))
    found: dict[tuple[str, str, int], str] = {}
    for module, name, call, _ in KILLS:
        with new_database(postgres_url) as url:
            settings = {"database_url": url, "data_dir": tmp_path / "nothing"}
            killed = _KILLED.format(module, name, call)
            with running(
                *words, settings=settings, folder=tmp_path, before=killed
            ) as process:
                process.process.wait(120)
            scene.cli.set(database_url=url)
            state = served(url)
            finished = scene.cli("restore", "--finish")
            if state == "refused":
                assert finished.status == 0 or "restore them again" in finished.err
            if state == "refused" and not finished.status:
                state = "finished"
                assert len(erasures(url)) == 2
                assert words_in(url) == {}
                assert scene.cli("doctor", "--at-rest").status == 0
            found[module, name, call] = state

    assert found == {kill[:3]: "finished" if kill[3] else "refused" for kill in KILLS}


def served(url: str) -> str:
    """Tell whether anything could be read from a database."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT to_regclass('creator_list') IS NOT NULL, "
            "to_regclass('goatherd_restore_has_not_ended') IS NOT NULL"
        ).fetchone()
    assert row is not None
    there, is_marked = row
    if is_marked:
        with opened_store(url) as store, pytest.raises(psycopg.OperationalError):
            store.load(UUID(int=1))
        return "refused"
    return "whole" if there else "empty"


def test_keys_of_another_installation_are_refused_and_nothing_can_be_read(
    scene: Scene, postgres_url: str, template_database: str, empty_database_url: str
):
    with (
        new_database(postgres_url, template=template_database) as url,
        opened_store(url) as store,
    ):
        make_home(store).creator("stranger")
        scene.cli.set(database_url=url)
        scene.back_up_keys()

    refused = scene.restored(empty_database_url)
    started_anyway = scene.cli("project")
    finished = scene.cli("restore", "--finish")

    assert refused.status == 1
    assert "made before the backup of the data, or elsewhere" in refused.complaint
    assert started_anyway.status == 1
    assert "has not ended" in started_anyway.complaint
    assert finished.status == 1
