"""GET /creators/figures: the figures of a list's creators, in one answer."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from domain import events as e
from domain.messages import Precision
from domain.streams import video_stream
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of

DAYS = 30


class Watched:
    """A creator that was looked at now and then."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.id: str = tenant.add(f"goat.{uuid4().hex[:20]}")["id"]

    def had(
        self,
        followers: int | None,
        *,
        days_ago: float,
        precision: Precision | None = None,
    ) -> None:
        """Let a run have seen so many followers."""
        self.tenant.saw(
            self.id,
            observed_at=ago(days_ago),
            precision=precision,
            follower_count=followers,
        )

    def has_video(self, name: str, *, days_ago: float) -> None:
        """Let a run have discovered a video that was posted then."""
        self.tenant.found(self.id, name, posted_at=ago(days_ago))

    def seen(self, views: dict[str, int | None], *, days_ago: float) -> None:
        """Let a run have seen these videos."""
        self.tenant.saw_videos(self.id, views, at=ago(days_ago))


def figures(tenant: Tenant, *ids: str) -> dict[str, Any]:
    tenant.goatherd.catch_up()
    requested = {"creator_ids": ",".join(ids)}
    return data_of(tenant.get("/creators/figures", params=requested))


def by_analytics(tenant: Tenant, creator_id: str, metric: str) -> dict[str, Any]:
    """The same of one creator, as /analytics tells it."""
    found: dict[str, Any] = {}
    for mode, total, points in (
        ("cumulative", "level", "levels"),
        ("new", "new", "new_by_day"),
    ):
        requested = {
            "entity": "creator",
            "entity_id": creator_id,
            "metric": metric,
            "mode": mode,
        }
        (series,) = data_of(tenant.get("/analytics", params=requested))["series"]
        found[total] = series["total"]
        found[points] = [point["value"] for point in series["points"]]
        found[f"{total}_rounded"] = series["total_rounded"]
        if total == "new":
            found["new_sharpened"] = series["total_sharpened"]
    return found


def some_looks(random: Random, tenant: Tenant) -> Watched:
    """A creator with a past drawn by chance, of more days than are shown."""
    watched = Watched(tenant)
    names = [str(10**18 + random.randrange(10**17)) for _ in range(3)]
    for name in random.sample(names, random.randint(0, 3)):
        watched.has_video(name, days_ago=random.uniform(0, 80))
    for _ in range(random.randint(0, 12)):
        days_ago = random.choice([random.uniform(0, 70), random.randint(0, 40)])
        if random.random() < 0.5:
            watched.had(
                random.choice([None, random.randrange(9_000), 12_300, 12_345, 12_500]),
                days_ago=days_ago,
                precision=random.choice(["exact", "rounded"]),
            )
        else:
            views = {n: random.choice([None, random.randrange(10**6)]) for n in names}
            watched.seen(views, days_ago=days_ago)
    if random.random() < 0.3:
        excluded = e.VideoExcluded(organization_id=tenant.organization_id)
        video_id = video_stream(tenant.project_id, names[0])
        if tenant.goatherd.log(video_id):
            tenant.goatherd.append(video_id, excluded)
    return watched


@pytest.mark.parametrize("zone", ("UTC", "Pacific/Apia", "America/St_Johns"))
def test_the_numbers_are_those_of_analytics(goatherd: Goatherd, zone: str):
    tenant = goatherd.tenant(time_zone=zone)
    random = Random(zone)  # noqa: S311 - histories, not secrets
    sharpened, rounded = Watched(tenant), Watched(tenant)
    for one in (sharpened, rounded):
        one.had(12_300, days_ago=9, precision="rounded")
    sharpened.had(12_345, days_ago=6, precision="exact")
    rounded.had(13_500, days_ago=3, precision="rounded")
    ids = [some_looks(random, tenant).id for _ in range(12)]
    ids += [sharpened.id, rounded.id]

    shown = figures(tenant, *ids)

    assert [one["creator_id"] for one in shown["creators"]] == ids
    assert shown["tz"] == zone
    for one in shown["creators"]:
        for metric in ("followers", "views"):
            assert one[metric] == by_analytics(tenant, one["creator_id"], metric)
    levels: Sequence[int | None] = [c["views"]["level"] for c in shown["creators"]]
    marks = {
        mark
        for one in shown["creators"]
        for mark in ("level_rounded", "new_rounded", "new_sharpened")
        if one["followers"][mark]
    }
    assert any(levels), "the histories hold nothing to compare"
    assert marks == {"level_rounded", "new_rounded", "new_sharpened"}
    assert None in levels


def test_a_month_is_shown_and_what_was_before_is_in_the_levels(home: Tenant):
    watched = Watched(home)
    watched.had(500, days_ago=90)
    watched.had(620, days_ago=1)

    (one,) = figures(home, watched.id)["creators"]

    assert one["followers"]["levels"] == [500] * 28 + [620] * 2
    assert (one["followers"]["level"], one["followers"]["new"]) == (620, 120)
    assert one["followers"]["new_by_day"] == [0] * 28 + [120, 0]
    unknown = [None] * DAYS
    assert one["views"] == {
        **dict.fromkeys(("level", "new")),
        **dict.fromkeys(("levels", "new_by_day"), unknown),
        **dict.fromkeys(("level_rounded", "new_rounded", "new_sharpened"), False),
    }


def test_the_days_are_the_last_thirty_of_the_organization(home: Tenant):
    shown = figures(home, Watched(home).id)

    today = datetime.now(UTC).date()
    assert shown["to"] == str(today)
    assert shown["from"] == str(today - timedelta(days=29))


def test_a_plan_that_shows_fewer_days_shows_them(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="short")

    shown = figures(tenant, Watched(tenant).id)

    today = datetime.now(UTC).date()
    assert shown["from"] == str(today - timedelta(days=7))
    assert len(shown["creators"][0]["followers"]["levels"]) == 8


def test_a_foreign_id_is_as_unknown_as_one_that_never_was(
    home: Tenant, stranger: Tenant
):
    ours, theirs, nobody = Watched(home), Watched(stranger), str(uuid4())
    theirs.had(7, days_ago=2)

    shown = figures(home, theirs.id, ours.id, nobody, str(home.project_id))
    nothing = figures(home, theirs.id)

    assert [one["creator_id"] for one in shown["creators"]] == [ours.id]
    assert shown["unknown_ids"] == [theirs.id, nobody, str(home.project_id)]
    assert nothing == {**shown, "creators": [], "unknown_ids": [theirs.id]}


def test_a_removed_creator_keeps_its_figures(home: Tenant):
    watched = Watched(home)
    watched.had(5, days_ago=3)
    home.delete(f"/creators/{watched.id}")

    (one,) = figures(home, watched.id)["creators"]

    assert one["followers"]["level"] == 5


@pytest.mark.parametrize(
    "ids",
    (
        "",
        "1",
        f"{UUID(int=1)},{UUID(int=1)}",
        f"{UUID(int=1)},",
        ",".join(str(UUID(int=n)) for n in range(101)),
    ),
)
def test_what_is_no_list_of_ids_is_refused_by_name(home: Tenant, ids: str):
    answer = home.get("/creators/figures", params={"creator_ids": ids})

    assert code_of(answer) == (400, "invalid_query")
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == ["/creator_ids"]


def test_a_hundred_fit_into_one_answer(home: Tenant):
    ids = [str(uuid4()) for _ in range(100)]

    assert figures(home, *ids)["unknown_ids"] == ids


def test_what_was_just_written_is_in_it(home: Tenant):
    creator_id = Watched(home).id
    head = str(home.goatherd.head)
    home.goatherd.catch_up(but="analytics")
    requested = {"params": {"creator_ids": creator_id}}

    early = home.get(
        "/creators/figures", headers={"Goatherd-Min-Position": head}, **requested
    )
    home.goatherd.catch_up()
    late = home.get(
        "/creators/figures", headers={"Goatherd-Min-Position": head}, **requested
    )

    assert code_of(early) == (503, "projection_behind")
    assert data_of(late)["unknown_ids"] == []


def test_no_figures_are_kept_over_a_change_of_the_past(home: Tenant):
    watched, other = Watched(home), Watched(home)
    first, second = "71" * 9, "72" * 9
    for one, name in ((watched, first), (other, second)):
        one.has_video(name, days_ago=40)
        for days_ago, number in ((35, 500), (1, 900)):
            one.had(number, days_ago=days_ago)
            one.seen({name: 10 * number}, days_ago=days_ago)

    def exclude() -> None:
        excluded = e.VideoExcluded(organization_id=home.organization_id)
        home.goatherd.append(video_stream(home.project_id, first), excluded)

    changes: dict[str, Callable[[], object]] = {
        "the beginning": lambda: None,
        "new followers": lambda: watched.had(950, days_ago=0.01),
        # The present numbers stay as they are.
        "earlier followers": lambda: watched.had(700, days_ago=15),
        "earlier views": lambda: watched.seen({first: 7_000}, days_ago=15),
        "followers of the same time": lambda: watched.had(900, days_ago=15),
        "an excluded video": exclude,
    }
    answers: list[Any] = []
    for change in changes.values():
        change()
        shown = figures(home, watched.id, other.id)["creators"]
        for one in shown:
            for metric in ("followers", "views"):
                assert one[metric] == by_analytics(home, one["creator_id"], metric)
        answers.append(shown)

    assert all(answer[1] == answers[0][1] for answer in answers)
    own = [str(answer[0]) for answer in answers]
    assert len({*own}) == len(changes)


def test_figures_are_computed_again_once_the_sums_were_written(home: Tenant):
    watched = Watched(home)
    (unseen,) = figures(home, watched.id)["creators"]
    watched.had(500, days_ago=3)
    before = figures(home, watched.id)

    def write(table: str, change: LiteralString) -> None:
        with home.goatherd.store.pool.connection() as connection:
            statement = sql.SQL("UPDATE {} SET {} WHERE id = %s").format(
                sql.Identifier(table), sql.SQL(change)
            )
            connection.execute(statement, (watched.id,))

    # A follower never writes the one without the other.
    write("analytics_profile_rollups", "followers = followers + 7")
    kept = figures(home, watched.id)
    write("analytics_profile_totals", "last_day = last_day")
    (anew,) = figures(home, watched.id)["creators"]
    # Tests that rebuild the shared tables compare them with the log.
    write("analytics_profile_rollups", "followers = followers - 7")

    assert unseen["followers"]["level"] is None
    assert before["creators"][0]["followers"]["level"] == 500
    assert kept == before
    assert anew["followers"]["levels"][-1] == 507
