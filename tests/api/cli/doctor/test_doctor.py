"""`goatherd doctor`: it finds faults, and names a remedy for each."""

import hashlib
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from api.cli.doctor import checks, dependencies
from api.system.all_projections import ALL_PROJECTIONS
from domain import events as e
from domain.scrape.intervals import DEFAULT_HOURS
from domain.streams import creators_counter
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.settings import Settings
from projections.engine.follower import Follower
from tests.kit.builders import NAMES, Home, asking, events_for, make_home
from tests.kit.command_line import CommandLine, Outcome
from tests.kit.erasing import erase
from tests.kit.paths import ROOT
from workers.sources.request_counts import RequestCounts

CHECKS = [
    *("settings", "database", "schema", "connections", "clocks", "event log"),
    *(
        "keys",
        "roots",
        "projections",
        "dead letters",
        "scrapes",
        "schedule",
        "reports",
        "creators",
        "source",
        "capacity",
    ),
    *("creator counts", "redis", "disk"),
]
AWAY = "redis://127.0.0.1:1"


@pytest.fixture
def cli(cli: CommandLine, redis_url: str) -> CommandLine:
    cli.set(redis_url=redis_url)
    return cli


@pytest.fixture
def home(store: Store) -> Home:
    """An organization with an active and a removed creator, and level followers."""
    home = make_home(store)
    home.creator("ada")
    home.remove(home.creator("berta"))
    catch_up(store)
    return home


def catch_up(store: Store) -> None:
    for projection in ALL_PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def change(store: Store, statement: str, *values: object) -> None:
    """Change rows behind everybody's back, even those of the event log."""
    with store.pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        changed = connection.execute(statement.encode(), values)
        assert changed.rowcount == 1


def findings(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Findings by check, of a JSON document that must agree with the status."""
    document = msgspec.json.decode(outcome.out)
    found = {finding["check"]: finding for finding in document["findings"]}
    is_well = all(finding["state"] != "wrong" for finding in found.values())
    assert document["ok"] is is_well
    assert outcome.status == (0 if is_well else 1)
    return found


def wrong(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Failed checks by name; the line on stderr must name the same."""
    found = findings(outcome)
    bad = {name: each for name, each in found.items() if each["state"] == "wrong"}
    names = ", ".join(bad)
    assert outcome.complaint == f"{len(bad)} of {len(found)} checks failed: {names}."
    return bad


def test_a_healthy_goatherd_is_well_in_every_check(cli: CommandLine, home: Home):
    document = cli("doctor", "--json")
    text = cli("doctor")

    assert list(findings(document)) == CHECKS
    assert {finding["state"] for finding in findings(document).values()} == {"ok"}
    assert text.status == 0
    assert [line.split()[0] for line in text.out.splitlines()] == ["ok"] * len(CHECKS)
    assert text.err == ""
    assert home.counted() == 1


def test_what_is_wrong_is_told_with_its_cure(cli: CommandLine, home: Home):
    del home
    cli.set(redis_url=AWAY)

    text = cli("doctor")

    bad, cure = text.out.splitlines()[-3:-1]
    assert text.status == 1
    assert bad.startswith("WRONG   redis: ")
    assert cure.startswith("        -> ")
    assert text.complaint == f"1 of {len(CHECKS)} checks failed: redis."


def test_a_log_without_a_root_of_the_last_two_days_is_told(
    cli: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
):
    del home
    fresh = cli("doctor", "--quick", "--json")
    cli("roots", "make")
    signed = cli("doctor", "--quick", "--json")
    monkeypatch.setattr(checks, "OLD_ROOT_DAYS", 0)
    bad = wrong(cli("doctor", "--quick", "--json"))

    assert findings(fresh)["roots"]["text"] == "No root was signed yet."
    assert "holds all up to position" in findings(signed)["roots"]["text"]
    assert list(bad) == ["roots"]
    assert "goatherd roots make" in bad["roots"]["advice"]


@pytest.mark.parametrize(
    "damage",
    (
        "UPDATE goatherd_events SET state = state || ' ' WHERE notification_id = %s",
        "UPDATE goatherd_events SET actor = 'nobody' WHERE notification_id = %s",
        (
            "UPDATE goatherd_events SET recorded_at = recorded_at - interval '1 us' "
            "WHERE notification_id = %s"
        ),
        (
            "UPDATE goatherd_events SET topic = 'handle_unbanned' "
            "WHERE notification_id = %s"
        ),
        # The next link is over this one.
        "DELETE FROM goatherd_events WHERE notification_id = %s - 1",
    ),
    ids=["body", "actor", "time", "name", "gone"],
)
def test_an_event_that_was_changed_is_found(
    cli: CommandLine, store: Store, home: Home, damage: str
):
    stream = NAMES.ban_stream("mallory")
    store.append(events_for(stream, "mallory", "mallory"), context=asking())
    catch_up(store)
    change(store, damage, store.head())

    thorough = cli("doctor", "--json")
    quick = cli("doctor", "--quick", "--json")

    bad = wrong(thorough)
    assert list(bad) == ["event log"]
    assert f"position {store.head()}." in bad["event log"]["text"]
    assert findings(quick)["event log"]["state"] == "skipped"
    assert home.counted() == 1


@pytest.mark.parametrize(
    ("damage", "text"),
    (
        ("DELETE FROM subject_keys WHERE subject = %s", "lacks 1 person of the log"),
        (
            (
                "UPDATE subject_keys k SET wrapped = o.wrapped, destroyed_at = NULL, "
                "erasure = NULL FROM subject_keys o "
                "WHERE o.wrapped IS NOT NULL AND k.subject = %s"
            ),
            "1 person who had been erased can be read again",
        ),
    ),
    ids=["gone", "back"],
)
def test_keys_that_are_gone_or_back_are_told(
    cli: CommandLine, store: Store, home: Home, damage: str, text: str
):
    berta = home.creator("berta-2")
    catch_up(store)
    if "again" in text:
        erase(
            store,
            berta,
            organization_id=home.organization_id,
            confirm="berta-2",
        )
        catch_up(store)
    well = cli("doctor", "--json")

    change(store, damage, berta)

    assert findings(well)["keys"]["state"] == "ok"
    assert text in wrong(cli("doctor", "--json"))["keys"]["text"]


def test_every_batch_of_the_log_is_read(
    cli: CommandLine, store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.cli.doctor.run.BATCH", 3)
    for number in range(7):
        name = f"goat-{number}"
        store.append(events_for(NAMES.ban_stream(name), name), context=asking())
    catch_up(store)

    well = cli("doctor", "--json")
    for position in (1, 4, 7):
        change(
            store,
            "UPDATE goatherd_events SET actor = 'x' WHERE notification_id = %s",
            position,
        )
    bad = wrong(cli("doctor", "--json"))

    assert "All 7 events" in findings(well)["event log"]["text"]
    assert "3 of 7 events" in bad["event log"]["text"]
    assert "position 1, 4, 7." in bad["event log"]["text"]


def test_an_event_of_a_later_release_is_said_to_be_unreadable(
    cli: CommandLine, store: Store, home: Home
):
    stream = NAMES.ban_stream("mallory")
    store.append(events_for(stream, "mallory"), context=asking())
    catch_up(store)
    change(
        store,
        "UPDATE goatherd_events SET topic = 'goat_cloned', digest = goatherd_link("
        "'', goatherd_moment(recorded_at), "
        "goatherd_ask(actor, correlation_id, causation_id), originator_id, 1, "
        "'goat_cloned', state) WHERE notification_id = %s",
        store.head(),
    )

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["event log"]
    assert "goat_cloned" in bad["event log"]["text"]
    assert "newer Goatherd" in bad["event log"]["advice"]
    assert home.counted() == 1


@pytest.mark.parametrize(
    ("damage", "message", "cure"),
    (
        (
            (
                "UPDATE projection SET heartbeat_at = now() - interval '31 s' "
                "WHERE name = 'bans'"
            ),
            "Nothing keeps bans caught up",
            "Start `goatherd project`,",
        ),
        (
            (
                "UPDATE projection SET heartbeat_at = now() - interval '31 s' "
                "WHERE name = 'scrape_jobs'"
            ),
            "Nothing keeps scrape_jobs caught up",
            "Start `goatherd dispatch`,",
        ),
        (
            "DELETE FROM projection WHERE name = 'projects'",
            "Nothing keeps projects caught up",
            "Start `goatherd project`,",
        ),
        (
            "UPDATE projection SET version = 99 WHERE name = 'bans'",
            "bans: built by a release with other rules",
            "one release",
        ),
    ),
    ids=["stalled", "stalled dispatcher", "never started", "another version"],
)
def test_a_projection_that_nobody_keeps_is_found(
    cli: CommandLine, store: Store, home: Home, damage: str, message: str, cure: str
):
    change(store, damage)

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["projections"]
    assert message in bad["projections"]["text"]
    assert cure in bad["projections"]["advice"]
    assert home.counted() == 1


def test_a_projection_that_cannot_keep_up_is_found(
    cli: CommandLine, store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "TRIES", 2)
    store.append(events_for(NAMES.ban_stream("mallory"), "mallory"), context=asking())
    change(
        store,
        "UPDATE goatherd_events SET recorded_at = now() - interval '61 s' "
        "WHERE notification_id = %s",
        store.head(),
    )

    bad = wrong(cli("doctor", "--quick", "--json"))

    assert list(bad) == ["projections"]
    assert "61 s and 1 events behind" in bad["projections"]["text"]
    assert home.counted() == 1


def test_a_dead_letter_is_shown(cli: CommandLine, store: Store, home: Home):
    change(
        store,
        "INSERT INTO dead_letter (projection, position, name, error) "
        "VALUES ('bans', 3, 'handle_banned', 'ValueError(7)')",
    )

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["dead letters"]
    assert "by bans at position 3: ValueError(7)" in bad["dead letters"]["text"]
    assert home.counted() == 1


_ONE_JOB = " WHERE scrape_id = (SELECT min(scrape_id::text)::uuid FROM scrape_job)"


@pytest.mark.parametrize(
    ("damage", "message"),
    (
        (
            "UPDATE scrape_job SET due_at = now() - interval '6 min'",
            "1 scrape is due and no worker is running, the oldest for 6 minutes",
        ),
        (
            (
                "UPDATE scrape_job SET due_at = now() - interval '6 min', "
                "attempts = 1, state = 'leased', lease_until = now() - interval '1 s'"
            ),
            "1 scrape is due",
        ),
        (
            (
                "UPDATE scrape_job SET attempts = 3, outcome = 'blocked', "
                "error = 'a wall', due_at = now() + interval '1 min'"
            ),
            (
                "1 scrape failed 3 times or more and will be tried again, last as "
                "blocked: a wall"
            ),
        ),
        (
            (
                "UPDATE scrape_job SET attempts = 6, state = 'quarantined', "
                "error = 'Attempt 5 died.', finished_at = now() - interval '23 h'"
            ),
            "1 scrape quarantined in the last day",
        ),
    ),
    ids=["late", "abandoned", "failing", "quarantined"],
)
def test_scrapes_that_are_not_done_are_found(
    cli: CommandLine, store: Store, home: Home, damage: str, message: str
):
    change(store, damage + _ONE_JOB)

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["scrapes"]
    assert message in bad["scrapes"]["text"]
    assert home.counted() == 1


def let_fail(store: Store, home: Home, outcome: e.Outcome, times: int) -> None:
    """Let scrapes of @ada fail so, as often as asked."""
    for _ in range(times):
        failure = e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=home.holder("ada"),
            job_type="discover_videos",
            provider="replay",
            attempts=5,
            error="A wall.",
            outcome=outcome,
        )
        request = e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=home.holder("ada"),
            handle="ada",
            job_type="discover_videos",
            trigger="manual",
        )
        scrape = new_id()
        store.append(
            [NewEvent(scrape, 1, request), NewEvent(scrape, 2, failure)],
            context=asking("test"),
        )
    catch_up(store)


def test_a_creator_that_keeps_failing_is_found_and_a_source_at_fault_as_well(
    cli: CommandLine, store: Store, home: Home
):
    let_fail(store, home, "private", 2)
    twice = cli("doctor", "--json")
    let_fail(store, home, "private", 1)
    private = wrong(cli("doctor", "--json"))
    let_fail(store, home, "blocked", 4)
    blocked = wrong(cli("doctor", "--json"))

    assert twice.status == 0
    assert private.keys() == {"creators"}
    assert private["creators"]["text"] == (
        "1 creator is not scraped completely: 3 scrapes or more failed since the last "
        "success of their kind; mostly discover_videos as private, for example those "
        "of @ada."
    )
    assert private["creators"]["advice"].startswith("Ask the creator to make")
    assert blocked.keys() == {"creators", "source"}
    assert blocked["source"]["text"] == (
        "Most of the newest scrapes by replay ended as blocked."
    )
    assert "`goatherd sources check HANDLE`" in blocked["source"]["advice"]


def test_a_budget_that_is_nearly_used_up_is_a_warning_and_no_failure(
    cli: CommandLine, store: Store, home: Home
):
    assert home.counted() == 1
    cli.set(providers="replay,web", web_daily_budget=5)
    counts = RequestCounts(store.pool, Settings())
    for _ in range(3):
        counts.take("web", None, None)
    early = findings(cli("doctor", "--json"))
    counts.take("web", None, None)
    late = findings(cli("doctor", "--json"))

    assert early["source"]["state"] == "ok"
    assert late["source"]["state"] == "warning"
    assert late["source"]["text"] == (
        "web has sent 4 of the 5 requests that are allowed today (UTC)."
    )


def test_a_schedule_that_needs_most_requests_of_a_source_is_a_warning(
    cli: CommandLine, store: Store, home: Home
):
    assert home.counted() == 1
    for job_type, hours in DEFAULT_HOURS.items():
        change(store, _EVERY, hours, job_type)
    # A profile, two lists and a turn, and counters four times: 1 + 2 * 3 + 1 + 4 * 3.
    cli.set(providers="web", web_daily_budget=25)
    late = findings(cli("doctor", "--json"))["capacity"]
    cli.set(providers="web", web_daily_budget=26)
    early = findings(cli("doctor", "--json"))["capacity"]

    assert (late["state"], early["state"]) == ("warning", "ok")
    assert late["text"] == (
        "web can serve about 1 creator, and serves 1: the schedule needs 80% of its "
        "25 requests a day; no video has counts yet."
    )
    assert "longer intervals" in late["advice"]


_EVERY = "UPDATE schedule_interval SET hours = %s WHERE job_type = %s"


def test_no_source_is_a_warning_and_its_waiting_scrapes_are_no_fault(
    cli: CommandLine, store: Store, home: Home
):
    assert home.counted() == 1
    with store.pool.connection() as connection:
        connection.execute("UPDATE scrape_job SET due_at = now() - interval '1 hour'")
    cli.set(providers="")

    ended = cli("doctor", "--json")

    found = findings(ended)
    assert ended.status == 0
    assert found["source"]["state"] == "warning"
    assert "No source is set up" in found["source"]["text"]
    assert "GOATHERD_PROVIDERS=web" in found["source"]["advice"]
    assert found["scrapes"]["state"] == "skipped"


_PLANNED = "UPDATE schedule_interval SET hours = 12 WHERE job_type = 'discover_videos'"
_ONE_ROW = """
UPDATE scrape_schedule SET due_at = now() - make_interval(mins => %s)
WHERE job_type = 'discover_videos' AND is_active
"""


@pytest.mark.parametrize(
    ("minutes", "message"),
    (
        (12 * 60 + 1, "1 scheduled scrape is late by more than an interval, the"),
        (12 * 60 - 1, None),
    ),
)
def test_a_schedule_that_nobody_follows_is_found(
    cli: CommandLine, store: Store, home: Home, minutes: int, message: str | None
):
    change(store, _PLANNED)
    change(store, _ONE_ROW, minutes)

    outcome = cli("doctor", "--json")

    found = findings(outcome)["schedule"]
    assert found["state"] == ("ok" if message is None else "wrong")
    assert (message or "No scheduled scrape is overdue.") in found["text"]
    assert home.counted() == 1


@pytest.mark.parametrize(
    "usual",
    (
        "UPDATE scrape_job SET due_at = now() - interval '4 min'",
        (
            "UPDATE scrape_job SET due_at = now() - interval '6 min', "
            "state = 'leased', lease_until = now() + interval '1 s'"
        ),
        (
            "UPDATE scrape_job SET due_at = now() - interval '6 min', state = 'done', "
            "attempts = 5, outcome = 'blocked'"
        ),
        (
            "UPDATE scrape_job SET due_at = now() - interval '2 d', attempts = 6, "
            "state = 'quarantined', finished_at = now() - interval '25 h'"
        ),
    ),
    ids=["due", "in work", "given up", "quarantined before"],
)
def test_scrapes_on_their_way_are_well(
    cli: CommandLine, store: Store, home: Home, usual: str
):
    change(store, usual + _ONE_JOB)

    outcome = cli("doctor", "--json")

    found = findings(outcome)["scrapes"]
    quarantined = "'quarantined'" in usual
    assert found["state"] == "ok"
    assert f"{quarantined:d} are quarantined." in found["text"]
    assert home.counted() == 1


def test_a_wrong_count_is_found_and_told_with_the_right_one(
    cli: CommandLine, store: Store, home: Home
):
    key = creators_counter(home.organization_id)
    change(store, "UPDATE quota_counters SET value = 2 WHERE key = %s", key)

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["creator counts"]
    assert (
        f"{home.organization_id} has 1 active creator, and the count is 2"
        in bad["creator counts"]["text"]
    )


def test_counts_are_not_judged_while_the_list_is_behind(
    cli: CommandLine, store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "TRIES", 2)
    home.creator("cleo")

    outcome = cli("doctor", "--json")

    assert findings(outcome)["creator counts"]["state"] == "skipped"
    assert home.counted() == 2
    catch_up(store)
    assert findings(cli("doctor", "--json"))["creator counts"]["state"] == "ok"


def test_a_disk_that_is_nearly_full_is_found(
    cli: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dependencies, "NEARLY_FULL_BYTES", 1 << 62)
    nearly = cli("doctor", "--json")
    monkeypatch.setattr(dependencies, "FULL_BYTES", 1 << 62)
    full = cli("doctor", "--json")

    assert findings(nearly)["disk"]["state"] == "warning"
    assert nearly.status == 0
    assert list(wrong(full)) == ["disk"]
    assert home.counted() == 1


def test_without_a_database_the_rest_is_looked_at(cli: CommandLine, tmp_path: Path):
    cli.set(database_url="postgresql://127.0.0.1:1/herd", data_dir=tmp_path / "none")

    outcome = cli("doctor", "--json")

    found = findings(outcome)
    assert list(wrong(outcome)) == ["database"]
    assert list(found) == ["settings", "database", "redis", "disk"]
    assert found["disk"]["state"] == "skipped"


def test_a_database_without_a_schema_is_told_the_cure(
    cli: CommandLine, empty_database_url: str
):
    cli.set(database_url=empty_database_url)

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["schema"]
    assert "goatherd migrate" in bad["schema"]["text"]


def test_a_bad_setting_is_found_and_the_good_ones_are_used(
    cli: CommandLine, home: Home
):
    cli.set(prot=8000)

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["settings"]
    assert "GOATHERD_PROT" in bad["settings"]["text"]
    assert home.counted() == 1


def test_nothing_is_changed_by_looking(cli: CommandLine, store: Store, home: Home):
    def digest() -> str:
        with store.pool.connection() as connection:
            rows = connection.execute(
                "SELECT e::text FROM goatherd_events e UNION ALL "
                "SELECT p::text FROM projection p UNION ALL "
                "SELECT q::text FROM quota_counters q UNION ALL "
                "SELECT j::text FROM scrape_job j"
            ).fetchall()
        return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()

    before = digest()

    assert cli("doctor").status == 0
    assert digest() == before
    assert home.counted() == 1


def test_a_long_look_shows_a_bar_to_whoever_watches_a_terminal(
    database_url: str, redis_url: str, tmp_path: Path, home: Home
):
    terminal, its_end = pty.openpty()
    slow = (
        "import api.cli.kit.output as o, sys; o._QUIET_SECONDS = 0.0; "
        "from api.cli import main; sys.exit(main(['doctor', '--json']))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", slow],
        stdout=subprocess.PIPE,
        stderr=its_end,
        check=False,
        cwd=ROOT,
        env={
            **os.environ,
            "TERM": "xterm",
            "GOATHERD_DATABASE_URL": database_url,
            "GOATHERD_REDIS_URL": redis_url,
            "GOATHERD_DATA_DIR": str(tmp_path),
        },
    )

    os.close(its_end)
    seen = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert "Reading the event log" in seen
    # And stdout is still one document.
    assert msgspec.json.decode(ended.stdout)["ok"]
    assert home.counted() == 1


def test_a_database_that_goes_away_meanwhile_is_a_finding(
    cli: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
):
    def gone(*_: object) -> str:
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(checks, "check_projections", gone)

    bad = wrong(cli("doctor", "--json"))

    assert list(bad) == ["connection"]
    assert home.counted() == 1
