"""/alert-rules and /alerts: rules find what happens, and say when they would have."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import to_builtins

from domain import events as e
from domain.alert.conditions import Condition, completed
from domain.alert.events import AlertScope
from domain.streams import alert_stream, built_in_alert_rule
from infra.ids import new_id
from projections.alerts.judging import WatchedRule, judged_now
from tests.api.http.test_limited_people import limited_to, limits
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of
from tests.kit.judging import judge

__all__ = ["limits"]

DAY = timedelta(days=1)
QUIET = {"type": "no_post_for_days", "days": 7}


def made(tenant: Tenant, condition: dict[str, Any], **fields: object) -> dict[str, Any]:
    rule = {"name": "Mine", "condition": condition, **fields}
    return data_of(tenant.post("/alert-rules", rule), status=201)


def alerts(tenant: Tenant, **query: object) -> list[dict[str, Any]]:
    return data_of(tenant.get("/alerts", params=query))


def of_rule(tenant: Tenant, rule: dict[str, Any], **query: object) -> dict[str, Any]:
    (alert,) = alerts(tenant, rule_id=rule["id"], **query)
    return alert


def silent(tenant: Tenant, handle: str, *days: float) -> str:
    """A creator whose last posts were so many days ago."""
    creator_id = tenant.add(handle)["id"]
    for each in days:
        tenant.found(creator_id, posted_at=ago(each))
    return creator_id


def test_a_silent_creator_has_an_alert_until_they_post(home: Tenant) -> None:
    creator_id = silent(home, "quiet", 20, 8.2)
    silent(home, "busy", 20, 1)
    rule = made(home, QUIET)
    judge(home)

    alert = of_rule(home, rule)
    again = alerts(home, rule_id=rule["id"], state="firing", creator_id=creator_id)
    judge(home)

    assert again == [alert] == alerts(home, rule_id=rule["id"])
    assert alert["state"] == "firing"
    assert alert["severity"] == "warning"
    assert alert["words"] == "No post for 7 days"
    assert alert["tiktok_handle"] == "quiet"
    assert alert["subject"] == {"type": "creator", "id": creator_id}
    assert alert["evidence"]["value"] == pytest.approx(8.2)
    assert (
        len(alert["evidence"]["video_ids"]) == len(alert["evidence"]["positions"]) == 1
    )
    home.found(creator_id, posted_at=ago(0.1))
    judge(home)
    resolved = data_of(home.get(f"/alerts/{alert['id']}"))
    assert (resolved["state"], resolved["id"]) == ("resolved", alert["id"])
    assert resolved["resolved_at"] is not None
    assert alerts(home, state="open", rule_id=rule["id"]) == []


def test_a_bad_alert_is_critical_and_is_shown_once(home: Tenant) -> None:
    silent(home, "longer", 30, 15)
    rule = made(home, QUIET)
    judge(home)
    judge(home)

    alert = of_rule(home, rule)
    news = [
        row
        for row in data_of(home.get("/notifications"))
        if row["alert_ids"] == [alert["id"]]
    ]

    assert alert["severity"] == "critical"
    assert [(row["title"], row["severity"]) for row in news] == [
        ("No post for 7 days", "critical")
    ]


def test_an_import_that_failed_is_an_alert_until_one_is_stored(home: Tenant) -> None:
    def ended(outcome: e.ImportOutcome) -> None:
        end = e.ImportFinished(
            organization_id=home.organization_id,
            project_id=home.project_id,
            outcome=outcome,
        )
        home.goatherd.append(new_id(), end)
        judge(home)

    rule = made(home, {"type": "import_failed"})
    ended("interrupted")
    alert = of_rule(home, rule, state="firing")
    ended("stored")

    subject = {"type": "project", "id": str(home.project_id)}
    (previewed,) = data_of(
        home.post(
            "/alert-rules/preview", {"rule": {"condition": {"type": "import_failed"}}}
        )
    )
    public = data_of(home.get("/events", params={"types": "import.finished"}))
    assert (alert["subject"], alert["project_id"]) == (subject, subject["id"])
    assert of_rule(home, rule)["state"] == "resolved"
    assert previewed["subject_id"] == subject["id"]
    assert [each["data"]["outcome"] for each in public] == ["interrupted", "stored"]


def test_a_source_that_fails_and_recovers_is_in_the_events(home: Tenant) -> None:
    creator_id = UUID(home.add("much.asked")["id"])
    run: dict[str, Any] = {
        "organization_id": home.organization_id,
        "creator_id": creator_id,
        "job_type": "creator_profiles",
    }

    def scraped(end: e.ScrapeFailed | e.ScrapeSucceeded, times: int) -> None:
        requested = e.ScrapeRequested(
            **run, project_id=home.project_id, handle="much.asked", trigger="manual"
        )
        for _ in range(times):
            home.goatherd.append(new_id(), requested, end)
        judge(home)
        judge(home)

    of_web: dict[str, Any] = {**run, "provider": "web", "attempts": 1}
    scraped(e.ScrapeFailed(**of_web, error="No.", outcome="blocked"), 3)
    scraped(e.ScrapeSucceeded(**of_web, observed_at=ago(0), duration_ms=5), 4)

    types = "source.failing,source.recovered"
    failing, recovered = data_of(home.get("/events", params={"types": types}))
    assert failing["data"]["outcome"] == "blocked"
    assert failing["subject"] == recovered["subject"]
    assert failing["subject"]["type"] == "source"
    assert recovered["type"] == "source.recovered"
    assert recovered["data"]["since"] < recovered["timestamp"]


def test_operators_hear_of_an_old_backup(home: Tenant) -> None:
    store = home.goatherd.store
    rule = made(home, {"type": "backup_old", "days": 3})
    is_operator = "UPDATE organizations SET is_operator = %s WHERE organization_id = %s"
    with store.pool.connection() as connection:
        connection.execute(is_operator, (True, home.organization_id))
        connection.execute("INSERT INTO backups VALUES (now() - interval '4 days', 1)")
    judge(home)
    alert = of_rule(home, rule)
    with store.pool.connection() as connection:
        connection.execute("INSERT INTO backups VALUES (now(), 2)")
    judge(home)
    with store.pool.connection() as connection:
        connection.execute(is_operator, (False, home.organization_id))

    assert alert["subject"] == {"type": "installation", "id": "backup"}
    assert alert["evidence"]["value"] == pytest.approx(4, abs=0.1)
    assert of_rule(home, rule)["state"] == "resolved"


def test_severity_rises_with_the_rule_and_events_say_so(home: Tenant) -> None:
    silent(home, "sinking", 30, 15)
    rule = made(home, {"type": "no_post_for_days", "days": 10})
    judge(home)
    before = of_rule(home, rule)
    changed = {"condition": {"type": "no_post_for_days", "days": 5}}
    data_of(home.patch(f"/alert-rules/{rule['id']}", changed))
    judge(home)

    after = of_rule(home, rule)

    assert (before["severity"], after["severity"]) == ("warning", "critical")
    assert after["id"] == before["id"]
    names = [event.stored_name for event in home.goatherd.events(after["id"])]
    assert names == ["alert_opened", "alert_severity_changed"]


def test_silence_begins_at_the_time_of_the_last_post(home: Tenant) -> None:
    # Posts are counted by quarters of an hour, and the alert must not wait for its end.
    minutes = (0.2, 5, 10, 14.4)
    silent_ones = {
        silent(home, f"silent.{number}", 20, 7 + each / 1_440)
        for number, each in enumerate(minutes)
    }
    silent(home, "not.yet", 20, 7 - 5 / 1_440)
    rule = made(home, QUIET)

    judge(home)

    assert {each["creator_id"] for each in alerts(home, rule_id=rule["id"])} == (
        silent_ones
    )


def test_an_alert_waits_for_the_minutes_of_its_rule(home: Tenant) -> None:
    creator_id = silent(home, "waiting", 20, 7.01)
    rule = made(home, QUIET, for_minutes=60)
    judge(home)

    pending = of_rule(home, rule)
    data_of(home.patch(f"/alert-rules/{rule['id']}", {"for_minutes": 5}))
    judge(home)
    firing = of_rule(home, rule)
    home.found(creator_id, posted_at=ago(0))
    judge(home)

    assert (pending["state"], pending["opened_at"]) == ("pending", None)
    assert (firing["state"], firing["id"]) == ("firing", pending["id"])
    assert of_rule(home, rule)["state"] == "resolved"


def test_what_ended_before_it_fired_is_ok(home: Tenant) -> None:
    creator_id = silent(home, "nearly", 20, 7.01)
    rule = made(home, QUIET, for_minutes=600)
    judge(home)
    home.found(creator_id, posted_at=ago(0))
    judge(home)

    assert alerts(home, rule_id=rule["id"]) == []
    assert of_rule(home, rule, state="ok")["state"] == "ok"


def test_an_alert_rests_after_the_last_one(home: Tenant) -> None:
    silent(home, "resting", 30, 10)
    rule = made(home, QUIET, cool_down_minutes=600)
    judge(home)
    for days in (20, 7):
        changed = {"condition": {"type": "no_post_for_days", "days": days}}
        data_of(home.patch(f"/alert-rules/{rule['id']}", changed))
        judge(home)

    assert of_rule(home, rule)["state"] == "resolved"
    data_of(home.patch(f"/alert-rules/{rule['id']}", {"cool_down_minutes": 0}))
    judge(home)
    states = [alert["state"] for alert in alerts(home, rule_id=rule["id"])]
    assert states == ["firing", "resolved"]


def test_rules_that_are_off_or_gone_resolve_their_alerts(home: Tenant) -> None:
    silent(home, "watched", 30, 10)
    off, gone = made(home, QUIET), made(home, QUIET)
    judge(home)
    data_of(home.patch(f"/alert-rules/{off['id']}", {"enabled": False}))
    data_of(home.delete(f"/alert-rules/{gone['id']}"))
    judge(home)

    for rule in (off, gone):
        assert of_rule(home, rule)["state"] == "resolved"
    assert code_of(home.patch(f"/alert-rules/{gone['id']}", {"enabled": True})) == (
        404,
        "not_found",
    )


def test_every_organization_has_rules_from_the_start_which_can_be_changed(
    home: Tenant,
) -> None:
    home.goatherd.catch_up()
    rules = {
        rule["condition"]["type"]: rule
        for rule in home.every("/alert-rules")
        if rule["is_built_in"]
    }
    quiet = rules["stopped_posting"]

    changed = data_of(
        home.patch(f"/alert-rules/{quiet['id']}", {"name": "Silent", "enabled": False})
    )
    data_of(home.delete(f"/alert-rules/{rules['views_spike']['id']}"))
    home.goatherd.catch_up()

    assert len(rules) == 16
    assert all(rule["channels"] == ["in_app"] for rule in rules.values())
    assert (changed["name"], changed["enabled"]) == ("Silent", False)
    assert changed["condition"] == quiet["condition"]
    assert data_of(home.get(f"/alert-rules/{quiet['id']}")) == changed
    left = [rule["condition"]["type"] for rule in home.every("/alert-rules")]
    assert "views_spike" not in left
    assert len(left) == 15


def test_a_stored_rule_of_an_earlier_version_keeps_its_settings_and_alerts_once(
    home: Tenant,
) -> None:
    # given a rule that was changed, and an alert of its fixed number of days
    stopped = silent(home, "stopped", 30, 29, 28)
    slow = silent(home, "slow", 60, 35, 10)
    rule_id = built_in_alert_rule(home.organization_id, "no_post_for_days")
    week = completed(Condition(type="no_post_for_days"))
    ntfy = {"kind": "ntfy", "name": "Ops", "url": "https://ntfy.sh/resting-goats"}
    channel = data_of(home.post("/channels", ntfy), status=201)["id"]
    home.goatherd.append(
        rule_id,
        e.AlertRuleMade(
            organization_id=home.organization_id,
            built_in="no_post_for_days",
            name="Silent",
            scope=AlertScope(type="org"),
            condition=week,
            channels=(channel,),
        ),
    )
    for creator_id in (stopped, slow):
        home.goatherd.append(
            alert_stream(rule_id, creator_id, 0),
            e.AlertOpened(
                organization_id=home.organization_id,
                rule_id=rule_id,
                condition=week,
                subject_type="creator",
                subject_key=creator_id,
                creator_id=UUID(creator_id),
                project_id=home.project_id,
                severity="warning",
                since=ago(3),
                evidence=e.AlertEvidence(value=10, limit=7),
            ),
        )

    # when it is judged twice
    judge(home)
    judge(home)

    # then it has its settings, and one alert by the habit of the creator
    rule = data_of(home.get(f"/alert-rules/{rule_id}"))
    assert (rule["name"], rule["channels"]) == ("Silent", [channel])
    assert rule["condition"]["type"] == "stopped_posting"
    assert rule["is_built_in"]
    found = [
        (alert["creator_id"], alert["words"], alert["state"])
        for alert in alerts(home, rule_id=str(rule_id))
    ]
    assert sorted(found) == sorted(
        [
            (stopped, "No post for 7 days", "resolved"),
            (slow, "No post for 7 days", "resolved"),
            (stopped, "Stopped posting", "firing"),
        ]
    )
    (alert,) = alerts(home, rule_id=str(rule_id), state="firing")
    assert alert["evidence"]["value"] == pytest.approx(28, abs=0.1)
    assert (alert["evidence"]["limit"], alert["evidence"]["usual"]) == (7, 1)


def test_an_own_rule_and_a_ready_one_make_one_alert(home: Tenant) -> None:
    # given two creators who stopped, and one whom the ready rule alone finds
    long, longer = silent(home, "long", 20, 19, 18), silent(home, "longer", 40, 39, 38)
    short = silent(home, "short", 10, 9, 8)
    judge(home)
    (ready,) = (
        rule for rule in home.every("/alert-rules") if rule["name"] == "Stopped posting"
    )

    def about() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for alert in alerts(home, state="open", limit=100):
            found.setdefault(alert["creator_id"], []).append(alert["rule_id"])
        return found

    assert about() == {each: [ready["id"]] for each in (long, longer, short)}

    # when rules of one's own watch the same thing, one of which waits
    own = made(home, {"type": "stopped_posting"}, scope=_creator(long))
    days = {"type": "no_post_for_days", "days": 30}
    waiting = made(home, days, for_minutes=43_200)
    judge(home)
    judge(home)

    # then each creator has one alert, and the ready rule tells of the others
    assert about() == {
        long: [own["id"]],
        longer: [waiting["id"]],
        short: [ready["id"]],
    }
    news = [
        row["alert_ids"]
        for row in data_of(home.get("/notifications"))
        if row["title"].startswith("Stopped posting")
    ]
    assert sorted(map(len, news)) == [1, 3]

    # when the own rules are gone, the ready one speaks again
    data_of(home.patch(f"/alert-rules/{own['id']}", {"enabled": False}))
    data_of(home.delete(f"/alert-rules/{waiting['id']}"))
    judge(home)
    assert about() == {each: [ready["id"]] for each in (long, longer, short)}


def _creator(creator_id: str) -> dict[str, str]:
    return {"type": "creator", "id": creator_id}


def test_a_rule_watches_its_scope_alone(home: Tenant) -> None:
    first, second = silent(home, "one", 30, 10), silent(home, "two", 30, 10)
    campaign_id = home.campaign("Spring", ("creator", second))
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    expected = {
        ("creator", first): {first},
        ("campaign", campaign_id): {second},
        ("project", str(home.project_id)): {first, second},
        ("project", other): set[str](),
        ("org", None): {first, second},
    }
    rules = {
        scope: made(home, QUIET, scope={"type": scope[0], "id": scope[1]})
        for scope in expected
    }
    judge(home)

    found = {
        scope: {alert["creator_id"] for alert in alerts(home, rule_id=rule["id"])}
        for scope, rule in rules.items()
    }

    assert found == expected


@pytest.mark.parametrize(
    ("rule", "field"),
    (
        ({"condition": {"type": "no_post_for_days", "z": 3}}, "/condition/z"),
        ({"condition": {"type": "no_post_for_days", "days": 0}}, "/condition/days"),
        (
            {
                "condition": {"type": "limit_near"},
                "scope": {"type": "creator", "id": str(new_id())},
            },
            "/scope",
        ),
        ({"condition": QUIET, "scope": {"type": "project"}}, "/scope"),
    ),
    ids=["a number of others", "no days", "a limit of a creator", "no id"],
)
def test_a_rule_that_makes_no_sense_is_refused(
    home: Tenant, rule: dict[str, Any], field: str
) -> None:
    answer = home.post("/alert-rules", {"name": "Mine", **rule})

    assert code_of(answer) == (400, "invalid_body")
    assert [each["path"] for each in answer.json()["meta"]["fields"]] == [field]


def test_a_preview_says_when_a_rule_would_have_fired(home: Tenant) -> None:
    creator_id = silent(home, "gaps", 60, 40, 39, 30, 2)
    home.goatherd.catch_up()
    head = home.goatherd.head
    preview_body = {"rule": {"condition": QUIET}, "from": ago(70).isoformat()}

    answer = home.post("/alert-rules/preview", preview_body)

    rows = data_of(answer)
    assert [row["creator_id"] for row in rows] == [creator_id] * 3
    expected = [ago(53), ago(32), ago(23)]
    for row, at in zip(rows, expected, strict=True):
        assert _close(row["at"], at)
        assert row["evidence"]["limit"] == 7
    assert [row["evidence"]["value"] for row in rows] == pytest.approx(
        [20, 9, 28], abs=0.1
    )
    assert answer.json()["meta"]["totalCount"] == 3
    assert home.goatherd.head == head
    preview_body["from"] = ago(40).date().isoformat()
    assert len(data_of(home.post("/alert-rules/preview", preview_body))) == 2


def holds_at(
    tenant: Tenant, condition: Condition, at: datetime
) -> list[tuple[datetime, float | None]]:
    """Judge a rule as it is judged at an instant: since when it holds, and why."""
    watch = WatchedRule(
        organization_id=tenant.organization_id,
        condition=condition,
        scope=AlertScope(type="org"),
        first=at,
        last=at,
    )
    with tenant.goatherd.store.pool.connection() as connection:
        found = judged_now(connection, watch)
    return [(each.since, each.evidence.value) for each in found if each.holds_at(at)]


def previewed(tenant: Tenant, condition: Condition) -> list[datetime]:
    body = {"rule": {"condition": to_builtins(condition)}}
    rows = data_of(tenant.post("/alert-rules/preview", body))
    return [datetime.fromisoformat(row["at"]) for row in rows]


def test_a_jump_is_previewed_at_the_observation_at_which_it_fires(home: Tenant) -> None:
    creator = home.add("jumper")["id"]
    today = ago(0).replace(hour=0, minute=0, second=0, microsecond=0)
    home.found(creator, "1", posted_at=today - 50 * DAY)
    level = 0
    looks = [(day, 10.0, 1_000 + day % 3) for day in range(-30, -3)]
    # One jump is taken back before midnight, and one stays.
    looks += [(-3, 6.25, 400), (-3, 9.1, 90_000), (-3, 15.5, -89_500)]
    looks += [(-2, 3.0, 10), (-2, 11.7, 80_000), (-1, 5.0, 900)]
    times: dict[tuple[int, float], datetime] = {}
    for day, hour, gained in looks:
        level += gained
        times[day, hour] = at = today + day * DAY + timedelta(hours=hour)
        home.saw_videos(creator, {"1": level}, at=at)
    home.goatherd.catch_up()
    spike = completed(Condition(type="views_spike"))
    first, second, moment = times[-3, 9.1], times[-2, 11.7], timedelta(seconds=1)

    assert previewed(home, spike) == [first, second]
    assert holds_at(home, spike, first - moment) == []
    assert holds_at(home, spike, first + moment) == [(first, 90_400)]
    assert holds_at(home, spike, times[-3, 15.5] - moment) == [(first, 90_400)]
    assert holds_at(home, spike, times[-3, 15.5] + moment) == []
    assert holds_at(home, spike, second - moment) == []
    assert holds_at(home, spike, today - moment) == [(second, 80_010)]
    assert holds_at(home, spike, today + moment) == []
    # A drop is judged when the day is over.
    drop = completed(Condition(type="views_drop", min_views=0))
    assert all(at == at.replace(hour=0, minute=0) for at in previewed(home, drop))


def test_a_jump_of_today_fires_at_its_observation(home: Tenant) -> None:
    creator = home.add("jumper")["id"]
    home.found(creator, "1", posted_at=ago(50))
    # So many days, of which the first is left out, are just enough.
    for day in range(15, 0, -1):
        home.saw_videos(creator, {"1": 5_000 + (15 - day) * 1_000}, at=ago(day))
    rule = made(home, {"type": "views_spike"})
    judge(home)
    assert alerts(home, rule_id=rule["id"]) == []
    home.saw_videos(creator, {"1": 200_000}, at=ago(0))
    judge(home)

    alert = of_rule(home, rule)
    (at,) = previewed(home, completed(Condition(type="views_spike")))
    # The views of the first day, 5,000, are the baseline and say nothing of a day.
    assert alert["evidence"]["usual"] == 1_000

    assert datetime.fromisoformat(alert["since"]) == at


def test_lost_followers_are_previewed_when_they_are_lost(home: Tenant) -> None:
    creator = home.add("shrinker")["id"]
    today = ago(0).replace(hour=0, minute=0, second=0, microsecond=0)
    looks = [(day, 10.0, 10_000) for day in range(-30, -9)]
    # A loss that is made good before midnight, and one that lasts over a midnight.
    looks += [(-9, 8.2, 9_000), (-9, 16.4, 9_990), (-8, 20.3, 9_400)]
    looks += [(-7, 9.6, 9_300), (-6, 9.6, 9_990)]
    times: dict[tuple[int, float], datetime] = {}
    for day, hour, followers in looks:
        times[day, hour] = at = today + day * DAY + timedelta(hours=hour)
        home.saw(creator, observed_at=at, follower_count=followers)
    home.goatherd.catch_up()
    lost = completed(Condition(type="followers_drop_percent"))
    first, second, moment = times[-9, 8.2], times[-8, 20.3], timedelta(seconds=1)

    assert previewed(home, lost) == [first, second]
    assert holds_at(home, lost, first - moment) == []
    assert holds_at(home, lost, first + moment) == [(first, 10)]
    assert holds_at(home, lost, times[-9, 16.4] + moment) == []
    assert holds_at(home, lost, second + moment) == [(second, 6)]
    assert holds_at(home, lost, today - 6 * DAY - moment) == [(second, 6)]
    # The day after the last one that ended with the loss is over.
    assert holds_at(home, lost, today - 5 * DAY + moment) == []


def test_nothing_is_found_in_an_archived_project(home: Tenant) -> None:
    silent(home, "archived", 60, 40, 30, 10)
    data_of(home.post("/projects", {"name": "Another"}), status=201)
    home.goatherd.catch_up()
    body = {"rule": {"condition": QUIET}, "from": ago(70).isoformat()}
    rule = made(home, QUIET)
    judge(home)
    opened = of_rule(home, rule)

    before = data_of(home.post("/alert-rules/preview", body))
    data_of(home.delete(f"/projects/{home.project_id}"))
    home.goatherd.catch_up()
    after = data_of(home.post("/alert-rules/preview", body))
    judge(home)
    home.goatherd.catch_up()
    resolved = data_of(home.get(f"/alerts/{opened['id']}"))
    data_of(home.post(f"/projects/{home.project_id}/restore"))
    home.goatherd.catch_up()

    assert before
    assert after == []
    assert (opened["state"], resolved["state"]) == ("firing", "resolved")
    assert data_of(home.post("/alert-rules/preview", body)) == before


@pytest.mark.parametrize("field", ("from", "to"))
def test_a_preview_refuses_times_that_there_are_not(home: Tenant, field: str) -> None:
    for text in ("soon", "2026-02-30", "9999-12-31T23:00:00-14:00", "2026-03-01T10:00"):
        body = {"rule": {"condition": QUIET}, field: text}
        answer = home.post("/alert-rules/preview", body)
        assert code_of(answer) == (400, "invalid_body"), text
        (wrong,) = answer.json()["meta"]["fields"]
        assert wrong["path"] == f"/{field}", text
    longest = {"rule": {"condition": QUIET}, "to": "0001-01-01"}
    assert data_of(home.post("/alert-rules/preview", longest)) == []


def test_an_open_alert_is_acknowledged_and_snoozed(home: Tenant) -> None:
    creator_id = silent(home, "cared", 30, 10)
    rule = made(home, QUIET)
    judge(home)
    alert_id = of_rule(home, rule)["id"]
    until = ago(-1).isoformat()

    acknowledged = data_of(home.post(f"/alerts/{alert_id}/acknowledge"))
    again = data_of(home.post(f"/alerts/{alert_id}/acknowledge"))
    snoozed = data_of(home.post(f"/alerts/{alert_id}/snooze", {"until": until}))
    too_early = home.post(f"/alerts/{alert_id}/snooze", {"until": ago(1).isoformat()})
    home.goatherd.catch_up()

    assert acknowledged["acknowledged_at"] is not None
    assert again["acknowledged_at"] == acknowledged["acknowledged_at"]
    assert snoozed["snoozed_until"] is not None
    assert code_of(too_early) == (400, "invalid_body")
    assert of_rule(home, rule) == snoozed
    home.found(creator_id, posted_at=ago(0))
    judge(home)
    assert code_of(home.post(f"/alerts/{alert_id}/acknowledge")) == (409, "alert_over")


def test_limited_people_see_and_make_what_is_of_their_projects(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    goatherd = home.goatherd
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)["id"]
    rival = Tenant(
        goatherd,
        organization_id=home.organization_id,
        project_id=UUID(second),
        key_id=home.key_id,
        key=home.key,
    )
    mine, theirs = silent(home, "mine", 30, 10), silent(rival, "theirs", 30, 10)
    rule = made(home, QUIET)
    judge(home)
    person = limited_to(home, limits, home.project_id)

    seen = {alert["creator_id"] for alert in alerts(person)}
    (hidden,) = alerts(home, creator_id=theirs, rule_id=rule["id"])
    answers = [
        person.get(f"/alerts/{hidden['id']}"),
        person.post(f"/alerts/{hidden['id']}/acknowledge"),
        person.get(f"/alert-rules/{rule['id']}"),
        person.delete(f"/alert-rules/{rule['id']}"),
        person.post("/alert-rules", {"name": "All", "condition": QUIET}),
    ]
    own = made(person, QUIET, scope={"type": "project", "id": str(home.project_id)})
    preview = person.post("/alert-rules/preview", {"rule": {"condition": QUIET}})

    assert seen == {mine}
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 5
    assert own["scope"]["id"] == str(home.project_id)
    assert {row["creator_id"] for row in data_of(preview)} == {mine}


def test_limited_people_change_no_rule_of_other_projects(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    rival = data_of(home.post("/projects", {"name": "Rival"}), status=201)["id"]
    home.goatherd.catch_up()
    # The one that can watch a project as well.
    (built_in,) = (
        rule
        for rule in home.every("/alert-rules")
        if rule["is_built_in"] and rule["condition"]["type"] == "stopped_posting"
    )
    org = {"type": "org"}
    mine = {"type": "project", "id": str(home.project_id)}
    theirs = {"type": "project", "id": rival}
    person = limited_to(home, limits, home.project_id)
    own = f"/alert-rules/{made(person, QUIET, scope=mine)['id']}"

    # A rule of theirs does not become one of others.
    widened = [person.patch(own, {"scope": scope}) for scope in (org, theirs)]
    # A rule that was theirs is another project's.
    data_of(home.patch(own, {"scope": theirs}))
    moved = [person.patch(own, {"enabled": False}), person.delete(own)]
    # A rule of everybody, built in or stored, does not become theirs.
    path = f"/alert-rules/{built_in['id']}"
    taken = [person.patch(path, {"scope": mine})]
    data_of(home.patch(path, {"name": "Stored"}))
    taken += [person.patch(path, {"scope": mine}), person.delete(path)]

    refused = [*widened, *moved, *taken]
    assert [code_of(answer) for answer in refused] == [(404, "not_found")] * 7
    # A rule that becomes theirs is theirs to change.
    data_of(home.patch(own, {"scope": mine}))
    assert data_of(person.patch(own, {"enabled": False}))["enabled"] is False


def test_rules_from_before_a_move_stay_with_those_who_see_the_other_project(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)["id"]
    creator_id = silent(home, "moving", 30, 10)
    of_creator = {"type": "creator", "id": creator_id}
    before = made(home, QUIET, name="Theirs", scope=of_creator)
    over = made(home, QUIET, name="Over", scope=of_creator)
    # A rule that got its scope after the move, although it was made before.
    widened = made(home, QUIET, scope={"type": "project", "id": second})
    judge(home)
    data_of(home.delete(f"/alert-rules/{over['id']}"))
    judge(home)
    move = {"project_id": second, "history": "stay"}
    data_of(home.post(f"/creators/{creator_id}/move", move))
    judge(home)
    person = limited_to(home, limits, UUID(second))
    both = limited_to(home, limits, UUID(second), home.project_id)
    left = limited_to(home, limits, home.project_id)
    path = f"/alert-rules/{before['id']}"

    after = made(person, QUIET, name="Ours", scope=of_creator)
    data_of(person.patch(f"/alert-rules/{widened['id']}", {"scope": of_creator}))
    judge(home)

    def own_rules(tenant: Tenant) -> set[str]:
        rules = tenant.every("/alert-rules")
        return {rule["id"] for rule in rules if not rule["is_built_in"]}

    assert own_rules(person) == {widened["id"], after["id"]}
    assert own_rules(both) == {widened["id"], after["id"], before["id"]}
    assert own_rules(left) == set()
    answers = [
        person.get(path),
        person.patch(path, {"enabled": False}),
        person.delete(path),
    ]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 3
    assert data_of(both.patch(path, {"name": "Both"}))["name"] == "Both"
    # An open alert goes on in the new project, without the name of the rule.
    seen = {alert["rule_id"]: alert["rule_name"] for alert in alerts(person)}
    assert seen[before["id"]] is None
    assert over["id"] not in seen
    assert over["id"] in {alert["rule_id"] for alert in alerts(both)}
    assert data_of(person.patch(f"/alert-rules/{after['id']}", {"enabled": False}))


def test_an_erased_creator_keeps_no_alert(home: Tenant) -> None:
    creator_id = silent(home, "erased.goat", 30, 10)
    rule = made(home, QUIET)
    judge(home)
    assert alerts(home, rule_id=rule["id"])

    answer = home.post(f"/creators/{creator_id}/erase", {"confirm": "erased.goat"})
    assert answer.status_code in {200, 202}, answer.text
    judge(home)

    assert alerts(home) == alerts(home, state="ok") == []


def test_an_organization_sees_nothing_of_another(goatherd: Goatherd) -> None:
    mine, other = goatherd.tenant(), goatherd.tenant()
    silent(other, "foreign", 30, 10)
    rule = made(other, QUIET)
    judge(other)
    alert = of_rule(other, rule)

    answers = [
        mine.get(f"/alert-rules/{rule['id']}"),
        mine.patch(f"/alert-rules/{rule['id']}", {"enabled": False}),
        mine.get(f"/alerts/{alert['id']}"),
        mine.post(f"/alerts/{alert['id']}/snooze", {"until": ago(-1).isoformat()}),
    ]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 4
    assert alerts(mine) == []


def _close(text: str, at: datetime) -> bool:
    return abs(datetime.fromisoformat(text) - at) < timedelta(minutes=20)
