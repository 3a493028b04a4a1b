"""The list of all commands; the module of each is imported only when it is used."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from cyclopts import App

from api.cli.operations.daily import DAILY, Daily, daily_command
from api.cli.operations.sources import summary_of
from infra.build import commit, version

# The name of a group, its help, and its place in the list.
_GROUPS = (
    ("orgs", "Organizations.", 20),
    ("projects", "Projects of organizations.", 21),
    ("creators", "Creators of projects.", 22),
    ("campaigns", "Campaigns of projects.", 22),
    ("views", "Saved views of lists.", 22),
    ("shares", "Links to read-only pages, for people without an account.", 22),
    ("reports", "Reports of each week or month, and their issues.", 22),
    ("members", "People of organizations, invitations, and passwords.", 23),
    ("mail", "The mail server that mails are given to.", 23),
    ("keys", "API keys of organizations, and the master key.", 23),
    ("webhooks", "Endpoints that get public events, and their deliveries.", 23),
    (
        "channels",
        "Services that get alerts: mail, Slack and their like.",
        23,
    ),
    ("alerts", "Alerts, and caring for them.", 23),
    ("alert-rules", "Rules that watch creators and the organization.", 23),
    ("bans", "Handles that nobody on this installation may track.", 24),
    ("sources", "The sources of TikTok's data.", 25),
    (
        "connect-links",
        "Links with which creators connect their own accounts.",
        25,
    ),
    ("roots", "Signed roots of the event log.", 27),
    ("export", "An organization's data as files.", 26),
    ("events", "Events of the log, and their types.", 27),
    ("call", "Any operation of the API, here or at another installation.", 29),
    (
        "projection",
        "One projection: what it makes of a stream, and its dead letters.",
        28,
    ),
)

# The group of a command, its module in this package, and its function.
_COMMANDS = (
    ("", "up.command:up"),
    ("", "up.processes:serve"),
    ("", "up.processes:project"),
    ("", "up.processes:dispatch"),
    ("", "up.processes:work"),
    ("", "installation:migrate"),
    ("orgs", "organizations:create"),
    ("orgs", "organizations:operator"),
    ("orgs", "lists:list_orgs"),
    ("creators", "lists:list_creators"),
    ("creators", "move:move"),
    ("", "feed.tail:tail"),
    ("members", "members:add"),
    ("members", "members:reset_link"),
    ("members", "members:erase"),
    ("mail", "mail:try_server"),
    ("keys", "keys:create"),
    ("keys", "keys:list_keys"),
    ("keys", "keys:revoke"),
    ("keys", "master_key:rotate_master"),
    ("keys", "integrity.signing_key:rotate_signing"),
    ("bans", "bans:lift_erased"),
    ("roots", "integrity.roots:make"),
    ("roots", "integrity.roots:list_roots"),
    ("", "import_recording:import_recording"),
    ("export", "export.commands:observations"),
    ("export", "export.commands:events"),
    ("export", "export.commands:analytics"),
    ("export", "export.proof:proof"),
    ("events", "events:list_events"),
    ("events", "events:show"),
    ("events", "events:types"),
    ("", "trace:trace"),
    ("", "backup.backup:backup"),
    ("", "backup.restore:restore"),
    ("", "installation:projections"),
    ("projection", "projections.projection:try_stream"),
    ("projection", "projections.projection:retry"),
    ("projection", "projections.projection:skip"),
    ("", "projections.rebuild:rebuild_read_models"),
    ("", "installation:doctor"),
    ("", "integrity.verify:verify"),
    ("", "erase.erase:erase"),
    ("", "erase.forget_texts:forget_texts"),
)

# For other commands, the first word of the function is the name of the command.
_LONGER_NAMES = {
    "rotate_master": "rotate-master",
    "rotate_signing": "rotate-signing",
    "forget_texts": "forget-texts",
    "lift_erased": "lift-erased",
    "reset_link": "reset-link",
    "try_server": "test",
}


def app_for(given: Sequence[str]) -> App:
    """Return the app that runs this command line.

    A command line without a known command shows a list of commands, or an error. The
    app then knows only their names and what they do, because cyclopts would import all
    of them to list their names.
    """
    words = [word for word in given if not word.startswith("-")]
    app = App(
        name="goatherd",
        help="Track TikTok creators on your own machine.",
        version=lambda: f"{version()} (commit {commit()})",
        version_flags=["--version"],
        help_flags=["--help", "-h"],
        result_action="return_value",
    )
    groups = {"": app} | {
        name: App(name=name, help=text, sort_key=order) for name, text, order in _GROUPS
    }
    daily = daily_command(words)
    runs_one = daily is not None or any(
        _is_run(words, group, command) for group, command in _COMMANDS
    )
    for order, (group, command) in enumerate(_COMMANDS):
        add, name = groups[group].command, _name(command)
        if runs_one:
            add(f"api.cli.{command}", name=name, sort_key=order)
        else:
            is_listed = words == ([group] if group else [])
            does = _what_it_does(command) if is_listed else None
            add(_not_run, name=name, sort_key=order, help=does)
    if daily is not None:
        _add_operation(groups[daily.group], daily.name, daily.operation, daily)
    elif not runs_one:
        for order, each in enumerate(DAILY):
            is_listed = words == each.group.split()
            does = summary_of(each.operation) if is_listed else None
            add = groups[each.group].command
            add(_not_run, name=each.name, sort_key=order, help=does)
    for group, *_ in _GROUPS:
        app.command(groups[group])
    if words[:1] == ["call"] and words[1:]:
        _add_operation(groups["call"], words[1], words[1])
    elif words[:1] == ["call"]:
        from api.cli.operations.listing import list_operations

        groups["call"].default(list_operations)
    return app


def _add_operation(
    group: App, name: str, operation_id: str, daily: Daily | None = None
) -> None:
    # Operations need most of the API, which takes long to load.
    from api.cli.operations.command import command_of

    group.command(command_of(operation_id, daily=daily), name=name)


def _name(command: str) -> str:
    _, _, function = command.partition(":")
    return _LONGER_NAMES.get(function, function.partition("_")[0])


def _is_run(words: Sequence[str], group: str, command: str) -> bool:
    named = [group, _name(command)] if group else [_name(command)]
    return words[: len(named)] == named


def _not_run() -> None:
    """Stand for a command in a list."""


def _what_it_does(command: str) -> str | None:
    """Return the first paragraph of a command's docstring, without importing it."""
    module, _, function = command.partition(":")
    for statement in _parsed(module).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == function:
            return (ast.get_docstring(statement) or "").partition("\n\n")[0]
    return None


@cache
def _parsed(module: str) -> ast.Module:
    path = Path(__file__).parent.joinpath(*module.split("."))
    return ast.parse(path.with_suffix(".py").read_bytes())
