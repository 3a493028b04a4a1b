"""``goatherd orgs | creators list``, and names in place of their ids."""

import re
from pathlib import Path
from uuid import UUID

import pytest

from api.cli.kit import caught_up
from domain import commands as c
from domain.organization.commands import OrganizationCommand
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.creators.projection import CreatorList
from projections.engine.follower import Follower
from projections.projects import Projects
from projections.views import Views
from tests.kit.builders import Home, asking, next_events
from tests.kit.command_line import CommandLine
from tests.kit.commands import change_organization
from tests.kit.histories import connected, snapshot

NOBODY = "00000000-0000-4000-8000-000000000009"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def made(cli: CommandLine, store: Store, name: str) -> Home:
    document = cli("orgs", "create", name, "--json").document
    return Home(store, UUID(document["org_id"]), UUID(document["project_id"]))


def connect(home: Home, creator_id: UUID) -> None:
    history = home.store.load(creator_id)[creator_id]
    event = connected(home.organization_id)
    home.store.append(next_events(creator_id, history, [event]), context=asking())


def command(home: Home, command: OrganizationCommand) -> None:
    change_organization(
        home.store,
        home.organization_id,
        command,
        plans=DEFAULT_PLANS,
        context=asking(),
    )


def project(home: Home, name: str) -> UUID:
    """Give the organization one more project."""
    project_id = new_id()
    command(
        home,
        c.CreateProject(project_id=project_id, name=name, description=None),
    )
    return project_id


def rename(home: Home, project_id: UUID, name: str) -> None:
    command(home, c.ChangeProjectDetails(project_id=project_id, name=name))


def catch_up(store: Store) -> None:
    """Let the read models of creators, projects and views catch up."""
    for projection in (CreatorList(), Projects(), Views()):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def test_everything_is_listed_by_name_and_with_its_id_if_that_is_asked(
    cli: CommandLine, store: Store
):
    ours, other = made(cli, store, "Herd"), made(cli, store, "Other")
    trails = project(ours, "Trails")
    rename(ours, trails, "Summer trails")
    billy = ours.creator("old-billy")
    connect(ours, billy)
    ours.remove(ours.creator("gone"))
    ours.disable(ours.creator("private"))
    catch_up(store)

    orgs = cli("orgs", "list", "--json").document
    creators = cli("creators", "list", "--json").document

    shown = ("name", "is_operator", "projects", "creators", "active_creators")
    # Nobody said who runs the installation, so the oldest does.
    assert [tuple(org[key] for key in shown) for org in orgs] == [
        ("Herd", True, 2, 2, 1),
        ("Other", False, 1, 0, 0),
    ]
    assert [UUID(org["id"]) for org in orgs] == [
        ours.organization_id,
        other.organization_id,
    ]
    assert [(each["tiktok_handle"], each["status"]) for each in creators] == [
        ("gone", "removed"),
        ("old-billy", "active"),
        ("private", "disabled"),
    ]
    assert UUID(creators[1]["id"]) == billy
    assert [each["connected_at"] is not None for each in creators] == [
        *(False, True, False)
    ]
    for word, heading in (
        ("orgs", "name"),
        ("creators", "handle"),
        ("keys", "name"),
    ):
        table, with_ids = cli(word, "list"), cli(word, "list", "--ids")
        assert table.err == with_ids.err == ""
        assert table.out.startswith(heading)
        assert with_ids.out.startswith(heading)
        assert not ID.search(table.out)
        of = ours.project_id if word == "creators" else ours.organization_id
        assert str(of) in with_ids.out
    assert "First project" in cli("creators", "list").out


def test_creators_are_listed_of_one_project(cli: CommandLine, store: Store):
    ours, other = made(cli, store, "Herd"), made(cli, store, "Other")
    ours.creator("old-billy")
    other.creator("stranger")
    empty = project(ours, "Empty")
    catch_up(store)

    def handles(*words: str) -> list[str]:
        found = cli("creators", "list", "--json", *words).document
        return [each["tiktok_handle"] for each in found]

    assert handles("--org", "Herd") == ["old-billy"]
    assert handles("--org", "Other", "--project", "First project") == ["stranger"]
    assert handles("--project", str(empty)) == []


def test_a_rounded_count_has_a_tilde_in_the_list_of_creators(
    cli: CommandLine, store: Store
):
    ours = made(cli, store, "Herd")
    billy = ours.creator("old-billy")
    store.append(
        [
            NewEvent(
                new_id(),
                1,
                snapshot(
                    billy,
                    organization_id=ours.organization_id,
                    precision="rounded",
                    follower_count=3_800_000,
                    video_count=7,
                ),
            )
        ],
        context=asking("test"),
    )
    catch_up(store)

    listed = cli("creators", "list")
    (as_json,) = cli("creators", "list", "--json").document

    assert listed.out.split()[-3:] == ["~3800000", "7", "-"]
    assert as_json["follower_count"] == 3_800_000
    assert as_json["rounded_counts"] == ["follower_count"]


def test_lists_that_are_behind_say_so(
    cli: CommandLine, store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(caught_up, "PATIENCE_SECONDS", 0.1)
    ours = made(cli, store, "Herd")
    catch_up(store)
    ours.creator("old-billy")

    listed = cli("creators", "list", "--json")

    assert listed.document == []
    assert "events behind" in listed.complaint


def test_a_name_does_where_an_id_does(cli: CommandLine, store: Store, tmp_path: Path):
    ours = made(cli, store, "Herd")
    made(cli, store, "Other")
    trails = project(ours, "Trails")
    rename(ours, trails, "Summer trails")
    recording = tmp_path / "mine.jsonl"
    recording.write_text(
        '{"observed_at":"2026-01-03T06:00:00Z","handle":"alp","outcome":"private"}\n'
    )
    catch_up(store)

    key = cli("keys", "create", "--org", "Herd", "--name", "By name", "--json")
    keys = cli("keys", "list", "--org", "Herd", "--json").document
    imported = cli(
        *("import", str(recording), "--project", "Summer trails"),
        *("--create-creators", "--json"),
    )
    exported = cli(
        "export", "observations", "--org", "Herd", "--project", "First project"
    )
    all_exported = cli("export", "observations", "--org", "Herd")

    assert key.document["id"] in {each["id"] for each in keys}
    assert {UUID(each["org_id"]) for each in keys} == {ours.organization_id}
    assert imported.document["creators_created"] == ["alp"]
    assert exported.out == ""
    assert "alp" in all_exported.out


@pytest.mark.parametrize(
    "words",
    (
        ["keys", "create", "--org", "Nobody"],
        ["keys", "list", "--org", NOBODY],
        ["projects", "list", "--org", "herd"],
        ["creators", "list", "--project", "Nothing"],
        ["export", "events", "--org", "Herd", "--project", "Elsewhere"],
    ),
    ids=" ".join,
)
def test_an_unknown_name_is_refused_with_the_list_to_look_at(
    cli: CommandLine, store: Store, words: list[str]
):
    made(cli, store, "Herd")
    elsewhere = made(cli, store, "Other")
    rename(elsewhere, elsewhere.project_id, "Elsewhere")
    catch_up(store)

    outcome = cli(*words)

    kind = "project" if "--project" in words else "organization"
    assert outcome.status == 1
    assert outcome.complaint.startswith(f"There is no {kind} {words[-1]!r}")
    assert "list` shows all" in outcome.complaint


def test_a_name_that_several_have_is_refused_with_their_ids(
    cli: CommandLine, store: Store
):
    first, second = made(cli, store, "Herd"), made(cli, store, "Herd")
    catch_up(store)

    orgs = cli("keys", "create", "--org", "Herd")
    projects = cli("creators", "list", "--project", "First project")
    by_id = cli("keys", "create", "--org", str(second.organization_id))

    assert "2 organizations are called 'Herd'" in orgs.complaint
    assert str(first.organization_id) in orgs.complaint
    assert str(second.organization_id) in orgs.complaint
    assert "2 projects are called 'First project'" in projects.complaint
    assert by_id.status == 0
