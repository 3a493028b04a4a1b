"""``goatherd webhooks``: the same as the API, at the command line."""

from uuid import uuid4

from tests.kit.command_line import CommandLine

URL = "http://127.0.0.1:9/hook"


def test_webhooks_are_made_changed_and_removed(cli: CommandLine):
    cli.set(webhook_allowed_hosts="127.0.0.1")
    cli("orgs", "create", "Herd")

    campaign = str(uuid4())
    filters = ("--campaign", campaign, "--tag", "autumn")
    made = cli("webhooks", "add", URL, "--types", "*", *filters, "--json").document
    tiny = cli("webhooks", "change", made["id"], "--min-milestone", "0")
    other = cli("webhooks", "change", made["id"], "--tag", "spring", "--json").document
    whole = cli("webhooks", "change", made["id"], "--no-filters", "--json").document
    refused = cli("webhooks", "add", "https://10.0.0.1/")
    unknown = cli("webhooks", "add", URL, "--types", "creator.eaten")
    changed = cli(
        *("webhooks", "change", made["id"], "--disabled", "--rotate-secret", "--json")
    ).document
    tested = cli("webhooks", "test", made["id"])
    (delivery,) = cli("webhooks", "deliveries", made["id"], "--json").document
    replay = cli("webhooks", "replay", made["id"], "--from", "1", "--json").document
    listed = cli("webhooks", "list")
    removed = cli("webhooks", "remove", made["id"], "--json").document

    assert made["secret"].startswith("whsec_")
    assert (made["filters"]["campaign_id"], made["filters"]["tag"]) == (
        campaign,
        "autumn",
    )
    assert "--min-milestone must be at least 1" in tiny.err
    assert (other["filters"]["campaign_id"], other["filters"]["tag"]) == (
        None,
        "spring",
    )
    assert whole["filters"] is None
    assert "must not be an address inside of a network" in refused.err
    assert "creator.eaten" in unknown.err
    assert changed["disabled_reason"] == "by_hand"
    assert changed["secret"] not in {made["secret"], ""}
    assert "ConnectError" in tested.err
    assert (delivery["type"], delivery["delivered"]) == ("webhook.test", False)
    assert replay["from"] == 1
    assert "by hand" in listed.out
    assert removed == {"id": made["id"], "removed": True}
    assert cli("webhooks", "list", "--json").document == []


def test_a_wrong_address_is_named_as_a_field_and_not_as_a_pointer(cli: CommandLine):
    cli("orgs", "create", "Herd")

    refused = cli("webhooks", "add", "ftp://goats.example/hook")

    assert refused.status == 2
    assert refused.complaint.startswith("url: ")
