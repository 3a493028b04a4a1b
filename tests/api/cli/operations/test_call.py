"""``goatherd call``: names, refusals, streams, and other installations."""

from pathlib import Path

import msgspec
import pytest

from api.cli import CommandError, UsageError
from api.cli.operations.command import checked
from api.http.error_codes import Code
from api.in_process import RawResponse
from infra.embedded.processes import wait_until
from tests.kit.application import Tenant, data_of
from tests.kit.command_line import CommandLine, running
from tests.kit.documented import documented
from tests.kit.patience import PATIENTLY
from tests.kit.ports import answers, free_port

# Requests that are wrong by themselves; 429 and the rest depend on the installation.
WRONG = {400, 413, 415, 422}


@pytest.fixture
def cli(command_line: CommandLine, home: Tenant, tmp_path: Path) -> CommandLine:
    command_line.set(database_url=home.goatherd.url, data_dir=tmp_path)
    return command_line


def test_things_are_given_by_their_names(cli: CommandLine, home: Tenant):
    org = ("--org", str(home.organization_id))
    creator = home.add("billie.the.goat")
    spring = data_of(home.post("/projects", {"name": "Spring"}), status=201)
    home.goatherd.catch_up()

    shown = cli("call", "getCreator", "@billie.the.goat", *org)
    moved = cli(
        *("call", "moveCreator", "billie.the.goat", "--project", "spring", *org)
    )
    unknown = cli("call", "getProject", "Autumn", *org)

    assert shown.document["data"]["id"] == creator["id"]
    assert moved.document["data"]["project_id"] == spring["id"]
    assert (unknown.status, unknown.complaint) == (
        1,
        "There is no project 'Autumn': `goatherd projects list` shows all.",
    )


def test_the_word_none_makes_null_of_a_list(cli: CommandLine, home: Tenant):
    org = ("--org", str(home.organization_id))
    project = data_of(home.post("/projects", {"name": "Alm"}), status=201)["id"]
    home.goatherd.catch_up()

    def invited(email: str, projects: str) -> object:
        words = ("--email", email, "--role", "viewer", "--projects", projects)
        document = cli("call", "createInvitation", *words, *org).document
        return document["data"]["project_ids"]

    assert invited("ben@example.com", "Alm") == [project]
    assert invited("cleo@example.com", "none") is None


def test_several_things_with_one_name_are_refused_with_their_ids(
    cli: CommandLine, home: Tenant
):
    made = [
        data_of(home.post("/projects", {"name": "Twin"}), status=201) for _ in range(2)
    ]
    home.goatherd.catch_up()

    refused = cli("call", "getProject", "Twin", "--org", str(home.organization_id))

    assert refused.status == 1
    assert all(project["id"] in refused.complaint for project in made)


def test_a_name_is_found_behind_the_first_page_without_a_secret(
    cli: CommandLine, home: Tenant
):
    made = [
        data_of(home.post("/projects", {"name": f"Herd {number}"}), status=201)
        for number in range(101)
    ]
    home.goatherd.catch_up()
    org = ("--org", str(home.organization_id))

    first = cli("call", "getProject", "Herd 0", *org).document["data"]
    last = cli("call", "getProject", "Herd 100", *org).document["data"]

    assert (first["id"], last["id"]) == (made[0]["id"], made[-1]["id"])


def test_the_log_names_the_operator_of_the_host(cli: CommandLine, home: Tenant):
    org = str(home.organization_id)
    cli("call", "createProject", "--name", "By hand", "--org", org)
    home.goatherd.catch_up()

    listed = cli("call", "listAudit", "--limit", "1", "--org", org).document

    assert listed["data"][0]["actor"] == "cli"


def test_a_wrong_value_is_named_by_its_option(cli: CommandLine, home: Tenant):
    org = ("--org", str(home.organization_id))
    refused = cli("call", "createWebhook", "--webhook-url", "ftp://goats.example", *org)
    unread = cli("call", "changeOrganization", "--video-stats-hours", "soon", *org)
    both = cli(
        *("call", "createWebhook", "--webhook-url", "https://a.example", *org),
        *("--body", "webhook.json"),
    )

    assert refused.status == unread.status == both.status == 2
    assert refused.complaint.startswith("--webhook-url ")
    assert "video-stats-hours" in unread.complaint
    assert both.complaint.startswith("--body is the whole body")


def test_a_body_comes_from_a_file(cli: CommandLine, home: Tenant, tmp_path: Path):
    file = tmp_path / "project.json"
    file.write_text('{"name": "From a file"}')

    made = cli(
        *("call", "createProject", "--body", str(file)),
        *("--org", str(home.organization_id)),
    )

    assert made.document["data"]["name"] == "From a file"


def test_the_list_of_operations_has_all_and_an_unknown_one_is_refused(
    cli: CommandLine,
):
    listed = cli("call", "--json").document
    unknown = cli("call", "countGoats")

    assert {each["operation"] for each in listed} == {
        operation.id for operation in documented().operations.values()
    }
    assert unknown.status == 2
    assert "'countGoats'" in unknown.complaint


def test_every_refusal_ends_the_command_with_its_status():
    for code in Code:
        body = {"data": None, "error": "No goats.", "meta": {"code": code}}
        answer = RawResponse(
            body=msgspec.json.encode(body), status=code.status, headers={}
        )
        with pytest.raises(CommandError, match=r"No goats\.") as refused:
            checked(answer, ())
        assert isinstance(refused.value, UsageError) is (code.status in WRONG)


def test_a_stream_is_written_as_it_comes(home: Tenant, tmp_path: Path):
    home.add("billie.streams")
    home.goatherd.catch_up()
    settings = {"database_url": home.goatherd.url, "data_dir": tmp_path}
    words = ("call", "streamEvents", "--after", "0", "--org", str(home.organization_id))

    with running(*words, settings=settings, folder=tmp_path) as stream:
        seen = stream.says("event: creator.added")
        home.add("clementine.streams")
        home.goatherd.catch_up()
        seen_later = stream.says("clementine.streams")

    assert (seen, seen_later) == (True, True)


def test_the_same_command_runs_against_another_installation(
    command_line: CommandLine, home: Tenant, tmp_path: Path
):
    port = free_port()
    settings = {
        "database_url": home.goatherd.url,
        "data_dir": tmp_path,
        "port": port,
        "secret": "-" * 32,
    }
    there = ("--url", f"http://127.0.0.1:{port}", "--key", home.key)
    home.add("billie.far.away")
    home.goatherd.catch_up()

    with running("serve", settings=settings, folder=tmp_path):
        wait_until(lambda: answers(port), seconds=PATIENTLY)
        shown = command_line("call", "getCreator", "billie.far.away", *there)
        refused = command_line("call", "getProject", str(home.key_id), *there)
        without = command_line("call", "listProjects", "--url", there[1])
        command_line.set(url=there[1])
        homeless = command_line("call", "listProjects")
        command_line.set(key=home.key)
        by_variables = command_line("call", "listProjects")
        stranger = command_line("call", "listProjects", *there[:3], "tga_no_such_key")

    assert shown.document["data"]["tiktok_handle"] == "billie.far.away"
    assert (refused.status, stranger.status) == (1, 1)
    assert (without.status, "--key" in without.complaint) == (2, True)
    assert homeless.status == 1
    assert by_variables.document["data"]
