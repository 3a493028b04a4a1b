"""``goatherd channels``: the same as the API, at the command line."""

from tests.kit.command_line import CommandLine


def test_channels_are_added_tested_and_removed(cli: CommandLine):
    cli.set(webhook_allowed_hosts="127.0.0.1")
    cli("orgs", "create", "Herd")

    hook = cli("channels", "add", "webhook", "http://127.0.0.1:9/in", "--json").document
    mail = cli(
        *("channels", "add", "email", "ada@herd.example", "--name", "Ada", "--json")
    ).document
    refused = cli("channels", "add", "slack", "https://10.0.0.1/")
    away = cli("channels", "test", hook["id"])
    unmailed = cli("channels", "test", mail["id"])
    listed = cli("channels", "list", "--json")
    removed = cli("channels", "remove", hook["id"], "--json").document

    assert hook["secret"].startswith("whsec_")
    assert (mail["name"], mail["address"]) == ("Ada", "a…@herd.example")
    assert "must not be an address inside of a network" in refused.err
    assert "It was not taken." in away.err
    assert "set GOATHERD_SMTP_URL" in unmailed.err
    assert {row["id"] for row in listed.document} == {hook["id"], mail["id"]}
    assert "ada@herd" not in listed.out
    assert removed == {"id": hook["id"], "removed": True}
    assert "webhook" not in cli("channels", "list").out
