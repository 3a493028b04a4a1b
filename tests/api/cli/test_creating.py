"""``goatherd projects create``, ``creators add`` and ``campaigns create``."""

from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest

from domain import events as e
from domain.organization.logo import logo_of
from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.kit.builders import log_of
from tests.kit.command_line import CommandLine
from tests.kit.pictures import LOGO

E = TypeVar("E", bound=e.Event)


def catch_up(store: Store) -> None:
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


@pytest.fixture
def organization_id(cli: CommandLine, store: Store) -> str:
    """The id of the only organization."""
    made = cli("orgs", "create", "Herd", "--json").document
    catch_up(store)
    return made["org_id"]


def test_a_project_is_created_in_the_only_organization(
    cli: CommandLine, store: Store, organization_id: str
):
    shown = cli("projects", "create", " Spring ")
    document = cli("projects", "create", "Summer", "--org", "Herd", "--json").document
    catch_up(store)

    assert shown.out == "Created the project Spring.\n"
    assert document["org_id"] == organization_id
    listed = {
        one["name"]: one["id"] for one in cli("projects", "list", "--json").document
    }
    assert set(listed) == {"First project", "Spring", "Summer"}
    assert listed["Summer"] == document["id"]


def test_the_head_of_a_projects_reports_is_changed(
    cli: CommandLine, store: Store, organization_id: str, tmp_path: Path
):
    picture = tmp_path / "no-logo.txt"
    picture.write_bytes(LOGO)
    cli("projects", "create", "Spring")
    catch_up(store)
    words = ("--client", "Alm & Co", "--comment", "First month", "--color", "#0f766e")

    shown = cli("projects", "set", "Spring", *words, "--logo", str(picture))
    again = cli("projects", "set", "Spring", *words, "--logo", str(picture), "--json")
    changed = store_events(store, organization_id)[-2:]
    cleared = cli(
        *("projects", "set", "Spring", "--client", "", "--color", "", "--no-logo")
    )

    project_id = UUID(again.document["id"])
    assert shown.out == cleared.out == "Changed the project.\n"
    assert again.document["changes"] == 0
    assert changed == [
        e.ProjectDetailsChanged(
            project_id=project_id,
            client="Alm & Co",
            comment="First month",
            color="#0f766e",
        ),
        e.ProjectLogoChanged(project_id=project_id, logo=logo_of(LOGO)),
    ]
    assert store_events(store, organization_id)[-2:] == [
        e.ProjectDetailsChanged(project_id=project_id, client=None, color=None),
        e.ProjectLogoChanged(project_id=project_id, logo=None),
    ]


def test_a_change_of_a_project_that_is_wrong_changes_nothing(
    cli: CommandLine, store: Store, organization_id: str, tmp_path: Path
):
    picture = tmp_path / "logo.png"
    picture.write_bytes(b"<svg/>")
    head = store.head()

    refused = {
        "a logo is a PNG, JPEG or WebP picture": ("--logo", str(picture)),
        "can't be read": ("--logo", str(tmp_path / "none.png")),
        "at most 200 characters": ("--client", "x" * 201),
        "color must be a colour such as #1D56C2": ("--color", "teal"),
        "Name something to change": (),
        "no project": ("--client", "Alm", "--org", organization_id),
    }
    for words, options in refused.items():
        name = "Nothing" if words == "no project" else "First project"
        answer = cli("projects", "set", name, *options)
        is_state = words in {"no project", "can't be read"}
        assert answer.status == (1 if is_state else 2)
        assert words in answer.complaint
    assert store.head() == head


def test_a_project_is_archived_and_restored(
    cli: CommandLine, store: Store, organization_id: str
):
    cli("projects", "create", "Spring")
    catch_up(store)

    archived = cli("projects", "archive", "Spring")
    catch_up(store)
    again = cli("projects", "archive", "Spring")
    last = cli("projects", "archive", "First project")
    catch_up(store)
    listed = cli("projects", "list", "--json").document
    every = cli("projects", "list", "--archived", "--json").document
    restored = cli("projects", "restore", "Spring", "--json").document
    catch_up(store)

    assert organization_id
    assert archived.out == "Archived the project.\n"
    assert again.out == "The project is archived already.\n"
    assert last.status == 1
    assert last.complaint.startswith("No other project would be left")
    assert [row["name"] for row in listed] == ["First project"]
    assert {row["name"]: row["archived_at"] is None for row in every} == {
        "First project": True,
        "Spring": False,
    }
    assert restored["changes"] == 1
    assert len(cli("projects", "list", "--json").document) == 2


def store_events(store: Store, organization_id: str) -> list[e.Event]:
    stream = UUID(organization_id)
    return [recorded.event for recorded in store.load(stream)[stream]]


def test_among_several_organizations_one_has_to_be_chosen(
    cli: CommandLine, store: Store, organization_id: str
):
    cli("orgs", "create", "Other")
    head = store.head()

    refused = cli("projects", "create", "Spring")
    blank = cli("projects", "create", " ", "--org", organization_id)

    assert (refused.status, blank.status) == (1, 2)
    assert refused.complaint == "Choose an organization with --org: 'Herd', 'Other'."
    assert "1 to 200 characters" in blank.complaint
    assert store.head() == head


def test_creators_are_added_by_handle_and_address(
    cli: CommandLine, store: Store, organization_id: str
):
    assert cli("projects", "create", "Spring", "--org", organization_id).status == 0
    catch_up(store)
    words = ("creators", "add", "--project", "Spring")

    first = cli(
        *(*words, "@Old.Billy", "https://www.tiktok.com/@alp", "--tag", "Tier A"),
        *("--tracking-start-date", "ever", "--tracking-mode", "selective"),
    )
    catch_up(store)
    second = cli(*words, "alp", "new", "no handle", "--json")

    assert (first.status, first.err) == (0, "")
    assert [line.split() for line in first.out.splitlines()[1:]] == [
        ["@old.billy", "added"],
        ["@alp", "added"],
    ]
    assert second.status == 1
    assert '"code":"handle_taken"' in second.out
    assert '"code":"invalid_handle"' in second.out
    added = {event.handle: event for event in _events(store, e.CreatorAdded)}
    assert set(added) == {"old.billy", "alp", "new"}
    assert added["alp"].tracking_start_date is None
    assert added["alp"].tracking_mode == "selective"
    assert added["alp"].tags == ["Tier A"]
    assert added["new"].tracking_start_date is not None
    assert len(_events(store, e.ScrapeRequested)) == 6


def test_creators_that_cannot_be_added_are_told_why(
    cli: CommandLine, store: Store, organization_id: str
):
    head = store.head()
    words = ("creators", "add", "--project", "First project")

    none, many = cli(*words), cli(*words, *(f"goat{n}" for n in range(51)))
    day = cli(*words, "goat", "--tracking-start-date", "soon")
    wrong = cli(*words, "no handle")

    assert organization_id
    assert none.complaint == many.complaint == "Name 1 to 50 creators."
    assert day.complaint.endswith("is a day, such as 2026-11-29, or ever.")
    assert wrong.status == 1
    assert "not added" in wrong.out
    assert store.head() == head


def test_a_campaign_is_created_with_its_days_and_target(
    cli: CommandLine, store: Store, organization_id: str
):
    words = ("campaigns", "create", "Winter cheese", "--project", "First project")
    targets = (
        *("--target-views", "2000000", "--target-posts", "12"),
        *("--target-engagement", "90000", "--cost-minor", "150000"),
    )
    days = ("--starts-on", "2026-11-01", "--ends-on", "2026-11-30")

    no_currency = cli(*words, "--cost-minor", "5")
    shown = cli(*words, *days, *targets, "--currency", "EUR")
    backwards = cli(*words, "--starts-on", "2026-11-02", "--ends-on", "2026-11-01")
    catch_up(store)

    assert organization_id
    assert shown.out == "Created the campaign Winter cheese.\n"
    assert backwards.complaint == "The last day must not be before the first day."
    assert "currency" in no_currency.complaint
    (listed,) = cli("campaigns", "list", "--json").document
    fields = ("name", "starts_on", "ends_on", "target_views", "target_scope")
    assert [listed[name] for name in fields] == [
        *("Winter cheese", "2026-11-01", "2026-11-30", 2_000_000, "gained")
    ]
    fields = ("target_posts", "target_engagement", "cost_minor", "currency")
    assert [listed[name] for name in fields] == [12, 90_000, 150_000, "EUR"]


def test_a_campaign_is_created_with_its_creators_and_typed_numbers(
    cli: CommandLine, store: Store, organization_id: str
):
    in_project = ("--project", "First project")
    cli("creators", "add", "@ada", "@bea", "@cleo", *in_project)
    catch_up(store)
    words = ("campaigns", "create", "Winter", *in_project)
    head = store.head()

    unknown = cli(*words, "--creator", "@ada", "--creator", "@nobody")
    no_handle = cli(*words, "--creator", "no handle")
    wrong = cli(*words, "--target-views", "many")
    none_stored = store.head() == head
    shown = cli(
        *words,
        *("--creator", "@Ada", "--creator", "https://www.tiktok.com/@bea"),
        *("--creator", "ada", "--target-views", "2m", "--target-posts", "2.5k"),
        *("--cost-minor", "120050", "--currency", "EUR"),
    )
    catch_up(store)

    assert organization_id
    assert none_stored
    assert unknown.complaint.startswith("@nobody is not tracked in this project: add")
    assert no_handle.status == wrong.status == 2
    assert wrong.complaint == (
        "--target-views must be a whole number above 0, such as 2,000,000, 2.5k or 2m."
    )
    assert shown.out == "Created the campaign Winter with 2 creators.\n"
    (listed,) = cli("campaigns", "list", "--json").document
    assert (listed["creators"], listed["target_views"]) == (2, 2_000_000)
    assert (listed["target_posts"], listed["reached_posts"]) == (2_500, 0)
    table = cli("campaigns", "list").out
    for part in ("? of 2000000", "0 of 2500", "gained", "1,200.50 EUR"):
        assert part in table, (part, table)


def _events(store: Store, kind: type[E]) -> list[E]:
    events = [recorded.event for recorded in log_of(store, kind)]
    return [event for event in events if isinstance(event, kind)]
