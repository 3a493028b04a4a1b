"""Importing, beneath the command: batches, and two who import the same at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from domain import events as e
from infra.eventstore.store import Store
from tests.kit.builders import Home, asking, make_home
from workers.sources.recordings import import_recording
from workers.sources.recordings.holders import find_holders
from workers.sources.recordings.import_recording import Imported, store_recording
from workers.sources.recordings.sorted_recording import SortedRecording

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def quietly(amount: int) -> None:
    assert amount > 0


def import_file(home: Home, path: Path) -> Imported:
    with SortedRecording.read(path, now=NOW, advance=quietly) as recording:
        return store_recording(
            home.store,
            recording,
            find_holders(home.store, home.project_id, recording.handles).creators,
            organization_id=home.organization_id,
            project_id=home.project_id,
            context=asking(),
            advance=quietly,
        )


def a_month_of(handles: list[str], folder: Path, *, videos: int = 3) -> Path:
    """A recording that goes day by day, so that every creator's lines are apart."""
    path = folder / "month.jsonl"
    path.write_text(
        "".join(
            f'{{"observed_at":"2026-01-{day:02}T00:00:00Z","handle":"{handle}",'
            f'"video":{{"tiktok_video_id":"70{name}","title":"Hay {name}",'
            f'"view_count":{day * name}}}}}\n'
            for day in range(1, 29)
            for name in range(videos)
            for handle in handles
        )
    )
    return path


def imported_events(store: Store) -> list[e.Event]:
    with store.pool.connection() as connection:
        rows = connection.execute(
            "SELECT topic, state FROM goatherd_events WHERE originator_id IN ("
            "SELECT stream FROM event_log WHERE payload->>'trigger' = 'imported') "
            "ORDER BY notification_id"
        ).fetchall()
    return [store.codec.decode(name, body) for name, body in rows]


def observations(store: Store) -> Counter[tuple[Any, ...]]:
    return Counter(
        (event.creator_id, event.observed_at, *seen)
        for event in imported_events(store)
        if isinstance(event, e.VideoStatsSnapshotRecorded)
        for seen in zip(event.video_ids, event.view_counts, strict=True)
    )


def recorded_titles(store: Store) -> list[str]:
    return [
        title
        for event in imported_events(store)
        if isinstance(event, e.VideoStatsSnapshotRecorded)
        for title in event.titles
        if title is not None
    ]


@pytest.mark.parametrize("at_once", (1, 5, 10_000))
def test_batches_cut_anywhere_store_the_same(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    monkeypatch.setattr(import_recording, "_GROUPS_AT_ONCE", at_once)
    home.add("billie", "nanny")
    path = a_month_of(["nanny", "billie"], tmp_path)

    done = import_file(home, path)

    assert done == Imported(
        observations=168,
        stored=168,
        there_already=0,
        repeated=0,
        runs=56,
        left_out=0,
        position=home.store.head(),
    )
    assert set(observations(home.store).values()) == {1}
    assert len(observations(home.store)) == 168
    assert sorted(recorded_titles(home.store)) == sorted(
        ["Hay 0", "Hay 1", "Hay 2"] * 2
    )


def test_a_batch_holds_so_many_observations_and_at_least_one_moment(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(import_recording, "_OBSERVATIONS_AT_ONCE", 2)
    home.add("billie")

    import_file(home, a_month_of(["billie"], tmp_path))

    with home.store.pool.connection() as connection:
        appends = connection.execute(
            "SELECT count(DISTINCT causation_id), count(DISTINCT correlation_id) "
            "FROM event_log WHERE name = 'video_stats_snapshot_recorded'"
        ).fetchone()
    assert appends == (28, 1)


def test_two_who_import_the_same_at_once_store_it_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(import_recording, "_GROUPS_AT_ONCE", 4)
    home.add("billie", "nanny")
    path = a_month_of(["billie", "nanny"], tmp_path, videos=5)

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: import_file(home, path), range(3)))

    assert sum(each.stored for each in done) == 280
    assert all(each.stored + each.there_already == 280 for each in done)
    assert set(observations(home.store).values()) == {1}
    assert len(observations(home.store)) == 280


def test_what_others_store_meanwhile_is_what_the_next_batch_builds_on(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home.add("billie")
    path = a_month_of(["billie"], tmp_path, videos=1)
    untitled = tmp_path / "untitled.jsonl"
    first_day = path.read_text().splitlines()[0]
    untitled.write_text(first_day.replace('"title":"Hay 0",', ""))
    append, calls = Store.append, count()

    def when_others_were_faster(*given: Any, **more: Any) -> Any:  # noqa: ANN401
        if next(calls) == 0:
            import_file(home, untitled)
        return append(*given, **more)

    monkeypatch.setattr(Store, "append", when_others_were_faster)
    monkeypatch.setattr(import_recording, "_GROUPS_AT_ONCE", 1)

    done = import_file(home, path)

    assert (done.stored, done.there_already) == (27, 1)
    assert set(observations(home.store).values()) == {1}
    assert recorded_titles(home.store) == ["Hay 0"]


def test_two_projects_have_the_same_observations_each(home: Home, tmp_path: Path):
    home.add("billie")
    other = make_home(home.store)
    other.add("billie")
    path = a_month_of(["billie"], tmp_path)

    first, second = import_file(home, path), import_file(other, path)

    assert (first.stored, second.stored) == (84, 84)


@pytest.mark.parametrize(("ahead", "bad"), ((1, 0), (1.1, 1)))
def test_a_day_ahead_of_our_clock_is_somebody_s_clock_and_more_is_not(
    tmp_path: Path, ahead: float, bad: int
):
    path = tmp_path / "ahead.jsonl"
    at = (NOW + timedelta(days=ahead)).isoformat()
    path.write_text(f'{{"observed_at":"{at}","handle":"a","outcome":"private"}}')

    with SortedRecording.read(path, now=NOW, advance=quietly) as recording:
        assert (recording.bad.count, recording.observations) == (bad, 1 - bad)


def test_a_sorted_recording_has_each_moment_s_lines_wherever_they_were(tmp_path: Path):
    path = a_month_of(["nanny", "billie"], tmp_path)

    with SortedRecording.read(path, now=NOW, advance=quietly) as recording:
        groups = [
            (location.handle, location.observed_at, len(recording.lines(location)))
            for location in recording.groups()
        ]

    assert recording.handles == ["billie", "nanny"]
    assert groups == [
        (handle, datetime(2026, 1, day, tzinfo=UTC), 3)
        for handle in ("billie", "nanny")
        for day in range(1, 29)
    ]
