"""``goatherd alerts``, ``alert-rules`` and ``notifications``: on the command line."""

from datetime import UTC, datetime, timedelta

from tests.api.routes.test_alerts import silent
from tests.kit.application import Goatherd, data_of
from tests.kit.command_line import CommandLine
from tests.kit.judging import judge


def test_a_rule_is_previewed_made_and_removed_and_its_alert_cared_for(
    goatherd: Goatherd, command_line: CommandLine
):
    home = goatherd.tenant()
    silent(home, "resting.goat", 30, 9)
    goatherd.catch_up()
    command_line.set(database_url=goatherd.url)
    org = ("--org", str(home.organization_id))
    condition = ("no_post_for_days", *org, "--set", "days=8")

    ntfy = {"kind": "ntfy", "url": "https://ntfy.sh/resting-goats"}
    channel = data_of(home.post("/channels", ntfy), status=201)["id"]

    previewed = command_line("alert-rules", "preview", *condition, "--json").document
    shown = command_line("alert-rules", "preview", *condition).out
    made = command_line(
        *("alert-rules", "create", *condition, "--name", "Resting", "--json"),
        *("--channel", channel),
    ).document["id"]
    judge(home)
    listed = command_line("alerts", "list", *org, "--json").document
    (alert,) = [each for each in listed if each["rule_id"] == made]
    until = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%S}"
    cared = [
        command_line("alerts", "acknowledge", alert["id"]),
        command_line("alerts", "snooze", alert["id"], "--until", until),
    ]
    goatherd.catch_up()
    one = command_line("alerts", "show", alert["id"], "--json").document
    text = command_line("alerts", "show", alert["id"]).out
    news = command_line("notifications", *org).out
    rules = command_line("alert-rules", "list", *org).out
    rule = data_of(home.get(f"/alert-rules/{made}"))
    removed = command_line("alert-rules", "remove", made)
    goatherd.catch_up()

    assert rule["channels"] == ["in_app", channel]
    assert [each["subject_type"] for each in previewed] == ["creator"] * 2
    assert "@resting.goat" in shown
    assert alert["tiktok_handle"] == "resting.goat"
    assert [each.status for each in cared] == [0, 0]
    assert one["acknowledged_at"] is not None
    assert one["snoozed_until"] is not None
    assert "@resting.goat" in text
    assert "Resting" in text
    assert "No post for 8 days" in news
    assert "Resting" in rules
    assert removed.status == 0
    assert "Resting" not in command_line("alert-rules", "list", *org).out


def test_what_makes_no_sense_is_refused_in_words(
    goatherd: Goatherd, command_line: CommandLine
):
    home = goatherd.tenant()
    goatherd.catch_up()
    command_line.set(database_url=goatherd.url)
    org = ("--org", str(home.organization_id))
    nobody = "00000000-0000-4000-8000-000000000001"

    for words, status, reason in (
        (
            ("alert-rules", "create", "views_drop", *org, "--set", "days=3"),
            2,
            "not days",
        ),
        (
            ("alert-rules", "create", "views_drop", *org, "--set", "z=90"),
            2,
            "from 1 to",
        ),
        (("alert-rules", "preview", "limit_near", *org), 2, "at present alone"),
        (
            ("alert-rules", "create", "views_drop", *org, "--channel", nobody),
            1,
            "Nothing was made.",
        ),
        (("alert-rules", "remove", nobody), 1, "no rule"),
        (("alerts", "show", nobody), 1, "no alert"),
        (("alerts", "acknowledge", nobody), 1, "no alert"),
        (("alerts", "snooze", nobody, "--until", "2020-01-01"), 2, "in the future"),
    ):
        refused = command_line(*words)
        assert (refused.status, reason in refused.err) == (status, True), refused
