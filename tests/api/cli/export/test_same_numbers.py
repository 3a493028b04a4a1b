"""Elsewhere an exported project has the same answers to every question of analytics."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from domain.analytics.metrics import DERIVED_METRICS, RAW_METRICS
from tests.kit.application import Goatherd, Tenant, data_of, started
from tests.kit.command_line import CommandLine
from tests.kit.videos import settle

RANGE = {"from": "2026-01-01", "to": "2026-01-20", "granularity": "day"}
VIDEOS = [str(7_400_000_000_000_000_000 + number) for number in range(4)]
COUNTS = [None, 0, 1, 80, 4_321, 9_990, 12_345, 3_894_656, -3, 2**40]


@pytest.fixture
def goatherd(cli: CommandLine, database_url: str) -> Iterator[Goatherd]:
    del cli
    with started(database_url) as goatherd:
        yield goatherd


def line(random: Random, handle: str, day: int, hour: int) -> dict[str, Any]:
    """Something that a source may have reported, at times rounded or contradictory."""
    at = {"observed_at": f"2026-01-{day:02}T{hour:02}:00:00Z", "handle": handle}
    if random.random() < 0.4:
        counters = ("follower_count", "following_count", "total_likes_count")
        profile = {counter: random.choice(COUNTS) for counter in counters}
        return at | {
            "profile": profile | {"precision": random.choice(["exact", "rounded"])}
        }
    counters = ("view_count", "like_count", "comment_count", "share_count")
    number = random.randrange(len(VIDEOS))
    posted_at = f"2026-01-{[1, 4, 9, 12][number]:02}T05:00:00Z"
    return at | {
        "video": {
            "tiktok_video_id": VIDEOS[number],
            "title": random.choice(["Hay", None]),
            # The first time of posting in the log counts, if several contradict,
            # and a recording is in the order of time.
            "posted_at": random.choice([posted_at, None]),
            **{counter: random.choice(COUNTS) for counter in counters},
        }
    }


def imported(
    cli: CommandLine, tenant: Tenant, lines: list[dict[str, Any]], recording: Path
) -> None:
    recording.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    bring_in(cli, tenant, recording)


def bring_in(cli: CommandLine, tenant: Tenant, recording: Path) -> None:
    outcome = cli(
        *("import", str(recording), "--project", str(tenant.project_id)),
        "--create-creators",
    )
    assert outcome.status == 0, outcome.err
    settle(tenant.goatherd.store)
    tenant.goatherd.catch_up()


@pytest.mark.parametrize("seed", (1, 2))
def test_every_answer_of_analytics_is_the_same_elsewhere(
    cli: CommandLine, goatherd: Goatherd, tmp_path: Path, seed: int
):
    random = Random(seed)  # noqa: S311 - the same each time
    recording = tmp_path / "recording.jsonl"
    home, other = goatherd.tenant(), goatherd.tenant()
    days = [(random.randint(3, 9), random.choice([0, 6, 23])) for _ in range(30)]
    imported(cli, home, [line(random, "first-goat", *day) for day in days], recording)
    (creator,) = data_of(home.get("/creators"))
    data_of(home.patch(f"/creators/{creator['id']}", {"tiktok_handle": "second-goat"}))
    # Some of these contradict what was observed under the former handle.
    days = [random.choice([*days, (12, 6), (15, 0)]) for _ in range(30)]
    imported(cli, home, [line(random, "second-goat", *day) for day in days], recording)

    outcome = cli(
        *("export", "observations", "--org", str(home.organization_id)),
        *("--output", str(recording)),
    )
    assert outcome.status == 0, outcome.err
    bring_in(cli, other, recording)

    there = answers_of(other)
    differing = {
        question: (answer, there.get(question))
        for question, answer in answers_of(home).items()
        if there.get(question) != answer
    }
    assert differing == {}


def answers_of(tenant: Tenant) -> dict[tuple[object, ...], Any]:
    """Return the answers about a project, by the question and what it is about."""
    (creator,) = data_of(tenant.get("/creators"))
    subjects = {"project": str(tenant.project_id), "creator": creator["id"]}
    videos = data_of(tenant.get("/videos"))
    subjects |= {each["tiktok_video_id"]: each["id"] for each in videos}
    found: dict[tuple[object, ...], Any] = {}
    modes = [*product(RAW_METRICS, ("new", "cumulative"))]
    modes += [(metric, "rate") for metric in DERIVED_METRICS]
    for (name, id_), (metric, mode) in product(subjects.items(), modes):
        entity = name if name in {"project", "creator"} else "video"
        question = {"entity": entity, "entity_id": id_, "metric": metric, "mode": mode}
        if metric == "growth_rate_pop":
            question["base_metric"] = "views"
        answer = tenant.get("/analytics", params=question | RANGE)
        found[name, metric, mode] = (
            [each | {"entity_ref": None} for each in answer.json()["data"]["series"]]
            if answer.status_code == 200
            else answer.json()["meta"]["code"]
        )
    return found
