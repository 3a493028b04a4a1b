"""An import that is killed halfway, and the one that goes on behind it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from api.system.all_projections import ALL_PROJECTIONS
from application.erase.records import NEEDED
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.organizations.projection import ApiKeys
from tests.kit.builders import Home, make_home, opened_store
from tests.kit.command_line import CommandLine, running
from tests.kit.erasing import erase
from tests.kit.patience import PATIENTLY
from tests.kit.threads import at_work

DAYS, VIDEOS = 400, 20
LINES = 100_000

# So that it takes long enough to be killed in the middle.
_IN_SMALL_BATCHES = (
    "import workers.sources.recordings.import_recording as i; i._GROUPS_AT_ONCE = 2"
)


@pytest.fixture
def home(database_url: str) -> Iterator[Home]:
    with opened_store(database_url) as store:
        home = make_home(store)
        home.add("old-billy")
        follower = Follower(ApiKeys(), pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
        yield home


def backends(store: Store) -> set[int]:
    """The processes of the server that work for somebody in this database."""
    with store.pool.connection() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend'"
        ).fetchall()
    return {pid for (pid,) in rows}


def recording(path: Path, *, days: int) -> Path:
    """The file, with observations of the videos on each of so many days."""
    path.write_text(
        "".join(
            f'{{"observed_at":"{2000 + day // 336}-{day // 28 % 12 + 1:02}-'
            f'{day % 28 + 1:02}T00:00:00Z",'
            f'"handle":"old-billy","video":{{"tiktok_video_id":"{name}",'
            f'"title":"Hay","view_count":{day}}}}}\n'
            for day in range(days)
            for name in range(VIDEOS)
        )
    )
    return path


def counts(store: Store) -> tuple[int, int, int]:
    """Imported runs, those that ended, and observations of videos."""
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE payload->>'trigger' = 'imported'), "
            "count(*) FILTER (WHERE name = 'scrape_succeeded'), "
            "coalesce(sum(jsonb_array_length(payload->'video_ids')), 0) "
            "FROM event_log"
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def test_an_import_that_was_killed_goes_on_and_doubles_nothing(
    home: Home,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    path = recording(tmp_path / "long.jsonl", days=DAYS)
    words = ("import", str(path), "--project", str(home.project_id), "--json")
    settings = {"database_url": database_url}
    ours = backends(home.store)

    with running(
        *words, settings=settings, folder=tmp_path, before=_IN_SMALL_BATCHES
    ) as process:
        assert wait_until(lambda: counts(home.store)[0] > 20, seconds=PATIENTLY)
        process.send(SIGKILL)
        # Its backend may still commit the last statement that it had sent.
        assert wait_until(lambda: backends(home.store) == ours, seconds=PATIENTLY)
    left = counts(home.store)
    cli = CommandLine(monkeypatch, capsys)
    cli.set(**settings)
    done = cli(*words).document

    runs, ended, observations = left
    assert 20 < runs < DAYS
    assert (ended, observations) == (runs, runs * VIDEOS)
    assert done["there_already"] == observations
    assert done["stored"] == DAYS * VIDEOS - observations
    assert counts(home.store) == (DAYS, DAYS, DAYS * VIDEOS)


def test_an_erasure_goes_before_the_next_batch_of_an_import(
    home: Home, database_url: str, tmp_path: Path
):
    path = recording(tmp_path / "very_long.jsonl", days=LINES // VIDEOS)
    whom = home.creator("young-billy")
    words = ("import", str(path), "--project", str(home.project_id))
    followers = [
        Follower(each, pool=home.store.pool, codec=home.store.codec)
        for each in ALL_PROJECTIONS
        if each.name in NEEDED
    ]
    for follower in followers:
        follower.register()

    def follow(stop: threading.Event) -> None:
        while not stop.is_set():
            for follower in followers:
                follower.catch_up()

    with (
        running(
            *words,
            settings={"database_url": database_url},
            folder=tmp_path,
            before=_IN_SMALL_BATCHES,
        ) as process,
        at_work(follow),
    ):
        assert wait_until(lambda: counts(home.store)[0] > 20, seconds=PATIENTLY)
        erase(
            home.store,
            whom,
            organization_id=home.organization_id,
            confirm="young-billy",
        )
        then = counts(home.store)[0]
        assert process.process.poll() is None
        assert wait_until(lambda: counts(home.store)[0] > then, seconds=PATIENTLY)

    assert then < LINES // VIDEOS
    assert "waits for an erasure" in process.err
