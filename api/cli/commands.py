"""The list of all commands; the module of each is imported only when it is used."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from cyclopts import App

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
    ("", "integrity.seal_history:seal_history"),
    ("orgs", "organizations:create"),
    ("orgs", "organizations:operator"),
    ("orgs", "lists:list_orgs"),
    ("projects", "projects:create"),
    ("projects", "projects:set_project"),
    ("projects", "projects:archive"),
    ("projects", "projects:restore"),
    ("projects", "lists:list_projects"),
    ("creators", "creators:add"),
    ("creators", "lists:list_creators"),
    ("creators", "move:move"),
    ("campaigns", "campaigns:create"),
    ("campaigns", "campaigns:list_campaigns"),
    ("views", "lists:list_views"),
    ("shares", "shares.commands:list_shares"),
    ("shares", "shares.commands:add"),
    ("shares", "shares.commands:change"),
    ("shares", "shares.commands:remove"),
    ("reports", "reports.commands:list_reports"),
    ("reports", "reports.commands:create"),
    ("reports", "reports.commands:change"),
    ("reports", "reports.commands:send"),
    ("reports", "reports.commands:issues"),
    ("", "activity.command:activity"),
    ("", "audit:audit"),
    ("", "feed.tail:tail"),
    ("members", "members.commands:list_members"),
    ("members", "members.rights:invite"),
    ("members", "members.rights:add"),
    ("members", "members.rights:change"),
    ("members", "members.rights:leaves"),
    ("members", "members.rights:remove"),
    ("members", "members.commands:reset_link"),
    ("members", "members.commands:erase"),
    ("mail", "mail:try_server"),
    ("keys", "keys:create"),
    ("keys", "keys:list_keys"),
    ("keys", "keys:revoke"),
    ("keys", "master_key:rotate_master"),
    ("keys", "integrity.signing_key:rotate_signing"),
    ("webhooks", "webhooks.commands:list_webhooks"),
    ("webhooks", "webhooks.commands:add"),
    ("webhooks", "webhooks.commands:change"),
    ("webhooks", "webhooks.commands:remove"),
    ("webhooks", "webhooks.commands:try_webhook"),
    ("webhooks", "webhooks.commands:deliveries"),
    ("webhooks", "webhooks.commands:retry"),
    ("webhooks", "webhooks.commands:replay"),
    ("webhooks", "webhooks.commands:listen"),
    ("channels", "channels.commands:list_channels"),
    ("channels", "channels.commands:add"),
    ("channels", "channels.commands:try_channel"),
    ("channels", "channels.commands:remove"),
    ("alerts", "alerts.alerts:list_alerts"),
    ("alerts", "alerts.alerts:show"),
    ("alerts", "alerts.alerts:acknowledge"),
    ("alerts", "alerts.alerts:snooze"),
    ("alert-rules", "alerts.rules:list_rules"),
    ("alert-rules", "alerts.rules:create"),
    ("alert-rules", "alerts.rules:preview"),
    ("alert-rules", "alerts.rules:remove"),
    ("", "alerts.notifications:notifications"),
    ("bans", "bans:add"),
    ("bans", "bans:remove"),
    ("bans", "bans:list_bans"),
    ("sources", "sources:list_sources"),
    ("sources", "sources:check"),
    ("connect-links", "connect_links:make"),
    ("connect-links", "connect_links:list_links"),
    ("connect-links", "connect_links:revoke"),
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
    "seal_history": "seal-history",
    "forget_texts": "forget-texts",
    "reset_link": "reset-link",
    "try_server": "test",
    "try_webhook": "test",
    "try_channel": "test",
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
    runs_one = any(_is_run(words, group, command) for group, command in _COMMANDS)
    for order, (group, command) in enumerate(_COMMANDS):
        add, name = groups[group].command, _name(command)
        if runs_one:
            add(f"api.cli.{command}", name=name, sort_key=order)
        else:
            is_listed = words == ([group] if group else [])
            does = _what_it_does(command) if is_listed else None
            add(_not_run, name=name, sort_key=order, help=does)
    for group, *_ in _GROUPS:
        app.command(groups[group])
    return app


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
