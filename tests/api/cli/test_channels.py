"""``goatherd channels``: the same as the API, at the command line."""

from projections.engine.follower import Follower
from projections.projects import Projects
from tests.kit.builders import opened_store
from tests.kit.command_line import CommandLine


def test_channels_are_added_tested_and_removed(cli: CommandLine, database_url: str):
    cli.set(webhook_allowed_hosts="127.0.0.1")
    project = cli("orgs", "create", "Herd", "--json").document["project_id"]
    with opened_store(database_url) as store:
        follower = Follower(Projects(), pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()

    hook = cli("channels", "add", "webhook", "http://127.0.0.1:9/in", "--json").document
    mail = cli(
        *("channels", "add", "email", "ada@herd.example", "--name", "Ada", "--json")
    ).document
    refused = cli("channels", "add", "slack", "https://10.0.0.1/")
    away = cli("channels", "test", hook["id"])
    unmailed = cli("channels", "test", mail["id"])
    listed = cli("channels", "list", "--json")
    removed = cli("channels", "remove", hook["id"], "--json").document

    creators = cli(
        *("channels", "add", "--kind", "creator_email", "--project", project, "--json")
    ).document
    nobody = cli("channels", "test", creators["id"])
    unknown = cli("channels", "test", creators["id"], "--creator", hook["id"])
    homeless = cli("channels", "add", "creator_email")

    assert (creators["kind"], creators["address"]) == ("creator_email", None)
    assert "creator_id: is required" in nobody.err
    assert "is no creator of the channel's project" in unknown.err
    assert "project_id: is required" in homeless.err
    assert hook["secret"].startswith("whsec_")
    assert (mail["name"], mail["address"]) == ("Ada", "a…@herd.example")
    assert "must not be an address inside of a network" in refused.err
    assert "It was not taken." in away.err
    assert "set GOATHERD_SMTP_URL" in unmailed.err
    assert {row["id"] for row in listed.document} == {hook["id"], mail["id"]}
    assert "ada@herd" not in listed.out
    assert removed == {"id": hook["id"], "removed": True}
    assert "webhook" not in cli("channels", "list").out
