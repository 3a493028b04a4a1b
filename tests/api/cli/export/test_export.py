"""``goatherd export``: the rows of its files, their organization, and no remains."""

import csv
import gc
import gzip
import io
import re
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import msgspec
import pyarrow.parquet
import pytest

from domain import commands as c
from domain import events as e
from domain.messages import MovedHistory
from domain.scrape.observations import ProfileObservation
from domain.video.attributes import Sound, VideoAttributes
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import RecordedEvent
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.engine.follower import Follower
from projections.organizations.projection import ApiKeys
from projections.videos.projection import Videos
from tests.api.routes.test_analytics import NOON, RANGE, Population
from tests.kit.application import Goatherd
from tests.kit.builders import Home, asking, log_of, make_home, opened_store
from tests.kit.command_line import CommandLine, running, variables
from tests.kit.commands import move_creator
from tests.kit.erasing import erase
from tests.kit.paths import GOLDEN_EVENTS, RECORDING, ROOT
from workers.sources.recordings.file_format import Observation

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
OF_THE_FILE = UUID("0190a0b0-0000-7000-8000-000000000001")
NOBODY = "00000000-0000-4000-8000-000000000009"
DIGEST = "5f" * 32


@pytest.fixture
def home(cli: CommandLine, database_url: str) -> Iterator[Home]:
    del cli
    with opened_store(database_url) as store:
        yield make_home(store)


def level(home: Home) -> None:
    for projection in (ApiKeys(), AnalyticsProjection(), Videos()):
        follower = Follower(projection, pool=home.store.pool, codec=home.store.codec)
        follower.register()
        follower.catch_up()


def exported(cli: CommandLine, what: str, home: Home, *options: str) -> str:
    outcome = cli("export", what, "--org", str(home.organization_id), *options)
    assert outcome.status == 0, outcome.err
    return outcome.out


def lines_of(text: str) -> list[Any]:
    return [msgspec.json.decode(line) for line in text.splitlines()]


def table_of(path: Path) -> Any:  # noqa: ANN401
    return pyarrow.parquet.read_table(path)


def brought_in(cli: CommandLine, home: Home, recording: Path) -> dict[str, Any]:
    level(home)
    return cli(
        *("import", str(recording), "--project", str(home.project_id)),
        *("--create-creators", "--json"),
    ).document


def run(
    home: Home,
    *events: Any,  # noqa: ANN401
    handle: str = "old-billy",
    creator_id: UUID | None = None,
) -> UUID:
    """Let a run have come to these events; returns its id."""
    entries = run_of(home, *events, handle=handle, creator_id=creator_id)
    home.store.append(entries, context=asking())
    return entries[0].originator_id


def run_of(
    home: Home,
    *events: Any,  # noqa: ANN401
    handle: str = "old-billy",
    creator_id: UUID | None = None,
) -> list[NewEvent]:
    stream = new_id()
    requested = e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        handle=handle,
        job_type="video_stats",
        trigger="manual",
    )
    return [
        NewEvent(stream, n, event) for n, event in enumerate((requested, *events), 1)
    ]


def videos_observed(home: Home, amount: int, *, day: int = 0) -> e.Event:
    ids = tuple(str(7_000_000 + number) for number in range(amount))
    return e.VideoStatsSnapshotRecorded(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=None,
        observed_at=BEGIN + timedelta(days=day),
        provider="test",
        video_ids=tuple(map(home.store.names.pseudonym, ids)),
        has_pseudonyms=True,
        tiktok_video_ids=ids,
        view_counts=(2**63 - 1,) * amount,
        like_counts=(-(2**63),) * amount,
        comment_counts=(None,) * amount,
        share_counts=(0,) * amount,
        save_counts=(3,) * amount,
        titles=("=SUM(A1)",) * amount,
    )


def profile_and_videos(home: Home, creator_id: UUID, *, day: int = 0) -> list[e.Event]:
    profile = e.ProfileSnapshotRecorded(
        organization_id=home.organization_id,
        creator_id=creator_id,
        observed_at=BEGIN + timedelta(days=day),
        provider="test",
        follower_count=12 + day,
    )
    videos = videos_observed(home, 2, day=day)
    titles = ("One", f"Two, day {day}")
    # A title is stored where it is new, so one that stays is in the first run alone.
    videos = msgspec.structs.replace(
        videos, creator_id=creator_id, titles=titles if day == 0 else (None, titles[1])
    )
    return [profile, videos]


def failed(home: Home, outcome: e.Outcome | None) -> e.ScrapeFailed:
    return e.ScrapeFailed(
        organization_id=home.organization_id,
        creator_id=None,
        job_type="video_stats",
        provider="test",
        attempts=1,
        error="It was so.",
        outcome=outcome,
    )


def test_observations_survive_the_way_into_another_organization(
    cli: CommandLine, home: Home, tmp_path: Path
):
    brought_in(cli, home, RECORDING)
    run(home, videos_observed(home, 3), failed(home, "private"))
    other = make_home(home.store)
    recording = tmp_path / "out.jsonl"

    exported(cli, "observations", home, "--output", str(recording))
    stored = brought_in(cli, other, recording)
    again = brought_in(cli, other, recording)
    back = exported(cli, "observations", other)

    assert stored["stored"] == stored["observations"] == 13
    assert (again["stored"], again["there_already"]) == (0, 13)
    assert sorted(back.splitlines()) == sorted(recording.read_text().splitlines())


def test_a_renamed_creator_whose_observations_contradict_has_the_same_sums_elsewhere(
    cli: CommandLine, home: Home, tmp_path: Path
):
    billy, gone = home.creator("old-billy"), home.creator("gone-billy")
    # The later recorded one of two at one time always counts.
    seen: list[tuple[int, e.Precision, int]] = [
        *((3, "exact", 3_912_345), (3, "rounded", 3_800_000), (5, "exact", 3_850_000)),
        *((1, "exact", 3_700_000), (5, "exact", 3_849_000), (6, "exact", -4)),
    ]
    for nth, (day, precision, followers) in enumerate(seen):
        if nth == 3:
            home.rename(billy, "new-billy")
        profile = e.ProfileSnapshotRecorded(
            organization_id=home.organization_id,
            creator_id=billy,
            observed_at=BEGIN + timedelta(days=day),
            provider="test",
            precision=precision,
            follower_count=followers,
        )
        handle = "old-billy" if nth < 3 else "new-billy"
        run(home, profile, handle=handle, creator_id=billy)
    (profile, _) = profile_and_videos(home, gone)
    run(home, profile, handle="gone-billy", creator_id=gone)
    level(home)
    of_both = sums_of(home)
    erase(
        home.store, gone, organization_id=home.organization_id, confirm="gone-billy",
        figures="drop",
    )  # fmt: skip
    level(home)
    other = make_home(home.store)
    recording = tmp_path / "out.jsonl"

    exported(cli, "observations", home, "--output", str(recording))
    stored = brought_in(cli, other, recording)
    again = brought_in(cli, home, recording)
    level(home)

    lines = lines_of(recording.read_text())
    assert [line.get("present_handle") for line in lines] == [*["new-billy"] * 3] + [
        None
    ] * 3
    assert [line.get("in_log_order") for line in lines] == [None, True, *[None] * 4]
    assert (stored["stored"], stored["creators_created"]) == (6, ["new-billy"])
    assert (again["stored"], again["there_already"]) == (0, 6)
    assert sums_of(other) == sums_of(home) != of_both


_ROLLUPS = b"""
SELECT to_jsonb(r) - 'id' - 'organization_id' FROM analytics_profile_rollups r
WHERE id = %s ORDER BY slot
"""
_PRECISION = b"""
SELECT to_jsonb(r) - 'id' - 'organization_id' FROM analytics_profile_precision r
WHERE id = %s ORDER BY slot
"""


def sums_of(home: Home) -> list[list[Any]]:
    """Return the sums of a project's profiles, and what rounding makes of them."""
    with home.store.pool.connection() as connection:
        return [
            connection.execute(query, (home.project_id,)).fetchall()
            for query in (_ROLLUPS, _PRECISION)
        ]


def test_an_export_into_its_own_project_stores_nothing(
    cli: CommandLine, home: Home, tmp_path: Path
):
    brought_in(cli, home, RECORDING)
    creator = home.holder("old-billy")
    assert creator is not None
    profile = e.ProfileSnapshotRecorded(
        organization_id=home.organization_id,
        creator_id=creator,
        observed_at=BEGIN + timedelta(microseconds=7),
        provider="test",
        follower_count=12,
        display_name='"observed_at":"2001-01-01"',
    )
    run(home, profile)
    run(home, videos_observed(home, 3), failed(home, "private"))
    # Another run at the same moment, of which a part is the same.
    run(home, videos_observed(home, 4))
    run(home, failed(home, "not_found"))
    # The sealed titles of this run are longer than the rest of it.
    run(home, videos_observed(home, 200, day=4))
    recording = tmp_path / "out.jsonl"
    exported(cli, "observations", home, "--output", str(recording))
    head = home.store.head()

    stored = brought_in(cli, home, recording)

    assert (stored["stored"], stored["runs"], stored["position"]) == (0, 0, None)
    assert stored["there_already"] + stored["repeated"] == stored["observations"]
    # The only new event says that the import has ended.
    assert home.store.head() == head + 1

    # New observations are stored, also at a time at which runs of our own saw more.
    line = next(line for line in lines_of(recording.read_text()) if line.get("video"))
    line["video"]["tiktok_video_id"] = "7999999"
    recording.write_bytes(msgspec.json.encode(line))
    assert brought_in(cli, home, recording)["stored"] == 1
    assert brought_in(cli, home, recording)["stored"] == 0


def test_only_its_owner_may_read_what_an_export_writes(
    cli: CommandLine, home: Home, tmp_path: Path
):
    output = tmp_path / "observations.jsonl"
    home.creator("billie")

    exported(cli, "observations", home, "--output", str(output))

    assert output.stat().st_mode & 0o777 == 0o600


def test_the_three_formats_say_the_same(cli: CommandLine, home: Home, tmp_path: Path):
    run_id = run(home, videos_observed(home, 2), failed(home, "not_found"))
    parquet = tmp_path / "seen.parquet"

    first, second, third = lines_of(exported(cli, "observations", home))
    text = exported(cli, "observations", home, "--format", "csv")
    exported(
        *(cli, "observations", home, "--format", "parquet", "--output", str(parquet))
    )

    rows = list(csv.DictReader(io.StringIO(text)))
    table = table_of(parquet)
    assert first["video"]["view_count"] == 2**63 - 1
    assert second["video"]["like_count"] == -(2**63)
    assert third["outcome"] == "not_found"
    assert rows[0]["title"] == "'=SUM(A1)"
    assert rows[0]["like_count"] == str(-(2**63))
    assert rows[0]["comment_count"] == ""
    assert rows[0]["observed_at"] == "2026-01-01T00:00:00Z"
    assert [row["observation"] for row in rows] == ["video", "video", "outcome"]
    types = {field.name: str(field.type) for field in table.schema}
    assert types["view_count"] == "int64"
    assert types["observed_at"] == types["posted_at"] == "timestamp[us, tz=UTC]"
    (seen, _, outcome) = table.to_pylist()
    assert seen["view_count"] == 2**63 - 1
    assert seen["like_count"] == -(2**63)
    assert seen["comment_count"] is None
    assert seen["title"] == "=SUM(A1)"
    assert seen["observed_at"] == BEGIN
    assert seen["scrape_id"] == str(run_id)
    assert outcome["view_count"] is None
    assert list(table.column_names) == list(rows[0])


def test_csv_and_parquet_have_every_attribute_that_a_recording_has(
    cli: CommandLine, home: Home, tmp_path: Path
):
    stated = VideoAttributes(
        duration_s=31,
        sound=Sound(id="77", title="=bells", author="Ada", original=True),
        hashtags=("goat", "alp, bell"),
        mentions=(),
        is_ad=False,
        is_pinned=True,
        is_private=False,
        language="de",
    )
    seen = videos_observed(home, 1)
    assert isinstance(seen, e.VideoStatsSnapshotRecorded)
    seen = msgspec.structs.replace(
        seen,
        attributes={seen.video_ids[0]: stated},
        thumbnail_urls=("https://a/b",),
    )
    run(home, seen)
    parquet = tmp_path / "seen.parquet"

    (line,) = lines_of(exported(cli, "observations", home))
    text = exported(cli, "observations", home, "--format", "csv")
    exported(
        *(cli, "observations", home, "--format", "parquet", "--output", str(parquet))
    )

    (row,) = csv.DictReader(io.StringIO(text))
    (cells,) = table_of(parquet).to_pylist()
    video = line["video"]
    sound = {f"sound_{name}": value for name, value in video.pop("sound").items()}
    expected = {**video, **sound}
    assert {name: cells[name] for name in expected} == expected
    assert (expected["hashtags"], expected["mentions"]) == (["goat", "alp, bell"], [])
    assert (row["hashtags"], row["mentions"]) == ('["goat","alp, bell"]', "[]")
    assert (row["sound_title"], row["sound_original"]) == ("'=bells", "true")
    assert (row["is_ad"], row["duration_s"], row["thumbnail_url"]) == (
        *("false", "31"),
        "https://a/b",
    )
    profile = {*ProfileObservation.__struct_fields__}
    columns = {*Observation.__struct_fields__, *profile, *video, *sound}
    assert columns - {"profile", "video"} <= {*row}


def test_a_csv_export_comes_back_as_the_same_recording(
    cli: CommandLine, home: Home, tmp_path: Path
):
    brought_in(cli, home, RECORDING)
    run(home, videos_observed(home, 3), failed(home, "private"))
    recording, table = tmp_path / "out.jsonl", tmp_path / "out.csv"
    exported(cli, "observations", home, "--output", str(recording))
    exported(cli, "observations", home, "--format", "csv", "--output", str(table))

    stored = brought_in(cli, make_home(home.store), table)
    shown = cli("import", str(table), "--project", str(home.project_id), "--dry-run")
    again = brought_in(cli, home, table)

    assert stored["stored"] == stored["observations"] == 13
    assert (again["stored"], again["there_already"]) == (0, 13)
    # A cell of CSV is the same for an empty text as for none.
    same = recording.read_text().replace('"title":""', '"title":null')
    assert sorted(shown.out.splitlines()) == sorted(same.splitlines())
    assert "This is an export of Goatherd." in shown.err


def test_an_export_continues_after_the_position_of_the_one_before(
    cli: CommandLine, home: Home, tmp_path: Path
):
    path = ("--output", str(tmp_path / "out.jsonl"), "--json")
    run(home, videos_observed(home, 2))
    words = ("export", "observations", "--org", str(home.organization_id))
    first = cli(*words, *path).document
    again = cli(*words, *path, "--after", str(first["position"])).document
    run(home, videos_observed(home, 1, day=1))

    second = cli(*words, "--after", str(first["position"]))
    events = lines_of(exported(cli, "events", home, "--after", str(first["position"])))
    beyond = cli(*words, "--after", str(home.store.head() + 1))
    negative = cli(*words, "--after", "-1")

    assert (first["observations"], again["observations"]) == (2, 0)
    assert again["position"] == first["position"]
    (line,) = lines_of(second.out)
    assert line["video"]["tiktok_video_id"] == "7000000"
    assert line["observed_at"] == "2026-01-02T00:00:00Z"
    assert f"up to position {home.store.head()} of the log" in second.err
    assert {event["position"] > first["position"] for event in events} == {True}
    assert [event["name"] for event in events] == [
        *("scrape_requested", "video_stats_snapshot_recorded")
    ]
    assert beyond.complaint.startswith("--after: must not lie beyond position ")
    assert negative.status != 0


def recorded_at(home: Home, at: datetime, *, until: int) -> None:
    """Let everything up to a position have been recorded at an earlier time."""
    with home.store.pool.connection() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE goatherd_events SET recorded_at = %s WHERE notification_id <= %s "
            "AND recorded_at > %s + interval '1 day'",
            (at, until, at),
        )


def test_an_export_is_split_into_days_of_recording(
    cli: CommandLine, home: Home, tmp_path: Path
):
    folder = tmp_path / "days"
    run(home, videos_observed(home, 2))
    recorded_at(home, datetime(2026, 3, 1, 23, 59, tzinfo=UTC), until=home.store.head())
    run(home, failed(home, "private"))
    second_day = home.store.head()
    recorded_at(home, datetime(2026, 3, 2, 0, 0, tzinfo=UTC), until=second_day)
    run(home, videos_observed(home, 1, day=9))
    today = datetime.now(UTC).date().isoformat()
    words = ("export", "observations", "--org", str(home.organization_id))
    split = ("--split", "day", "--output", str(folder))

    whole = exported(cli, "observations", home)
    done = cli(*words, *split, "--json").document
    newer = lines_of(cli(*words, "--from", "2026-03-02").out)
    other = make_home(home.store)
    brought = brought_in(cli, other, folder)
    after = cli(*words, *split, "--after", str(second_day))
    refused = cli(*words, *split)

    days = ["2026-03-01.jsonl", "2026-03-02.jsonl", f"{today}.jsonl"]
    continued = f"{today}.after-{second_day}.jsonl"
    assert (done["observations"], done["files"]) == (4, days)
    assert after.out.startswith("Exported 1 observations into 1 file, up to position ")
    assert {path.name for path in folder.iterdir()} == {*days, continued}
    assert "".join((folder / name).read_text() for name in days) == whole
    assert (folder / continued).read_text() == (folder / days[2]).read_text()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert newer == lines_of(whole)[2:]
    assert brought["stored"] == 4
    assert f"has rows from after position {second_day} already" in refused.complaint
    assert cli(*words, "--split", "day").complaint.startswith("--split needs --output")


@pytest.mark.parametrize("outcome", ("identity_changed", None))
def test_what_a_recording_has_no_word_for_is_left_out(
    cli: CommandLine, home: Home, outcome: e.Outcome | None
):
    run(home, failed(home, outcome))

    assert exported(cli, "observations", home) == ""


# A person belongs to no organization, so an export has none of their events.
OF_PEOPLE = ("person_", "email_", "sign_in_")


def test_of_the_golden_events_each_goes_to_its_organization_alone(
    cli: CommandLine, home: Home
):
    other = make_home(home.store)
    codec = Codec()
    ours: list[tuple[UUID, str]] = []
    for line in GOLDEN_EVENTS.read_text().splitlines():
        golden = msgspec.json.decode(line)
        for owner in (home, other):
            body = golden["body"].replace(str(OF_THE_FILE), str(owner.organization_id))
            event = codec.decode(golden["name"], body.encode())
            of_owner = golden["body"] != body
            nobodys = ("handle_", "root_", "history_", "signing_", *OF_PEOPLE)
            of_all = golden["name"].startswith(nobodys) and not of_owner
            if of_owner or of_all:
                stream, version = new_id(), 1
            else:
                stream = owner.organization_id
                version = len(home.store.load(stream)[stream]) + 1
            home.store.append([NewEvent(stream, version, event)], context=asking())
            if owner is home and not of_all:
                ours.append((stream, golden["name"]))

    text = exported(cli, "events", home)
    events = lines_of(text)

    names = {name for _, name in ours}
    assert names == {*e.STORED_NAMES} - {
        *("handle_banned", "handle_unbanned", "root_signed"),
        "signing_key_rotated",
        *(name for name in e.STORED_NAMES if name.startswith(OF_PEOPLE)),
    }
    assert [(f["stream"], f["name"]) for f in events[-len(ours) :]] == [
        (str(stream), name) for stream, name in ours
    ]
    assert str(other.organization_id) not in text
    assert str(home.organization_id) not in exported(cli, "events", other)
    # A logo's digest is public: it is made from the logo alone.
    assert "digest" not in "".join(
        line for line in text.splitlines() if '"project_logo_changed"' not in line
    )
    assert DIGEST not in text


def test_notes_that_name_an_organization_are_not_its_events(
    cli: CommandLine, home: Home
):
    other = make_home(home.store)
    spying = e.CreatorDetailsChanged(
        organization_id=other.organization_id,
        metadata={"organization_id": str(home.organization_id)},
    )
    head = home.store.append([NewEvent(new_id(), 1, spying)], context=asking())

    events = lines_of(exported(cli, "events", home))

    assert head[0].position not in {event["position"] for event in events}


def clear_of(home: Home, recorded: RecordedEvent) -> dict[str, object]:
    return msgspec.json.decode(home.store.codec.encode(recorded.event))


def test_events_are_what_the_view_shows_opened_and_without_digests(
    cli: CommandLine, home: Home, tmp_path: Path
):
    home.add("ada")
    parquet = tmp_path / "events.parquet"
    with home.store.pool.connection() as connection:
        sealed = connection.execute(
            "SELECT position, stream::text, version, name, actor, recorded_at, "
            "correlation_id::text, causation_id::text, payload - 'digest' AS payload "
            "FROM event_log ORDER BY position"
        ).fetchall()
    shown = [
        (
            *row[:8],
            {**row[8], **clear_of(home, recorded)} if "sealed" in row[8] else row[8],
        )
        for row, recorded in zip(sealed, log_of(home.store), strict=True)
    ]
    for row in shown:
        row[8].pop("sealed", None)
        row[8].pop("digest", None)

    events = lines_of(exported(cli, "events", home))
    exported(cli, "events", home, "--format", "parquet", "--output", str(parquet))
    rows = table_of(parquet).to_pylist()

    assert len(events) > 5
    assert [tuple(event.values()) for event in rows] == [
        (*row[:8], decoded["payload"]) for row, decoded in zip(shown, rows, strict=True)
    ]
    assert [event["payload"] for event in events] == [row[8] for row in shown]
    assert [msgspec.json.decode(row["payload"]) for row in rows] == [
        row[8] for row in shown
    ]


def test_a_project_has_its_own_events_and_no_others(cli: CommandLine, home: Home):
    spring = new_id()
    created = e.ProjectCreated(project_id=spring, name="Spring")
    org = home.organization_id
    version = len(home.store.load(org)[org]) + 1
    home.store.append([NewEvent(org, version, created)], context=asking())
    of_spring = Home(home.store, org, spring)
    ada = of_spring.creator("ada")
    of_spring.rename(ada, "lovelace")
    run(of_spring, failed(of_spring, "private"), handle="lovelace")
    home.creator("berta")
    run(home, failed(home, "private"), handle="berta")

    only = ("--project", str(spring))
    names = [event["name"] for event in lines_of(exported(cli, "events", home, *only))]
    seen = lines_of(exported(cli, "observations", home, *only))

    assert names.count("project_created") == names.count("creator_added") == 1
    assert names.count("handle_changed") == 1
    assert names.count("scrape_failed") == 1
    assert "organization_created" not in names
    assert [each["handle"] for each in seen] == ["lovelace"]


@pytest.mark.parametrize("history", ("whole", "stay"))
def test_what_a_project_has_after_a_move_is_imported_and_back_in_it_stores_nothing(
    cli: CommandLine, home: Home, tmp_path: Path, history: MovedHistory
):
    org, spring = home.organization_id, new_id()
    created = e.ProjectCreated(project_id=spring, name="Spring")
    version = len(home.store.load(org)[org]) + 1
    home.store.append([NewEvent(org, version, created)], context=asking())
    of_spring = Home(home.store, org, spring)
    brought_in(cli, home, RECORDING)
    moved = home.holder("old-billy")
    assert moved is not None
    run(home, *profile_and_videos(home, moved), creator_id=moved)
    move_creator(
        *(home.store, moved, c.MoveCreator(project_id=spring, history=history)),
        video_ids=(),
        same_account=(),
        organization_id=org,
        context=asking(),
    )
    run(home, *profile_and_videos(home, moved, day=1), creator_id=moved)
    recording = tmp_path / "spring.jsonl"
    only = ("--project", str(spring))
    exported(cli, "observations", home, *only, "--output", str(recording))
    lines = sorted(recording.read_text().splitlines())
    other = make_home(home.store)

    again = brought_in(cli, of_spring, recording)
    stored = brought_in(cli, other, recording)
    back = exported(cli, "observations", other)

    assert {line["handle"] for line in lines_of("\n".join(lines))} == {"old-billy"}
    assert (again["stored"], again["there_already"]) == (0, len(lines))
    assert stored["stored"] == len(lines)
    assert sorted(back.splitlines()) == lines


def test_the_numbers_are_those_of_the_api(
    goatherd: Goatherd, cli: CommandLine, tmp_path: Path
):
    tenant = goatherd.tenant()
    populations = [Population(tenant), Population(tenant)]
    for number, population in enumerate(populations):
        population.video(f"700{number}", posted_at=NOON)
        population.looked(0, **{f"v700{number}": 100})
        population.looked(1, **{f"v700{number}": 130 + number})
    goatherd.catch_up()
    cli.set(database_url=goatherd.url)
    ids = sorted(population.creator_id for population in populations)
    requested = ("--entity", "creator", "--metric", "views", "--tz", "UTC")
    words = (
        *("export", "analytics", "--org", str(tenant.organization_id), *requested),
        *("--from", RANGE["from"], "--to", RANGE["to"]),
    )
    parquet = tmp_path / "views.parquet"

    answered = populations[0].ask(format="csv", entity_ids=",".join(ids)).text
    text = cli(*words, "--format", "csv").out
    found = lines_of(cli(*words).out)
    done = cli(*words, "--format", "parquet", "--output", str(parquet), "--json")

    assert text.splitlines() == answered.splitlines()
    assert len(found) == 10
    assert done.document["rows"] == 10
    assert done.document["position"] == goatherd.head
    rows = table_of(parquet).to_pylist()
    assert [row["value"] for row in rows] == [row["value"] for row in found]
    assert [row["date"].isoformat() for row in rows] == [row["date"] for row in found]


def test_several_metrics_are_exported_with_their_names(
    goatherd: Goatherd, cli: CommandLine, tmp_path: Path
):
    population = Population(goatherd.tenant())
    population.video("7001", posted_at=NOON)
    population.looked(0, v7001=100)
    population.looked(1, v7001=130)
    goatherd.catch_up()
    cli.set(database_url=goatherd.url)
    words = (
        *("export", "analytics", "--org", str(population.tenant.organization_id)),
        *("--tz", "UTC", "--from", RANGE["from"], "--to", RANGE["to"], "--metric"),
    )
    parquet = tmp_path / "both.parquet"

    text = cli(*words, "likes,views", "--format", "csv").out
    found = lines_of(cli(*words, "likes,views").out)
    cli(*words, "likes,views", "--format", "parquet", "--output", str(parquet))

    answered = population.ask(metric="likes,views", format="csv").text
    assert text.splitlines() == answered.splitlines()
    assert [row["metric"] for row in found] == ["likes"] * 5 + ["views"] * 5
    assert table_of(parquet)["metric"].to_pylist() == ["likes"] * 5 + ["views"] * 5
    for metrics, reason in (
        ("views,happiness", "--metric: must be one of views, likes"),
        ("views,views", "--metric: must not name views twice"),
        ("views,posts_per_week", "--metric: rates and counted metrics need a file"),
    ):
        refused = cli(*words, metrics)
        assert (refused.status, refused.out) == (2, "")
        assert refused.complaint.startswith(reason)


def test_who_does_not_say_which_numbers_gets_the_views_of_creators(
    goatherd: Goatherd, cli: CommandLine
):
    tenant = goatherd.tenant()
    population = Population(tenant)
    population.video("7001", posted_at=NOON)
    population.looked(0, v7001=100)
    goatherd.catch_up()
    cli.set(database_url=goatherd.url)
    words = ("export", "analytics", "--org", str(tenant.organization_id))
    days = ("--from", "2026-03-03", "--to", "2026-03-03")

    found = lines_of(cli(*words, *days).out)

    requested = ("--entity", "creator", "--metric", "views")
    assert found == lines_of(cli(*words, *requested, *days).out)
    assert [row["entity_id"] for row in found] == [population.creator_id]


def test_numbers_that_changed_since_a_position(
    goatherd: Goatherd, cli: CommandLine, tmp_path: Path
):
    tenant = goatherd.tenant()
    population, other = Population(tenant), Population(tenant)
    population.video("7001", posted_at=NOON)
    other.video("7002", posted_at=NOON)
    population.looked(0, v7001=100)
    other.looked(0, v7002=7)
    goatherd.catch_up()
    cli.set(database_url=goatherd.url)
    words = ("export", "analytics", "--org", str(tenant.organization_id))
    days = ("--from", RANGE["from"], "--to", RANGE["to"], "--tz", "UTC")
    path = tmp_path / "all.jsonl"

    first = cli(*words, *days, "--output", str(path), "--json").document
    position = ("--after", str(first["position"]))
    unchanged = lines_of(cli(*words, *days, *position).out)
    population.looked(1, v7001=130)
    goatherd.catch_up()
    changed = lines_of(cli(*words, *days, *position).out)
    now = lines_of(cli(*words, *days).out)
    folder = tmp_path / "days"
    cli(*words, *days, "--split", "day", "--output", str(folder))

    before = lines_of(path.read_text())
    assert (first["rows"], unchanged) == (len(before), [])
    assert changed == [row for row in now if row not in before] != []
    assert {row["entity_id"] for row in changed} == {population.creator_id}
    assert "30" in {str(row["value"]) for row in changed}
    files = sorted(folder.iterdir())
    assert [file.stem for file in files] == sorted({row["date"] for row in now})
    assert sum(len(lines_of(file.read_text())) for file in files) == len(now)


def test_the_nightly_copy_of_the_documents_copies_each_row_once(
    cli: CommandLine, home: Home, database_url: str, tmp_path: Path
):
    text = (ROOT / "docs" / "operating.md").read_text()
    (recipe,) = re.findall(r'(?ms)^```python\n("""copy_to.+?)^```$', text)
    script = tmp_path / "copy_to_duckdb.py"
    script.write_text(recipe.replace("Goat & Co", str(home.organization_id)))
    (lines,) = re.findall(r"(?ms)^```crontab\n(.+?)^```$", text)
    *given, line = lines.replace("/srv/copy", str(tmp_path)).splitlines()
    names = dict(each.split("=", 1) for each in given)
    assert names.keys() == {"PATH", "GOATHERD_DATA_DIR"}
    # Cron has no other variables. These settings stand for the data directory.
    environment = {
        **variables({"database_url": database_url}),
        "PATH": names["PATH"].replace(
            "/opt/goatherd/bin", str(Path(sys.executable).parent)
        ),
    }
    command = line.split(" ", 5)[5]

    def copy() -> dict[str, int]:
        subprocess.run(["/bin/sh", "-c", command], env=environment, check=True)
        with duckdb.connect(tmp_path / "copy.duckdb") as database:
            return {
                what: database.sql(f"SELECT count(*) FROM {what}").fetchall()[0][0]  # noqa: S608
                for what in ("observations", "events")
            }

    run(home, videos_observed(home, 2), failed(home, "private"))
    first = copy()
    run(home, videos_observed(home, 3, day=1))
    second = copy()
    third = copy()

    events = len(lines_of(exported(cli, "events", home)))
    assert first["observations"] == 3
    assert second == third == {"observations": 6, "events": events}
    with duckdb.connect(tmp_path / "copy.duckdb") as database:
        sums = database.sql(
            "SELECT observed_at, count(*), sum(save_count) FROM observations "
            "WHERE observation = 'video' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert [row[1:] for row in sums] == [(2, 6), (3, 9)]


def test_numbers_of_a_project_and_of_videos(goatherd: Goatherd, cli: CommandLine):
    tenant = goatherd.tenant()
    population = Population(tenant)
    ids = sorted(population.video(name, posted_at=NOON) for name in ("7001", "7002"))
    population.looked(0, v7001=100, v7002=5)
    goatherd.catch_up()
    cli.set(database_url=goatherd.url)
    words = ("export", "analytics", "--org", str(tenant.organization_id))
    days = ("--from", "2026-03-03", "--to", "2026-03-03", "--tz", "UTC")
    requested = ("--metric", "views", "--mode", "cumulative", *days)

    videos = lines_of(cli(*words, *requested, "--entity", "video").out)
    project = ("--project", str(tenant.project_id))
    (whole,) = lines_of(cli(*words, *requested, "--entity", "project", *project).out)

    assert [row["entity_id"] for row in videos] == ids
    assert sum(row["value"] for row in videos) == whole["value"] == 105


def test_numbers_of_those_with_all_of_some_tags(goatherd: Goatherd, cli: CommandLine):
    tenant = goatherd.tenant()
    population = Population(tenant)
    first, second = (population.video(name, posted_at=NOON) for name in ("71", "72"))
    population.looked(0, v71=100, v72=5)
    tenant.patch(f"/videos/{first}", {"tags": ["Launch", "paid"]})
    tenant.patch(f"/videos/{second}", {"tags": ["launch"]})
    tenant.patch(f"/creators/{population.creator_id}", {"tags": ["Gold"]})
    goatherd.catch_up()
    cli.set(database_url=goatherd.url)

    def ids(*more: str) -> set[str]:
        days = ("--from", "2026-03-03", "--to", "2026-03-03")
        words = ("export", "analytics", "--org", str(tenant.organization_id))
        return {row["entity_id"] for row in lines_of(cli(*words, *days, *more).out)}

    assert ids("--entity", "video", "--tag", "LAUNCH") == {first, second}
    assert ids("--entity", "video", "--tag", "paid,launch") == {first}
    assert ids("--tag", "gold") == {population.creator_id}
    assert ids("--tag", "launch") == set()
    words = ("export", "analytics", "--org", str(tenant.organization_id))
    refused = cli(*words, "--entity", "project", "--tag", "gold")
    assert (refused.status, refused.out) == (2, "")
    assert "--tag: must be left out" in refused.err


COMPLAINTS = {
    "no tag": (("--tag", "a,,b"), "--tag: has a tag of only blanks"),
    "an unknown zone": (("--tz", "Goat/Land"), "--tz: must be an IANA time zone"),
    "no range": (("--from", "2026-02-02", "--to", "2026-02-01"), "--from: must not be"),
    "no rate": (("--mode", "rate"), "--mode: views is counted"),
    "no growth": (("--base-metric", "likes"), "--base-metric: is only for"),
}


@pytest.mark.parametrize(("options", "reason"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_question_without_sense_is_refused_by_its_option(
    cli: CommandLine, home: Home, options: tuple[str, ...], reason: str
):
    outcome = cli(
        *("export", "analytics", "--org", str(home.organization_id)),
        *("--entity", "creator", "--metric", "views", *options),
    )

    assert outcome.status == 2
    assert outcome.complaint.startswith(reason)
    assert outcome.out == ""


@pytest.mark.parametrize("what", ("observations", "events"))
def test_nothing_is_written_of_what_is_not_there(
    cli: CommandLine, home: Home, tmp_path: Path, what: str
):
    out = ("--output", str(tmp_path / "out"))
    other = make_home(home.store)
    ours = ("export", what, "--org", str(home.organization_id))

    nobody = cli("export", what, "--org", NOBODY, *out)
    foreign = cli(*ours, *out, "--project", str(other.project_id))

    assert nobody.status == 1
    assert "no organization" in nobody.complaint
    assert foreign.status == 1
    assert "no project" in foreign.complaint
    assert list(tmp_path.iterdir()) == []


def test_the_answer_names_the_position(cli: CommandLine, home: Home, tmp_path: Path):
    run(home, failed(home, "private"))
    path = tmp_path / "out.csv"
    words = ("export", "observations", "--org", str(home.organization_id))
    head = home.store.head()

    printed = cli(*words, "--format", "csv", "--output", str(path), "--json").document
    aside = cli(*words)

    assert printed == {"observations": 1, "position": head, "output": str(path)}
    assert aside.err == f"Exported 1 observations, up to position {head} of the log.\n"
    assert len(lines_of(aside.out)) == 1
    assert cli(*words, "--json").complaint.startswith("--json needs --output")


def test_a_name_with_gz_is_packed(cli: CommandLine, home: Home, tmp_path: Path):
    run(home, failed(home, "private"))
    path = tmp_path / "out.jsonl.gz"

    exported(cli, "observations", home, "--output", str(path))

    assert gzip.decompress(path.read_bytes()).decode() == exported(
        cli, "observations", home
    )


def test_a_device_or_folder_is_never_replaced(
    cli: CommandLine, home: Home, tmp_path: Path
):
    words = ("export", "events", "--org", str(home.organization_id), "--output")

    outcome = cli(*words, str(tmp_path))
    lost = cli(*words, str(tmp_path / "nowhere" / "out"))

    assert (outcome.status, lost.status) == (1, 1)
    assert "is not a file" in outcome.complaint
    assert lost.complaint.startswith("There is no folder ")


@pytest.mark.parametrize("format_", ("jsonl", "csv", "parquet"))
def test_an_export_that_fails_leaves_what_was_there(
    cli: CommandLine, home: Home, tmp_path: Path, format_: str
):
    run(home, videos_observed(home, 2))
    stream = new_id()
    requested = (
        f'{{"organization_id":"{home.organization_id}","project_id":'
        f'"{home.project_id}","creator_id":null,"handle":"a",'
        '"job_type":"video_stats","trigger":"manual"}'
    )
    with home.store.pool.connection() as connection:
        connection.execute(
            "SELECT goatherd_append(ARRAY[%s::uuid, %s::uuid], ARRAY[1, 2]::bigint[], "
            "ARRAY['scrape_requested', 'scrape_failed'], ARRAY["
            "convert_to(%s, 'UTF8'), '{}'::bytea], ARRAY[0, 1]::bigint[], "
            "'test', null, null, '{}', '{}', '{}', '{}', '{}')",
            (stream, stream, requested),
        )
    path = tmp_path / "out"
    path.write_text("as it was")

    outcome = cli(
        *("export", "observations", "--org", str(home.organization_id)),
        *("--format", format_, "--output", str(path)),
    )

    assert outcome.status == 1
    assert outcome.complaint.startswith("Cannot read a stored 'scrape_failed'")
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("sent", (signal.SIGINT, signal.SIGTERM))
def test_whoever_interrupts_it_finds_no_file(
    home: Home, database_url: str, tmp_path: Path, sent: signal.Signals
):
    run(home, videos_observed(home, 2))
    path = tmp_path / "exports" / "seen.jsonl"
    path.parent.mkdir()
    slow = (
        "import signal, time, workers.sources.recordings.export_recording as x\n"
        # Jobs in the background of a shell begin with it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def slowly(log, span):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "    yield 0, []\n"
        "x.observations = slowly\n"
    )
    words = ("export", "observations", "--org", str(home.organization_id))
    settings = {"database_url": database_url}

    with running(
        *words, "--output", str(path), settings=settings, folder=tmp_path, before=slow
    ) as command:
        assert command.says("begun")
        assert len(list(path.parent.iterdir())) == 1
        status = command.send(sent)

        assert status == 1
        assert command.err == f"goatherd: Interrupted: {path} was not written.\n"
    assert list(path.parent.iterdir()) == []


def test_memory_does_not_grow_with_what_is_exported(
    cli: CommandLine, home: Home, tmp_path: Path
):
    few, many = home, make_home(home.store)
    formats = [
        ("--format", each, "--output", str(tmp_path / each))
        for each in ("jsonl", "csv", "parquet")
    ]
    for words in formats:
        exported(cli, "observations", few, *words)

    for owner, hundreds in ((few, 4), (many, 16)):
        for _ in range(hundreds):
            entries = [
                entry
                for day in range(100)
                for entry in run_of(owner, videos_observed(owner, 20, day=day))
            ]
            owner.store.append(entries, context=asking())

    for words in formats:
        of_few = min(peak_of_an_export(cli, few, *words) for _ in range(2))
        # Garbage that is there by chance is collected before the second export.
        assert any(
            peak_of_an_export(cli, many, *words) < 1.5 * of_few for _ in range(2)
        ), words


def peak_of_an_export(cli: CommandLine, owner: Home, *words: str) -> int:
    """The most bytes in use; garbage that is not collected yet adds to it by chance."""
    gc.collect()
    tracemalloc.start()
    exported(cli, "observations", owner, *words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
