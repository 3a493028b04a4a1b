"""Runs the demo with many invented creators: ``make demo ARGS="--creators 5000"``.

Each has a past of two months, which is imported, and a future of two weeks, which is
replayed at the pace of the clock. Other options are those of ``goatherd up``. The data
directory is ``.goatherd-demo``, so that ``make up`` keeps its own.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from msgspec.structs import replace

from api.cli import main as goatherd
from api.cli.up.first_run import key_path
from domain.scrape.observations import ProfileObservation, VideoObservation
from infra.embedded import running_postgres_url
from infra.embedded.data_dir import open_data_dir
from infra.organizations import FIRST_PROJECT
from tests.demo.dice import Dice
from workers.sources.demo import DEMO_BEGINS, DEMO_RECORDING
from workers.sources.demo.shift_dates import shifted
from workers.sources.recordings.file_format import (
    Observation,
    encode_observations,
    read_recording,
)

HISTORY_DAYS, FUTURE_DAYS = 60, 14
# With so few for each, 5,000 creators are imported within a few minutes.
VIDEOS = 4
_DAYS_BETWEEN_OBSERVATIONS = 3
_READY_SECONDS = 180.0
_SEED = 20_261_129
# TikTok allows no hyphens, so these can never be real handles.
_HANDLE = "goat-{:05}"


def observations(
    number: int, *, midnight: datetime, days: range
) -> Iterator[Observation]:
    """Yield what is observed of one invented creator on days, counted from midnight."""
    dice = Dice(_SEED + number)
    handle = _HANDLE.format(number)
    followers = dice.around(8_000, spread=1.6)
    growth = dice.between(0.998, 1.012)
    posted = sorted(
        dice.between(-HISTORY_DAYS, -_DAYS_BETWEEN_OBSERVATIONS - 1)
        for _ in range(VIDEOS)
    )
    views = [dice.around(followers / 4, spread=0.9) for _ in posted]
    hour = dice.between(0, 23)
    for day in days:
        at = midnight + timedelta(days=day, hours=hour)
        count = int(followers * growth ** (day + HISTORY_DAYS))
        yield Observation(
            observed_at=at,
            handle=handle,
            profile=ProfileObservation(
                user_id=str(71 * 10**17 + number),
                display_name=f"Goat {number:,}",
                follower_count=count,
                following_count=number % 700,
                total_likes_count=count * 14,
                video_count=VIDEOS,
                precision="exact",
            ),
        )
        for index, day_posted in enumerate(posted):
            age = day + hour / 24 - day_posted
            if age > 0:
                yield _observed(
                    number,
                    index,
                    at=at,
                    posted_at=midnight + timedelta(days=day_posted),
                    views=int(views[index] * (1 - 0.8**age)),
                )


def _observed(
    number: int, index: int, *, at: datetime, posted_at: datetime, views: int
) -> Observation:
    # The upper half of TikTok's ids is the second of posting.
    video_id = (int(posted_at.timestamp()) << 32) + number * VIDEOS + index
    video = VideoObservation(
        tiktok_video_id=str(video_id),
        title=f"Day {index + 1} on the alp",
        kind="video",
        posted_at=posted_at.replace(microsecond=0),
        view_count=views,
        like_count=views // 12,
        comment_count=views // 150,
        share_count=views // 220,
        save_count=views // 300,
    )
    return Observation(observed_at=at, handle=_HANDLE.format(number), video=video)


def write_recordings(folder: Path, creators: int, *, today: datetime) -> None:
    """Write ``history.jsonl``, to be imported, and ``future``, to be replayed."""
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    history = range(-HISTORY_DAYS, 0, _DAYS_BETWEEN_OBSERVATIONS)
    (folder / "future").mkdir(parents=True)
    days = (midnight.date() - DEMO_BEGINS.date()).days
    demo = shifted(read_recording(DEMO_RECORDING), days=days)
    _write(
        folder / "future" / "demo.jsonl",
        (line for line in demo if isinstance(line, Observation)),
    )
    for name, span in (("future/goats", range(FUTURE_DAYS)), ("history", history)):
        _write(
            folder / f"{name}.jsonl",
            (
                _on_the_second(line)
                for number in range(1, creators + 1)
                for line in observations(number, midnight=midnight, days=span)
            ),
        )


def _on_the_second(line: Observation) -> Observation:
    return replace(line, observed_at=line.observed_at.replace(microsecond=0))


def _write(path: Path, lines: Iterator[Observation]) -> None:
    path.write_bytes(encode_observations(list(lines)))


def populate(data_dir: Path, history: Path) -> int:
    """Import the past once Goatherd runs; return the exit status."""
    started_by = os.getppid()
    deadline = time.monotonic() + _READY_SECONDS
    while not _has_project(data_dir):
        if time.monotonic() > deadline or os.getppid() != started_by:
            return 1
        time.sleep(0.2)
    words = (
        "--project",
        FIRST_PROJECT,
        "--create-creators",
        "--data-dir",
        str(data_dir),
    )
    return goatherd(("import", str(history), *words))


def _has_project(data_dir: Path) -> bool:
    """Tell whether Goatherd runs, and its projector has come to the first project."""
    url, key = running_postgres_url(data_dir), key_path(data_dir)
    if url is None or not key.exists() or not key.read_text().strip():
        return False
    with suppress(psycopg.Error), psycopg.connect(url) as connection:
        return bool(connection.execute("SELECT FROM projects LIMIT 1").fetchall())
    return False


def main(arguments: Sequence[str]) -> int:
    """Write the recordings, and become ``goatherd up``."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--creators", type=int, default=1_000)
    parser.add_argument("--data-dir", type=Path, default=Path(".goatherd-demo"))
    chosen, others = parser.parse_known_args(arguments)
    data_dir = open_data_dir(chosen.data_dir)
    folder = data_dir / f"recordings-{chosen.creators}"
    if not (folder / "history.jsonl").exists():
        print(f"Inventing {chosen.creators:,} creators", file=sys.stderr)
        write_recordings(folder, chosen.creators, today=datetime.now(UTC))
    subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.tools.many_creators"),
            *("--populate", str(data_dir), str(folder / "history.jsonl")),
        ]
    )
    environment = {
        **os.environ,
        "GOATHERD_RECORDINGS": str(folder / "future"),
        "GOATHERD_REPLAY_SPEED": "1",
    }
    command = (sys.executable, "-m", "api.cli", "up", "--demo")
    words = [*command, "--data-dir", str(data_dir), *others]
    os.execve(sys.executable, words, environment)  # noqa: S606


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--populate", given, recording]:
            sys.exit(populate(Path(given), Path(recording)))
        case given:
            sys.exit(main(given))
