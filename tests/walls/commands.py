"""The commands: the help of each, and what those that only read print of the demo."""

import re
from collections.abc import Iterator
from pathlib import Path

from api.cli.commands import app_for
from tests.kit.application import SECRET
from tests.kit.command_line import CommandLine, Outcome
from tests.walls.demo import Demo
from tests.walls.outline import body_lines

# The command lines that only read, with ids of the demo by the names that paths have.
READING = (
    "orgs list",
    "projects list",
    "projects list --status all",
    "creators list",
    "campaigns list",
    "campaigns list --behind",
    "campaigns show {campaign_id}",
    "campaigns items {campaign_id}",
    "views list",
    "shares list",
    "reports list",
    "reports issues {report_id}",
    "members leaves ada@example.com",
    "members list",
    "members invitations",
    "keys list",
    "webhooks list",
    "webhooks deliveries {webhook_id}",
    "channels list",
    "alerts list",
    "alerts list --state resolved",
    "alerts show {alert_id}",
    "alert-rules list",
    """alert-rules preview --condition={{"type":"no_post_for_days","days":7}}""",
    "bans list",
    "sources list",
    "connect-links list {creator_id}",
    "roots list",
    "export observations --org {organization_id}",
    "export observations --org {organization_id} --format csv",
    "export events --org {organization_id}",
    "export events --org {organization_id} --format csv",
    "export analytics --org {organization_id} --metric followers {days}",
    "export analytics --org {organization_id} --entity video --format csv {days}",
    "export analytics --org {organization_id} --entity project --format csv {days}",
    "events list",
    "events list --stream {creator_id}",
    "events show 1",
    "events show {last}",
    "events types",
    "events types creator_added",
    "trace 2",
    "trace {scrape_id}",
    "activity",
    "activity --creator {creator_id}",
    "audit",
    "tail --from 0 --no-follow",
    "notifications",
    "projections",
    "projection try creator_list --stream {creator_id}",
    "erase {creator_id} --preview",
    "verify",
)

# The commands of which there is only the help, and why.
_CHANGES = "it changes something"
_RUNS = "it runs until somebody stops it"
_SENDS = "it asks another machine"
HELP_ONLY = {
    **dict.fromkeys(("up", "serve", "project", "dispatch", "work"), _RUNS),
    **dict.fromkeys(
        (
            *("orgs create", "orgs operator"),
            *("projects create", "projects change", "projects archive"),
            *("projects set-logo", "projects remove-logo"),
            *("projects restore", "creators add", "creators move"),
            *("views create", "views change", "views delete", "campaigns create"),
            *("campaigns change", "campaigns delete", "campaigns add"),
            "campaigns remove",
            *("shares create", "shares change", "shares delete"),
            *("reports create", "reports change", "reports send", "reports delete"),
            *("members invite", "members add", "members change", "members remove"),
            *("members reset-link", "members erase", "members resend"),
            *("members withdraw", "bans lift-erased"),
            *("keys create", "keys revoke", "keys rotate-master"),
            *("keys rotate-signing", "webhooks create", "webhooks change"),
            *("webhooks delete", "webhooks retry", "webhooks replay"),
            *("webhooks rotate-secret", "channels create", "channels change"),
            *("channels delete", "alerts acknowledge"),
            *("alerts snooze", "alert-rules create", "alert-rules change"),
            *("alert-rules delete", "bans add", "bans remove", "connect-links create"),
            *("connect-links revoke", "roots make", "import"),
            *("projection retry", "projection skip", "forget-texts"),
            *("migrate", "rebuild"),
        ),
        _CHANGES,
    ),
    "doctor": "it is about the machine",
    "call": "it lists the operations, as the document does",
    **dict.fromkeys(
        ("mail test", "webhooks test", "channels test", "sources check"), _SENDS
    ),
    **dict.fromkeys(
        ("backup", "restore", "export proof"),
        "its result is a file, with tests of its own",
    ),
}

# Boxes around the parts of a help.
_BOX = re.compile(r"[╭╮╰╯│─]+")


def commands() -> tuple[list[str], list[str]]:
    """Return the names of groups of commands, and the words of all commands."""
    root = app_for(())
    below = {
        name: [f"{name} {each}" for each in root[name] if not each.startswith("-")]
        for name in root
        if not name.startswith("-")
    }
    groups = [name for name, found in below.items() if found]
    return groups, [each for name, found in below.items() for each in found or [name]]


def helps(command_line: CommandLine) -> dict[str, list[str]]:
    """Return the help of each command and group."""
    groups, words = commands()
    return {
        f"goatherd {line}".strip(): [*_help(command_line(*line.split(), "--help"))]
        for line in ("", *sorted([*groups, *words]))
    }


def _help(printed: Outcome) -> Iterator[str]:
    assert printed.status == 0, printed.err
    for line in printed.out.splitlines():
        if said := " ".join(_BOX.sub(" ", line).split()):
            yield said


def outputs(
    command_line: CommandLine, demo: Demo, folder: Path
) -> dict[str, list[str]]:
    """Return what the commands that only read print: as JSON, and for people."""
    command_line.set(
        database_url=demo.goatherd.url, data_dir=folder, secret=SECRET.strip()
    )
    names = {
        **demo.ids,
        "organization_id": str(demo.tenant.organization_id),
        "last": str(demo.goatherd.head),
        "days": "--from 2026-08-01 --to 2026-10-31 --granularity week",
    }
    parts: dict[str, list[str]] = {}
    for line in READING:
        words = line.format(**names).split()
        parts[f"{line} --json"] = _printed(command_line(*words, "--json"))
        if not line.startswith("export "):
            parts[line] = _printed(command_line(*words))
    return parts


def _printed(printed: Outcome) -> list[str]:
    if printed.status:
        return [f"exit status {printed.status}", *printed.err.splitlines()]
    return body_lines(printed.out)
