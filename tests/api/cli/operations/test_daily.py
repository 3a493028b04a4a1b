"""The daily commands: words of their own for operations, with tables and sentences."""

import io
import re
from pathlib import Path

import msgspec
import pytest

from tests.kit.application import Tenant
from tests.kit.command_line import CommandLine

URL = "https://example.com/goatherd"


@pytest.fixture
def cli(command_line: CommandLine, home: Tenant, tmp_path: Path) -> CommandLine:
    command_line.set(database_url=home.goatherd.url, data_dir=tmp_path)
    return command_line


def test_a_thing_is_created_listed_changed_and_deleted(cli: CommandLine, home: Tenant):
    org = ("--org", str(home.organization_id))
    made = cli("webhooks", "create", URL, "--types", "creator.added", *org)
    home.goatherd.catch_up()
    listed = cli("webhooks", "list", "--ids", *org)
    as_json = msgspec.json.decode(cli("webhooks", "list", "--json", *org).out)

    first, secret = made.out.splitlines()
    id_ = first.removeprefix("Webhook ")
    assert secret.startswith("Secret  whsec_")
    assert secret.endswith(" (shown only this once)")
    headings, row = (line.split() for line in listed.out.splitlines())
    assert headings[:4] == ["url", "types", "state", "failures"]
    assert row[:3] == [URL, "creator.added", "enabled"]
    assert (headings[-1], row[-1]) == ("id", id_)
    assert [row["id"] for row in as_json] == [id_]

    changed = cli("webhooks", "change", id_, "--no-enabled", *org)
    home.goatherd.catch_up()
    off = cli("webhooks", "list", *org)
    deleted = cli("webhooks", "delete", id_, *org)
    home.goatherd.catch_up()

    assert changed.out == f"Webhook {id_} changed\n"
    assert "by hand" in off.out
    assert deleted.out == f"Webhook {id_} deleted\n"
    assert cli("webhooks", "list", "--json", *org).out == "[]\n"


def test_a_refusal_names_the_argument(cli: CommandLine, home: Tenant):
    refused = cli("webhooks", "create", "ftp://x", "--org", str(home.organization_id))

    assert refused.status == 2
    assert "URL" in refused.complaint


def test_a_password_is_typed_in_and_taken_away(
    cli: CommandLine, home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    creator_id = home.add("billie")["id"]
    org = ("--org", str(home.organization_id))
    monkeypatch.setattr("sys.stdin", io.StringIO("green meadow\n"))

    made = cli("shares", "create", "creator", creator_id, "--password", "--json", *org)
    home.goatherd.catch_up()
    id_ = made.document["id"]
    protected = cli("shares", "list", "--json", *org).document
    cli("shares", "change", id_, "--no-password", *org)
    home.goatherd.catch_up()
    open_ = cli("shares", "list", "--json", *org).document

    unprotected = cli("shares", "create", "creator", creator_id, "--password", *org)

    assert (unprotected.status, unprotected.out) == (2, "")
    assert "--password needs a text" in unprotected.complaint
    assert re.search(r"/s/[\w-]+$", made.document["url"])
    assert [row["has_password"] for row in (*protected, *open_)] == [True, False]


def test_an_act_that_fails_ends_with_its_reason(cli: CommandLine, home: Tenant):
    cli.set(webhook_allowed_hosts="127.0.0.1")
    org = ("--org", str(home.organization_id))
    made = cli(
        *("channels", "create", "webhook", "--channel-url", "http://127.0.0.1:9/in"),
        *("--json", *org),
    ).document
    home.goatherd.catch_up()

    failed = cli("channels", "test", made["id"], *org)

    assert (failed.status, failed.out) == (1, "")
    assert "It was not taken." in failed.complaint


def test_an_archived_project_is_found_by_its_name(cli: CommandLine, home: Tenant):
    org = ("--org", str(home.organization_id))
    assert cli("projects", "create", "Spring", *org).out.endswith(": Spring\n")
    home.goatherd.catch_up()

    archived = cli("projects", "archive", "Spring", *org)
    home.goatherd.catch_up()
    listed = cli("projects", "list", "--json", *org).document
    restored = cli("projects", "restore", "Spring", *org)

    assert archived.out == "Project Spring archived\n"
    assert "Spring" not in {row["name"] for row in listed}
    assert restored.out == "Project Spring restored\n"


def test_a_switch_makes_null_of_a_field_and_takes_no_value(
    cli: CommandLine, home: Tenant
):
    org = ("--org", str(home.organization_id))
    made = cli("webhooks", "create", URL, "--tag", "Tier A", "--json", *org).document

    kept = cli("webhooks", "change", made["id"], "--types", "*", "--json", *org)
    cleared = cli("webhooks", "change", made["id"], "--no-filters", "--json", *org)

    assert kept.document["filters"]["tag"] == "Tier A"
    assert cleared.document["filters"] is None
    (line,) = (
        line
        for line in cli("webhooks", "change", "--help").out.splitlines()
        if "--no-filters" in line
    )
    assert line.strip("│ ").split() == ["--no-filters", "Without", "filters."]


def test_a_campaign_gets_creators_by_their_handles(cli: CommandLine, home: Tenant):
    org = ("--org", str(home.organization_id))
    ada, bea = (home.add(handle)["id"] for handle in ("ada.goat", "bea.goat"))
    words = ("campaigns", "create", str(home.project_id), "Winter")
    cli(
        *words, "--target-posts", "12", "--cost-minor", "120050", "--currency=EUR", *org
    )
    home.goatherd.catch_up()

    added = cli("campaigns", "add", "Winter", "creator", "@ada.goat", "bea.goat", *org)
    home.goatherd.catch_up()
    items = cli("campaigns", "items", "Winter", "--json", *org).document
    table = cli("campaigns", "list", *org).out
    shown = cli("campaigns", "show", "Winter", *org).out
    cli("campaigns", "remove", "Winter", "creator", "@ada.goat", *org)
    refused = cli("campaigns", "add", "Winter", "video", ada, "no-id", *org)
    home.goatherd.catch_up()

    assert added.out == "Campaign Winter has the items\n"
    assert {row["item_id"] for row in items} == {ada, bea}
    assert table.splitlines()[1].split()[:2] == ["Winter", "2"]
    assert "1,200.50 EUR" in table
    assert "0 of 12" in shown
    assert (refused.status, refused.out) == (2, "")
    assert "ITEM-ID" in refused.complaint
    left = cli("campaigns", "items", "Winter", "--json", *org).document
    assert {row["item_id"] for row in left} == {bea}
