"""The list of all commands; the module of each is imported only when it is used."""

from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App

app = App(
    name="goatherd",
    help="Track TikTok creators on your own machine.",
    version=lambda: version("goatherd"),
    version_flags=["--version"],
    help_flags=["--help", "-h"],
    result_action="return_value",
)

orgs = App(name="orgs", help="Organizations.", sort_key=20)
projects = App(name="projects", help="Projects of organizations.", sort_key=21)
creators = App(name="creators", help="Creators of projects.", sort_key=22)
campaigns = App(name="campaigns", help="Campaigns of projects.", sort_key=22)
keys = App(
    name="keys", help="API keys of organizations, and the master key.", sort_key=23
)
bans = App(
    name="bans", help="Handles that nobody on this installation may track.", sort_key=24
)
sources = App(name="sources", help="The sources of TikTok's data.", sort_key=25)
connect_links = App(
    name="connect-links",
    help="Links with which creators connect their own accounts.",
    sort_key=25,
)
roots = App(name="roots", help="Signed roots of the event log.", sort_key=27)
export = App(name="export", help="An organization's data as files.", sort_key=26)
events = App(name="events", help="Events of the log.", sort_key=27)
projection = App(
    name="projection",
    help="One projection: what it makes of a stream, and its dead letters.",
    sort_key=28,
)

_COMMANDS = (
    (app, "up.command:up"),
    (app, "up.processes:serve"),
    (app, "up.processes:project"),
    (app, "up.processes:dispatch"),
    (app, "up.processes:work"),
    (app, "installation:migrate"),
    (app, "integrity.seal_history:seal_history"),
    (orgs, "organizations:create"),
    (orgs, "organizations:operator"),
    (orgs, "lists:list_orgs"),
    (projects, "lists:list_projects"),
    (creators, "lists:list_creators"),
    (creators, "move:move"),
    (campaigns, "campaigns:list_campaigns"),
    (keys, "keys:create"),
    (keys, "keys:list_keys"),
    (keys, "keys:revoke"),
    (keys, "master_key:rotate_master"),
    (keys, "integrity.signing_key:rotate_signing"),
    (bans, "bans:add"),
    (bans, "bans:remove"),
    (bans, "bans:list_bans"),
    (sources, "sources:check"),
    (connect_links, "connect_links:make"),
    (connect_links, "connect_links:list_links"),
    (connect_links, "connect_links:revoke"),
    (roots, "integrity.roots:make"),
    (roots, "integrity.roots:list_roots"),
    (app, "import_recording:import_recording"),
    (export, "export.commands:observations"),
    (export, "export.commands:events"),
    (export, "export.commands:analytics"),
    (export, "export.proof:proof"),
    (events, "events:show"),
    (app, "trace:trace"),
    (app, "backup:backup"),
    (app, "restore:restore"),
    (app, "installation:projections"),
    (projection, "projections.projection:try_stream"),
    (projection, "projections.projection:retry"),
    (projection, "projections.projection:skip"),
    (app, "projections.rebuild:rebuild_read_models"),
    (app, "installation:doctor"),
    (app, "integrity.verify:verify"),
    (app, "erase.erase:erase"),
    (app, "erase.forget_texts:forget_texts"),
)

# For other commands, the first word of the function is the name of the command.
_LONGER_NAMES = {
    "rotate_master": "rotate-master",
    "rotate_signing": "rotate-signing",
    "seal_history": "seal-history",
    "forget_texts": "forget-texts",
}

for order, (where, command) in enumerate(_COMMANDS):
    _, _, function = command.partition(":")
    name = _LONGER_NAMES.get(function, function.partition("_")[0])
    where.command(f"api.cli.{command}", name=name, sort_key=order)

GROUPS = (
    *(orgs, projects, creators, campaigns, keys, bans),
    *(sources, connect_links, roots, export, events, projection),
)
for group in GROUPS:
    app.command(group)


def load_for(given: Sequence[str]) -> None:
    """Import the commands whose help is about to be shown."""
    words = [word for word in given if not word.startswith("-")]
    if not words and "--version" not in given:
        app.resolved_commands()
    for group in GROUPS:
        if words == list(group.name):
            group.resolved_commands()
