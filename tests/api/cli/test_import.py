"""``goatherd import``: stored observations, skipped ones, and refusals."""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.creator import erased_bans
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import erased_bans_stream, video_stream
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from projections.creators.projection import CreatorList
from projections.engine.follower import Follower
from projections.engine.projection import Projection
from projections.engine.reader import ProjectionBehindError
from projections.organizations.projection import ApiKeys
from projections.scrape_runs.projection import ScrapeRuns
from projections.videos.projection import Videos
from tests.kit.builders import Home, asking, make_home, opened_store
from tests.kit.command_line import CommandLine, Outcome
from tests.kit.commands import ban_handle
from tests.kit.paths import RECORDING
from tests.workers.scraping.test_identity import follow
from workers.policies.auto_disable import VerdictStreaks
from workers.scraping.jobs import ScrapeJobs

LINES = RECORDING.read_text().splitlines()
NOBODY = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def home(cli: CommandLine, database_url: str) -> Iterator[Home]:
    """An organization with one project, whose table ``organizations`` is level."""
    del cli
    with opened_store(database_url) as store:
        yield level(make_home(store))


def level(home: Home) -> Home:
    """The same, where the command looks up whose project it is."""
    catch_up(home.store, ApiKeys())
    return home


class Importing:
    """Imports files of lines into a project, and looks at the result."""

    def __init__(self, cli: CommandLine, home: Home, folder: Path) -> None:
        self.cli = cli
        self.home = home
        self.store = home.store
        self._path = folder / "recording.jsonl"

    def __call__(self, *lines: str, options: tuple[str, ...] = ()) -> Outcome:
        self._path.write_text("\n".join(lines))
        return self.file(self._path, *options)

    def file(self, path: Path, *options: str) -> Outcome:
        return self.cli(
            *("import", str(path), "--project", str(self.home.project_id)), *options
        )

    def counts(self, *lines: str) -> tuple[int, int, int]:
        """Import, and return the numbers of stored, known and repeated lines."""
        done = self(*lines, options=("--json",)).document
        return done["stored"], done["there_already"], done["repeated"]

    def events(self) -> list[e.Event]:
        """Every event of a run that the log has, in its order."""
        return [
            recorded.event for recorded in everything(self.store) if of_a_run(recorded)
        ]

    def videos(self) -> Counter[tuple[Any, ...]]:
        """Every observation of a video that the log has: when, which, and its views."""
        return Counter(
            (event.observed_at, *observed)
            for event in self.events()
            if isinstance(event, e.VideoStatsSnapshotRecorded)
            for observed in zip(event.video_ids, event.view_counts, strict=True)
        )


@pytest.fixture
def importing(cli: CommandLine, home: Home, tmp_path: Path) -> Importing:
    """An import into a project that has the herd's two creators."""
    home.add("kid.and.kettle", "old-billy")
    return Importing(cli, home, tmp_path)


CONTENT = (
    '"Time","Video title","Video link","Post time","Total likes","Total views"\n'
    '"2026-03-01","Bells","https://www.tiktok.com/@new.goat/video/7001","x","9","50"\n'
    '"2026-03-02","Bells","https://www.tiktok.com/@new.goat/video/7001","","9","60"\n'
)


def test_a_csv_file_is_imported_as_a_recording_is(importing: Importing, tmp_path: Path):
    path, cli = tmp_path / "Content.csv", importing.cli
    path.write_text(CONTENT)
    head = importing.store.head()
    zone = ("--tz", "Europe/Berlin")

    refused = importing.file(path, *zone, "--create-creators")
    unknown = importing.file(path, *zone, "--skip-bad-lines")
    shown = cli("import", "--csv", str(path), "--skip-bad-lines", "--dry-run")
    before = importing.store.head()
    stored = cli(
        *("import", str(path), "--skip-bad-lines", "--create-creators", *zone, "--json")
    ).document
    mapped = cli(
        *("import", "--csv", str(path), "--creator", "@Old-Billy", "--json"),
        *("--map", 'date=Time,video="Video link",views="Total views"'),
    ).document

    assert "line 2: Post time must be a day or a time" in refused.err
    assert "nothing was stored" in refused.err
    assert "the project has no @new.goat" in unknown.err
    # Only the ends of the two refused imports are new.
    assert before == head + 2
    assert '"observed_at":"2026-03-02T23:59:59Z","handle":"new.goat"' in shown.out
    assert (stored["stored"], stored["bad_lines"]) == (1, 1)
    assert stored["creators_created"] == ["new.goat"]
    assert mapped["stored"] == 2
    pseudonym = importing.store.names.pseudonym("7001")
    assert importing.videos() == {
        (datetime(2026, 3, 2, 22, 59, 59, tzinfo=UTC), pseudonym, 60): 1,
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), pseudonym, 50): 1,
        (datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC), pseudonym, 60): 1,
    }


def test_options_of_csv_files_are_for_csv_files(importing: Importing, tmp_path: Path):
    path = tmp_path / "Content.csv"
    path.write_text(CONTENT)

    for words, reason, status in (
        ((str(RECORDING), "--creator", "ada"), "--map, --creator, --observed-at", 2),
        ((str(path), "--tz", "Goat/Land"), "--tz: 'Goat/Land' is no time zone", 2),
        ((str(path), "--creator", "a b"), "--creator: 'a b' is not a TikTok handle", 2),
        ((str(path), "--map", "x=Time"), "--map: there is no field x.", 2),
        ((str(tmp_path / "no.csv"),), f"{tmp_path / 'no.csv'}: No such file", 1),
    ):
        outcome = importing.cli("import", *words)
        assert (outcome.status, outcome.out) == (status, "")
        assert outcome.complaint.startswith(reason)


def everything(store: Store) -> list[RecordedEvent]:
    with store.pool.connection() as connection:
        streams = connection.execute(
            "SELECT originator_id FROM goatherd_events GROUP BY 1 ORDER BY max("
            "notification_id)"
        ).fetchall()
    histories = store.load(*(stream for (stream,) in streams))
    return sorted(
        (p for recorded in histories.values() for p in recorded), key=position_of
    )


def position_of(recorded: RecordedEvent) -> int:
    return recorded.position


def last_stored(store: Store) -> int:
    """Return the position of the newest event that is not the end of an import."""
    return max(
        recorded.position
        for recorded in everything(store)
        if not isinstance(recorded.event, e.ImportFinished)
    )


def ends_of_imports(store: Store) -> list[e.ImportFinished]:
    events = [recorded.event for recorded in everything(store)]
    return [event for event in events if isinstance(event, e.ImportFinished)]


def of_a_run(recorded: RecordedEvent) -> bool:
    """True for events of imported runs, and false for events of additions."""
    event: Any = recorded.event
    if isinstance(event, e.ScrapeRequested):
        return event.trigger == "imported"
    return getattr(event, "provider", None) == "import"


def rows_of(store: Store, query: bytes) -> list[Any]:
    with store.pool.connection() as connection:
        return connection.execute(query).fetchall()


def catch_up(store: Store, *projections: Projection) -> None:
    for projection in projections:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def video(
    views: int | str,
    *,
    name: str = "7001",
    at: str = "2026-02-01T00:00:00Z",
    **more: str,
) -> str:
    reported = "".join(f',"{key}":"{value}"' for key, value in more.items())
    return (
        f'{{"observed_at":"{at}","handle":"old-billy",'
        f'"video":{{"tiktok_video_id":"{name}","view_count":{views}{reported}}}}}'
    )


def test_a_recording_is_stored_as_the_runs_that_saw_it(importing: Importing):
    outcome = importing.file(RECORDING, "--json")

    assert outcome.err == ""
    assert outcome.document == {
        "observations": 10,
        "stored": 9,
        "there_already": 0,
        "repeated": 1,
        "bad_lines": 0,
        "erased_accounts": 0,
        "erased_lines": 0,
        "runs": 5,
        "creators_created": [],
        "position": last_stored(importing.store),
    }
    assert Counter(type(event).__name__ for event in importing.events()) == {
        "ScrapeRequested": 5,
        "ProfileSnapshotRecorded": 2,
        "VideoStatsSnapshotRecorded": 3,
        "ScrapeSucceeded": 4,
        "ScrapeFailed": 1,
    }


def test_what_a_counter_was_stays_as_it_is(importing: Importing):
    importing.file(RECORDING)

    first = next(
        event
        for event in importing.events()
        if isinstance(event, e.VideoStatsSnapshotRecorded)
    )
    assert first.creator_id == importing.home.holder("kid.and.kettle")
    assert first.project_id == importing.home.project_id
    assert first.observed_at == datetime(2026, 1, 5, 6, tzinfo=UTC)
    ids = ("7460000000000000001", "7460000000000000002")
    assert first.tiktok_video_ids == ids
    assert first.video_ids == tuple(map(importing.store.names.pseudonym, ids))
    assert first.view_counts == (540, -(2**63))
    assert first.like_counts == (0, None)
    assert first.save_counts == (2**63 - 1, None)
    assert first.titles == ("first snow 🐐", None)
    assert first.kinds == ("video", "photo")
    assert first.posted_at == (datetime(2025, 12, 30, 9, tzinfo=UTC), None)


def test_a_recording_that_is_imported_again_stores_nothing(importing: Importing):
    importing.file(RECORDING)
    head = last_stored(importing.store)

    again = importing.file(RECORDING, "--json").document

    assert (again["stored"], again["there_already"], again["runs"]) == (0, 9, 0)
    assert again["position"] is None
    assert last_stored(importing.store) == head


def test_the_order_of_lines_that_agree_decides_nothing(
    importing: Importing, cli: CommandLine, tmp_path: Path
):
    lines = [*LINES, video(5), video(6, name="7002"), video(5, title="Hay")]
    other = level(make_home(importing.store))
    other.add("kid.and.kettle", "old-billy")

    importing(*lines)
    first = importing.events()
    Importing(cli, other, tmp_path)(*reversed(lines))

    second = importing.events()[len(first) :]
    assert [shape_of(event) for event in second] == [shape_of(event) for event in first]


def shape_of(event: Any) -> dict[str, Any]:  # noqa: ANN401
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return {k: v for k, v in fields.items() if not isinstance(v, UUID)}


def test_a_recording_that_has_grown_stores_what_is_new(importing: Importing):
    importing.counts(video(1), video(2, name="7002"))

    grown = importing.counts(
        video(1),
        video(2, name="7002"),
        video(3, name="7003"),
        video(4, at="2026-02-02T00:00:00Z"),
    )
    again = importing.counts(
        video(1),
        video(2, name="7002"),
        video(3, name="7003"),
        video(4, at="2026-02-02T00:00:00Z"),
    )

    assert grown == (2, 2, 0)
    assert again == (0, 4, 0)
    assert set(importing.videos().values()) == {1}
    assert len(importing.videos()) == 4


def test_lines_of_one_moment_may_come_from_files_that_overlap(importing: Importing):
    names = [str(7000 + number) for number in range(6)]
    lines = [video(number, name=name) for number, name in enumerate(names)]

    files = [lines[0:2], lines[1:4], lines[0:1], lines[3:6], lines]
    stored = [importing.counts(*file)[0] for file in files]

    assert stored == [2, 2, 0, 2, 0]
    assert set(importing.videos().values()) == {1}
    assert len(importing.videos()) == 6


@pytest.mark.parametrize("views", ((90, 100), (100, 90)))
def test_the_later_of_two_lines_that_contradict_each_other_counts(
    importing: Importing, views: tuple[int, int]
):
    # Alone in a group, and among those that make one run.
    others = [video(1, name=str(7100 + number)) for number in range(8)]

    importing(video(views[0]), *others, video(views[1]))

    catch_up(importing.store, Videos())
    name = importing.store.names.pseudonym("7001")
    stream = video_stream(importing.home.project_id, name)
    with importing.store.pool.connection() as connection:
        row = connection.execute(
            "SELECT view_count FROM video_figures WHERE id = %s", (stream,)
        ).fetchone()
    assert row == (views[1],)


def test_lines_that_contradict_each_other_are_both_kept(importing: Importing):
    together = importing.counts(video(5), video(6))
    again = importing.counts(video(6), video(7), video(5))

    assert (together, again) == ((2, 0, 0), (1, 2, 0))
    at = datetime(2026, 2, 1, tzinfo=UTC)
    name = importing.store.names.pseudonym("7001")
    assert importing.videos() == {(at, name, views): 1 for views in (5, 6, 7)}


def test_the_same_line_counts_once_however_it_is_written(importing: Importing):
    same = video(5).replace("00:00:00Z", "02:00:00+02:00").replace("old", "Old")

    assert importing.counts(video(5), same, video(5)) == (1, 0, 2)
    assert importing.counts(same) == (0, 1, 0)


def test_titles_are_stored_with_the_first_run_that_shows_the_video(
    importing: Importing,
):
    days = [f"2026-02-0{day}T00:00:00Z" for day in range(1, 5)]
    lines = [video(n, at=at, title="Hay") for n, at in enumerate(days)]

    importing(*lines[:2])
    importing(*lines)
    importing(*(line.replace("Hay", "Straw") for line in lines), video(9, title="Oats"))

    titles = [
        event.titles
        for event in importing.events()
        if isinstance(event, e.VideoStatsSnapshotRecorded)
    ]
    assert titles == [("Hay",), (), (), (), ("Oats",)]


def test_a_picture_is_stored_again_only_where_its_path_is_another(
    importing: Importing,
):
    def line(views: int, url: str) -> str:
        at = f"2026-02-0{views}T00:00:00Z"
        return video(views, at=at, thumbnail_url=f"https://p16.tiktokcdn.com/{url}")

    importing(*[line(n, f"one.jpeg?x={n}") for n in (1, 2)], line(3, "two.jpeg"))

    pictures = [
        event.thumbnail_urls
        for event in importing.events()
        if isinstance(event, e.VideoStatsSnapshotRecorded)
    ]
    assert pictures == [
        ("https://p16.tiktokcdn.com/one.jpeg?x=1",),
        (),
        ("https://p16.tiktokcdn.com/two.jpeg",),
    ]


def test_a_title_that_a_former_import_lacked_comes_with_the_next_new_observation(
    importing: Importing,
):
    importing(video(1))

    importing(video(1, title="Hay"), video(2, at="2026-02-02T00:00:00Z", title="Hay"))

    *_, last = (
        event
        for event in importing.events()
        if isinstance(event, e.VideoStatsSnapshotRecorded)
    )
    assert (last.view_counts, last.titles) == ((2,), ("Hay",))


def test_imported_runs_are_no_work_and_disable_nobody(importing: Importing):
    gone = [
        f'{{"observed_at":"2026-02-0{day}T00:00:00Z","handle":"old-billy",'
        '"outcome":"not_found"}'
        for day in range(1, 8)
    ]

    importing(*gone)
    catch_up(importing.store, ScrapeJobs(), VerdictStreaks())

    jobs = rows_of(
        importing.store,
        b"SELECT count(*) FROM scrape_job JOIN event_log ON stream = scrape_id "
        b"WHERE payload->>'trigger' = 'imported'",
    )
    assert sum(isinstance(f, e.ScrapeFailed) for f in importing.events()) == 7
    assert jobs == [(0,)]
    assert rows_of(importing.store, b"SELECT * FROM verdict_streak") == []


def test_imported_success_does_not_end_a_streak(importing: Importing):
    billy = importing.home.holder("old-billy")
    assert billy is not None
    failing = e.ScrapeFailed(
        organization_id=importing.home.organization_id,
        creator_id=billy,
        job_type="creator_profiles",
        provider="replay",
        attempts=1,
        error="Gone.",
        outcome="not_found",
    )
    append(importing.store, failing)

    importing(video(5))
    catch_up(importing.store, VerdictStreaks())

    rows = rows_of(importing.store, b"SELECT creator_id, streak FROM verdict_streak")
    assert rows == [(billy, 1)]


def append(store: Store, event: e.Event) -> None:
    from infra.eventstore.codec import NewEvent  # noqa: PLC0415
    from infra.ids import new_id  # noqa: PLC0415

    store.append([NewEvent(new_id(), 1, event)], context=asking())


def test_the_list_shows_imported_figures_and_no_scrape(importing: Importing):
    importing.file(RECORDING)

    catch_up(importing.store, CreatorList(), ScrapeRuns())

    assert rows_of(
        importing.store,
        b"SELECT follower_count, last_scraped_at FROM creator_list "
        b"WHERE tiktok_handle = 'kid.and.kettle'",
    ) == [(1_843, None)]
    assert rows_of(
        importing.store,
        b"SELECT status, outcome, observed_at, videos_observed, precision "
        b"FROM scrape_runs WHERE trigger = 'imported' ORDER BY observed_at LIMIT 2",
    ) == [
        ("succeeded", "ok", datetime(2026, 1, 5, 6, tzinfo=UTC), 2, "exact"),
        ("succeeded", "ok", datetime(2026, 1, 6, 6, tzinfo=UTC), 1, None),
    ]


def test_a_gzipped_recording_and_a_folder_are_read_too(
    importing: Importing, tmp_path: Path
):
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "a.jsonl").write_text(video(5))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(video(6).encode()))

    outcome = importing.file(folder, "--json")

    assert outcome.document["stored"] == 2


DAY_AFTER_TOMORROW = (datetime.now(UTC) + timedelta(days=2)).isoformat()
BAD_LINES = {
    "no JSON": ("{", "truncated"),
    "no object": ("[1]", "Expected `object`, got `array`"),
    "no time": ('{"handle":"a","outcome":"private"}', "`observed_at`"),
    "no handle": (
        '{"observed_at":"2026-02-01T00:00:00Z","outcome":"private"}',
        "`handle`",
    ),
    "a bad handle": (video(5).replace("old-billy", "old billy"), "old billy"),
    "a time without zone": (video(5, at="2026-02-01T00:00:00"), "timezone"),
    "the future": (video(5, at=DAY_AFTER_TOMORROW), "is in the future"),
    "nothing seen": (
        '{"observed_at":"2026-02-01T00:00:00Z","handle":"a"}',
        "exactly one",
    ),
    "two things seen": (video(5)[:-1] + ',"outcome":"private"}', "exactly one"),
    "an unknown outcome": (
        '{"observed_at":"2026-02-01T00:00:00Z","handle":"a","outcome":"ok"}',
        "Invalid enum value 'ok'",
    ),
    "an unknown field": (video(5, colour="red"), "unknown field `colour`"),
    "a large counter": (video(2**63), "`int` <= 9223372036854775807"),
    "a counter as text": (video('"5"'), "Expected `int | null`"),
    "half a counter": (video("5.5"), "Expected `int | null`"),
    "a video without id": (video(5, name=""), "length >= 1"),
    "a NUL": (video(5, title="a\\u0000b"), "NUL"),
    "half a character": (video(5, title="\\ud800 goat"), "surrogate"),
}


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_one_bad_line_is_named_and_nothing_is_stored(
    importing: Importing, line: str, reason: str
):
    head = last_stored(importing.store)

    outcome = importing(video(1), "", line, video(2))

    named, complaint = outcome.err.splitlines()
    assert outcome.status == 1
    assert outcome.out == ""
    assert "recording.jsonl, line 3: " in named
    assert reason in named
    assert complaint == (
        "goatherd: 1 of the lines are invalid, so nothing was stored; "
        "--skip-bad-lines skips them."
    )
    assert last_stored(importing.store) == head


def test_bad_lines_can_be_left_out(importing: Importing):
    bad = [line for line, _ in BAD_LINES.values()]

    outcome = importing(
        video(1), *bad, video(2), options=("--skip-bad-lines", "--json")
    )

    assert outcome.document["stored"] == 2
    assert outcome.document["bad_lines"] == len(BAD_LINES)
    assert len(outcome.err.splitlines()) == len(BAD_LINES)


def test_of_many_bad_lines_the_first_are_named_and_the_others_counted(
    importing: Importing,
):
    outcome = importing(*(["{"] * 1_200))

    *named, more, complaint = outcome.err.splitlines()
    assert len(named) == 20
    assert "line 20: " in named[-1]
    assert more == "goatherd: and 1,180 invalid lines more."
    assert complaint.startswith("goatherd: 1,200 of the lines are invalid")


@pytest.mark.parametrize("options", ((), ("--skip-bad-lines",)), ids=["", "skipping"])
def test_a_recording_that_is_cut_off_is_refused(
    importing: Importing, tmp_path: Path, options: tuple[str, ...]
):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(RECORDING.read_bytes())[:-12])
    head = last_stored(importing.store)

    outcome = importing.file(path, *options)

    assert outcome.status == 1
    assert "cut.jsonl.gz: " in outcome.complaint
    assert last_stored(importing.store) == head


def test_a_recording_that_is_not_there_is_refused(importing: Importing):
    outcome = importing.file(Path("nowhere.jsonl"))

    assert outcome.status == 1
    assert outcome.complaint == "nowhere.jsonl: No such file or directory"


def test_a_project_that_nobody_has_is_refused(cli: CommandLine, home: Home):
    outcome = cli("import", str(RECORDING), "--project", NOBODY)

    assert outcome.status == 1
    assert "project" in outcome.complaint
    assert last_stored(home.store) > 0


def test_unknown_handles_are_listed_and_nothing_is_stored(
    cli: CommandLine, home: Home, tmp_path: Path
):
    removed = home.creator("old-billy")
    home.remove(removed)
    ban_handle(home.store, "kid.and.kettle", reason=None, context=asking())
    head = last_stored(home.store)

    outcome = Importing(cli, home, tmp_path).file(RECORDING)

    assert outcome.status == 1
    assert outcome.complaint == (
        "Nothing was stored: the project has no @kid.and.kettle, @old-billy. "
        "--create-creators adds them. It would restore @old-billy. "
        "It could not add @kid.and.kettle: banned."
    )
    assert last_stored(home.store) == head


def test_creators_can_be_made_without_a_bound_and_without_scrapes(
    cli: CommandLine, home: Home, tmp_path: Path
):
    outcome = Importing(cli, home, tmp_path).file(
        RECORDING, "--create-creators", "--json"
    )

    assert outcome.document["creators_created"] == ["kid.and.kettle", "old-billy"]
    assert outcome.document["stored"] == 9
    billy = home.holder("old-billy")
    assert billy is not None
    creator = home.look_at(billy)
    assert (creator.tracking_mode, creator.tracking_start_date) == ("auto", None)
    assert home.counted() == 2
    triggers = {
        recorded.event.trigger
        for recorded in everything(home.store)
        if isinstance(recorded.event, e.ScrapeRequested)
    }
    assert triggers == {"imported"}


def test_a_removed_creator_comes_back_with_its_history_and_without_scrapes(
    cli: CommandLine, home: Home, tmp_path: Path
):
    removed = home.creator("old-billy")
    home.remove(removed)
    head = last_stored(home.store)

    Importing(cli, home, tmp_path)(video(5), options=("--create-creators",))

    since = [p for p in everything(home.store) if p.position > head]
    assert home.holder("old-billy") == removed
    assert home.look_at(removed).status == "active"
    assert home.look_at(removed).tracking_start_date is None
    assert [
        p.event.trigger for p in since if isinstance(p.event, e.ScrapeRequested)
    ] == ["imported"]


def profile_of(handle: str, user_id: str, day: int, followers: int) -> str:
    return (
        f'{{"observed_at":"2026-02-0{day}T00:00:00Z","handle":"{handle}","profile":'
        f'{{"user_id":"{user_id}","follower_count":{followers}}}}}'
    )


def test_handles_of_one_account_are_one_creator(importing: Importing):
    lines = [
        profile_of("was.kid", "77", 2, 20),
        profile_of("is.kid", "77", 3, 30),
        profile_of("was.kid", "77", 1, 10),
        # Observed at the same time under both.
        profile_of("is.kid", "77", 2, 21),
        # A handle that another account has now stands for itself.
        profile_of("passed.on", "88", 1, 1),
        profile_of("passed.on", "99", 2, 2),
    ]

    importing(*lines, options=("--create-creators",))
    again = importing.counts(*lines)

    assert again == (0, 6, 0)
    seen: dict[Any, list[int | None]] = {}
    for event in importing.events():
        if isinstance(event, e.ProfileSnapshotRecorded):
            seen.setdefault(event.creator_id, []).append(event.follower_count)
    assert [*seen.values()] == [[10, 20, 21, 30], [1, 2]]
    added = [
        recorded.event.handle
        for recorded in everything(importing.store)
        if isinstance(recorded.event, e.CreatorAdded)
    ]
    assert {*added} >= {"is.kid", "passed.on"}
    assert "was.kid" not in added


def test_an_account_that_the_project_has_under_an_older_handle_is_found(
    importing: Importing,
):
    lines = [profile_of("old-billy", "77", 1, 10), profile_of("new.billy", "77", 2, 20)]

    stored = importing.counts(*lines)

    assert stored == (2, 0, 0)
    (creator_id,) = {
        event.creator_id
        for event in importing.events()
        if isinstance(event, e.ProfileSnapshotRecorded)
    }
    assert [creator_id] == [
        recorded.stream
        for recorded in everything(importing.store)
        if isinstance(recorded.event, e.CreatorAdded)
        and recorded.event.handle == "old-billy"
    ]


def test_an_account_that_the_project_has_is_stored_with_that_creator_and_says_so(
    importing: Importing,
):
    importing(profile_of("old-billy", "77", 1, 10))
    follow(importing.store)

    # The recording has only the new handle, so that the project must know.
    outcome = importing(
        profile_of("new.billy", "77", 2, 20), options=("--create-creators",)
    )

    assert "@new.billy is the account of @old-billy" in outcome.complaint
    assert importing.home.holder("new.billy") is None
    seen = {
        event.creator_id
        for event in importing.events()
        if isinstance(event, e.ProfileSnapshotRecorded)
    }
    assert seen == {importing.home.holder("old-billy")}


@pytest.mark.parametrize("words", ((), ("--create-creators",)))
def test_a_former_handle_makes_no_second_creator_of_who_was_renamed(
    cli: CommandLine, home: Home, tmp_path: Path, words: tuple[str, ...]
):
    home.rename(home.creator("old-billy"), "young-billy")
    head = last_stored(home.store)

    outcome = Importing(cli, home, tmp_path)(video(5), options=words)

    assert outcome.status == 1
    assert outcome.complaint.startswith("Nothing was stored")
    assert outcome.complaint.endswith(
        "@old-billy is a former handle of @young-billy: write the present handle into "
        "the recording, or add the former one first if it belongs to another account "
        "now."
    )
    assert last_stored(home.store) == head


def test_who_was_removed_is_named_when_an_import_brings_it_back(
    cli: CommandLine, home: Home, tmp_path: Path
):
    home.remove(home.creator("old-billy"))

    outcome = Importing(cli, home, tmp_path)(video(5), options=("--create-creators",))

    assert "Tracked again:     @old-billy, removed before" in outcome.out


def test_one_banned_handle_makes_no_creator_at_all(
    cli: CommandLine, home: Home, tmp_path: Path
):
    ban_handle(home.store, "old-billy", reason=None, context=asking())
    head = last_stored(home.store)

    outcome = Importing(cli, home, tmp_path).file(RECORDING, "--create-creators")

    assert outcome.status == 1
    assert "@old-billy may not be tracked here" in outcome.complaint
    assert last_stored(home.store) == head


@pytest.mark.parametrize("known", ({"handles": ["old-billy"]}, {"user_ids": ["6"]}))
def test_lines_of_an_erased_account_that_is_banned_are_counted_and_never_named(
    cli: CommandLine, home: Home, tmp_path: Path, known: dict[str, list[str]]
):
    names = {"handles": [], "user_ids": [], **known}
    banned = erased_bans.ban(home.organization_id, 7, names=home.store.names, **names)
    stream = erased_bans_stream(home.organization_id)
    home.store.append([NewEvent(stream, 1, banned)], context=asking())
    lines = (profile_of("old-billy", "6", 5, 1), video(5), video(6))
    importing = Importing(cli, home, tmp_path)

    outcome = importing(*lines, options=("--create-creators",))
    reported = importing(*lines, options=("--json",)).document

    assert outcome.status == 0
    assert "1 account was erased and banned: 3 lines skipped." in outcome.out
    assert (reported["erased_accounts"], reported["erased_lines"]) == (1, 3)
    assert (reported["stored"], reported["repeated"]) == (0, 0)
    assert "billy" not in outcome.out + outcome.err + str(reported)
    assert home.holder("old-billy") is None


def test_a_creator_whose_handle_was_banned_later_is_imported(importing: Importing):
    ban_handle(importing.store, "old-billy", reason=None, context=asking())

    assert importing.counts(video(5)) == (1, 0, 0)


def test_the_plan_s_limit_makes_no_creator_at_all(
    cli: CommandLine, database_url: str, tmp_path: Path
):
    cli.set(plans='{"one": {"max_creators_per_org": 1}}')
    assert "one" not in DEFAULT_PLANS
    with opened_store(database_url) as store:
        home = level(make_home(store, plan="one"))
        head = last_stored(store)

        outcome = Importing(cli, home, tmp_path).file(RECORDING, "--create-creators")

        assert outcome.status == 1
        assert (
            outcome.complaint == "The plan allows 1 creator, and there are 0 already."
        )
        assert last_stored(store) == head
        assert home.counted() == 0


def test_people_are_told_line_by_line(cli: CommandLine, home: Home, tmp_path: Path):
    outcome = Importing(cli, home, tmp_path)(
        *LINES, "{", options=("--create-creators", "--skip-bad-lines")
    )

    assert outcome.out.splitlines() == [
        "Creators added:    2 (@kid.and.kettle, @old-billy)",
        "Stored:            9 observations (5 runs)",
        "There already:     0",
        "Repeated:          1",
        "Bad, left out:     1",
    ]


def test_the_log_says_how_each_import_ended(
    importing: Importing, store: Store, monkeypatch: pytest.MonkeyPatch
):
    importing(LINES[0].replace("kid.and.kettle", "nobody"), LINES[1])
    importing(*LINES[:2])
    importing(*LINES[:2], "nonsense", options=("--skip-bad-lines",))

    def fails(*_: object, **__: object) -> None:
        raise ProjectionBehindError("videos")

    monkeypatch.setattr("api.cli.import_recording.store_recording", fails)
    importing(*LINES[:2])

    ends = ends_of_imports(store)
    assert [each.outcome for each in ends] == [
        *("refused", "stored", "stored", "interrupted")
    ]
    assert {each.project_id for each in ends} == {importing.home.project_id}
    refused, first, again, _ = ends
    assert (refused.observations, refused.stored) == (2, 0)
    assert (first.stored, first.runs) == (2, 1)
    assert (again.stored, again.there_already, again.bad_lines) == (0, 2, 1)
