"""GET /analytics: its answers, its refusals, and the limits between organizations."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx
import pytest

from domain import events as e
from domain.analytics.baselines import DEFAULT_RULE, BaselineRule
from domain.analytics.metrics import Metric
from domain.messages import Precision
from domain.streams import video_stream
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.builders import opened_store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OF_A_CAMPAIGN = {"entity": "campaign", "membership": "dated"}
RANGE = {"from": "2026-03-01", "to": "2026-03-05", "tz": "UTC"}


class Population:
    """A creator whose videos were looked at."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.creator_id: str = tenant.add(f"goat.{uuid4().hex[:20]}")["id"]

    def video(
        self, name: str, *, posted_at: datetime | None = None, is_titled: bool = True
    ) -> str:
        """Let a run have discovered a video; returns its id."""
        video_id = video_stream(self.tenant.project_id, name)
        self.tenant.goatherd.append(
            video_id,
            e.VideoDiscovered(
                organization_id=self.tenant.organization_id,
                project_id=self.tenant.project_id,
                creator_id=UUID(self.creator_id),
                tiktok_video_id=name,
                handle="goat",
                tracking_status="auto_tracked",
                scrape_id=new_id(),
                title=f"Video {name}" if is_titled else None,
                posted_at=posted_at,
            ),
        )
        return str(video_id)

    def campaign(self) -> str:
        """Let a campaign have been created that holds the creator; returns its id."""
        campaign_id = new_id()
        organization_id = self.tenant.organization_id
        self.tenant.goatherd.append(
            campaign_id,
            e.CampaignCreated(
                organization_id=organization_id,
                project_id=self.tenant.project_id,
                name="Spring",
            ),
            e.CampaignItemAdded(
                organization_id=organization_id,
                item_type="creator",
                item_id=UUID(self.creator_id),
            ),
        )
        return str(campaign_id)

    def looked(
        self, day: float, provider: str = "test", /, **views: int | None
    ) -> None:
        """Let a run have seen videos so many days after noon of March 2."""
        names = [name.removeprefix("v") for name in views]
        counts = tuple(views.values())
        self.tenant.goatherd.append(
            new_id(),
            e.VideoStatsSnapshotRecorded(
                organization_id=self.tenant.organization_id,
                project_id=self.tenant.project_id,
                creator_id=UUID(self.creator_id),
                observed_at=NOON + timedelta(days=day),
                provider=provider,
                video_ids=tuple(names),
                view_counts=counts,
                like_counts=tuple(c and c // 10 for c in counts),
                comment_counts=(0,) * len(names),
                share_counts=(0,) * len(names),
                save_counts=(None,) * len(names),
            ),
        )

    def profile_seen(
        self, hours: int, precision: Precision | None, followers: int | None
    ) -> None:
        """Let a run have seen the profile so many hours after noon of March 2."""
        self.tenant.goatherd.append(
            new_id(),
            e.ProfileSnapshotRecorded(
                organization_id=self.tenant.organization_id,
                creator_id=UUID(self.creator_id),
                observed_at=NOON + timedelta(hours=hours),
                provider="test",
                precision=precision,
                follower_count=followers,
            ),
        )

    def ask(self, **params: str) -> httpx.Response:
        self.tenant.goatherd.catch_up()
        requested = {"entity": "creator", "metric": "views", **RANGE, **params}
        if not requested.keys() & {"entity_ids", "entity_id"}:
            requested["entity_id"] = self.creator_id
        named = {name: value for name, value in requested.items() if value}
        return self.tenant.get("/analytics", params=named)


def values(series: dict[str, Any]) -> list[int | float | None]:
    return [point["value"] for point in series["points"]]


def flags(series: dict[str, Any], name: str) -> list[int]:
    return [int(point[name]) for point in series["points"]]


@pytest.fixture
def population(home: Tenant) -> Population:
    """An old video seen from 100 on, and a new one, seen from 40 on."""
    population = Population(home)
    population.video("1", posted_at=NOON - timedelta(days=9))
    population.video("2", posted_at=NOON + timedelta(hours=1))
    population.looked(0, v1=100)
    population.looked(1, v1=130, v2=40)
    population.looked(2, v1=125, v2=45)
    home.goatherd.catch_up()
    return population


def test_new_views_by_day_leave_out_what_was_there_before(population: Population):
    data = data_of(population.ask())

    (series,) = data["series"]
    assert values(series) == [None, 0, 70, 0, 0]
    assert series["total"] == 70
    assert flags(series, "observed") == [0, 1, 1, 1, 0]
    assert flags(series, "baseline") == [0, 1, 0, 0, 0]
    assert flags(series, "partial") == [0, 0, 0, 0, 0]
    assert series["entity_ref"]["type"] == "creator"
    assert series["entity_ref"]["id"] == population.creator_id
    assert [point["date"] for point in series["points"]][::4] == [
        "2026-03-01",
        "2026-03-05",
    ]
    assert {**data, "series": 0} == {
        "entity": "creator",
        "metric": "views",
        "mode": "new",
        "membership": "current",
        "series": 0,
        "granularity": "day",
        **RANGE,
        "tier_retention_days": None,
        **dict.fromkeys(("compare_from", "compare_to", "compare_series")),
        "breakdown_series": None,
        "annotations": [],
    }


@contextmanager
def swapped_to(goatherd: Goatherd, rule: BaselineRule) -> Iterator[None]:
    """Let all analytics be under a rule for a while."""
    with opened_store(goatherd.url, pool_size=CONNECTIONS) as store:
        rebuild(store, AnalyticsProjection(rule), by="test")
        try:
            yield
        finally:
            rebuild(store, AnalyticsProjection(DEFAULT_RULE), by="test")


@pytest.mark.parametrize(
    ("rule", "new", "baselines"),
    (
        ("first_snapshot", [None, 0, 30, 0, 0], [0, 1, 1, 0, 0]),
        ("never", [None, 100, 70, 0, 0], [0, 0, 0, 0, 0]),
    ),
)
def test_under_another_rule_other_views_are_new(
    population: Population,
    rule: BaselineRule,
    new: list[int | None],
    baselines: list[int],
):
    with swapped_to(population.tenant.goatherd, rule):
        (series,) = data_of(population.ask())["series"]
        (of_video,) = data_of(
            population.ask(
                entity="video",
                entity_id=str(video_stream(population.tenant.project_id, "2")),
            )
        )["series"]
        schema = data_of(population.tenant.get("/analytics/schema"))
    usual = data_of(population.tenant.get("/analytics/schema"))

    assert values(series) == new
    assert flags(series, "baseline") == baselines
    assert of_video["total"] == (5 if rule == "first_snapshot" else 45)
    assert schema["baseline_rule"] == rule
    assert usual["baseline_rule"] == "posted_before_first_snapshot"
    assert schema["baseline_rules"].keys() == set(get_args(BaselineRule))
    assert all(schema["baseline_rules"].values())


def test_cumulative_views_are_the_levels_together(population: Population):
    (series,) = data_of(population.ask(mode="cumulative"))["series"]

    assert values(series) == [None, 100, 170, 170, 170]
    assert series["total"] == 170


def test_a_midnight_belongs_to_the_day_that_ends_with_it(population: Population):
    population.looked(2.5, v1=225)

    (series,) = data_of(population.ask())["series"]

    assert values(series) == [None, 0, 70, 100, 0]


def test_another_zone_cuts_the_days_elsewhere(population: Population):
    (series,) = data_of(population.ask(tz="Pacific/Kiritimati"))["series"]

    assert values(series) == [None, None, 0, 70, 0]


def test_a_rate_is_of_the_new_numbers(population: Population):
    (series,) = data_of(population.ask(metric="engagement_rate_by_views"))["series"]

    # (3 + 4) likes of (30 + 40) views; then one like less, and as many views as before.
    assert values(series) == [None, None, 10.0, None, None]
    assert series["total"] == 8.571429


def test_growth_is_of_the_level_before(population: Population):
    answer = population.ask(metric="growth_rate_pop", base_metric="views")

    (series,) = data_of(answer)["series"]
    assert values(series) == [None, None, 70.0, 0.0, 0.0]


@pytest.fixture
def rounded_at_first(home: Tenant) -> Population:
    """The worked example of docs/analytics.md: rounded on the 2nd, exact from the 3rd.

    And on the 5th rounded to what is known exactly.
    """
    population = Population(home)
    population.profile_seen(-12, "rounded", 3_800_000)
    population.profile_seen(5, "rounded", 3_800_000)
    population.profile_seen(24, "exact", 3_894_656)
    population.profile_seen(48, "exact", 3_897_650)
    population.profile_seen(72, "rounded", 3_800_000)
    return population


def test_what_is_only_sharpened_is_not_new(rounded_at_first: Population):
    (new,) = data_of(rounded_at_first.ask(metric="followers"))["series"]
    (levels,) = data_of(rounded_at_first.ask(metric="followers", mode="cumulative"))[
        "series"
    ]
    (growth,) = data_of(
        rounded_at_first.ask(metric="growth_rate_pop", base_metric="followers")
    )["series"]

    assert values(new) == [0, 0, 0, 2_994, 0]
    assert flags(new, "rounded") == [1, 1, 0, 0, 0]
    assert flags(new, "sharpened") == [0, 0, 1, 0, 0]
    assert (new["total"], new["total_rounded"], new["total_sharpened"]) == (
        *(2_994, False, True),
    )
    assert values(levels) == [*[3_800_000] * 2, 3_894_656, *[3_897_650] * 2]
    assert flags(levels, "rounded") == [1, 1, 0, 0, 0]
    assert flags(levels, "sharpened") == [0, 0, 1, 0, 0]
    assert (levels["total_rounded"], levels["total_sharpened"]) == (False, True)
    assert values(growth) == [None, 0.0, 0.0, 0.076875, 0.0]
    assert flags(growth, "rounded") == [0, 1, 1, 0, 0]


@pytest.mark.parametrize(("count", "new"), ((3_900_000, 100_000), (3_912_000, 112_000)))
def test_what_lies_outside_of_the_interval_is_rounded_growth(
    home: Tenant, count: int, new: int
):
    population = Population(home)
    population.profile_seen(0, "rounded", 3_800_000)
    population.profile_seen(24, "exact", count)

    (series,) = data_of(population.ask(metric="followers"))["series"]

    assert values(series) == [None, 0, new, 0, 0]
    assert flags(series, "rounded") == [0, 1, 1, 0, 0]
    assert flags(series, "sharpened") == [0] * 5
    assert (series["total"], series["total_rounded"]) == (new, True)


@pytest.mark.parametrize(
    ("metric", "mode"),
    (
        ("views", "new"),
        ("views", "cumulative"),
        ("likes", "new"),
        ("posts", "new"),
        ("engagement_rate_by_views", "rate"),
        ("avg_views_per_post", "rate"),
    ),
)
def test_without_a_date_the_total_of_the_days_is_explained(
    population: Population, metric: str, mode: str
):
    requested = {"metric": metric, "mode": mode}
    of = {"entity": "creator", "entity_id": population.creator_id}

    answer = population.tenant.get(
        "/analytics/explain", params={**RANGE, **requested, **of}
    )

    explained = data_of(answer)
    (series,) = data_of(population.ask(**requested))["series"]
    assert explained["value"] == series["total"]
    assert explained["value"] is not None
    terms = {"value": explained["value"]}
    if mode == "rate":
        terms = {name: explained[name] for name in ("numerator", "denominator")}
    for term, value in terms.items():
        parts = [o for o in explained["observations"] if o["term"] == term]
        assert sum(o["contribution"] for o in parts) == value


def test_each_observation_says_how_precise_it_is(rounded_at_first: Population):
    def explained(day: int, **params: str) -> tuple[Any, list[Any]]:
        requested = {"metric": "followers", "date": f"2026-03-0{day}", **params}
        requested |= {"entity": "creator", "entity_id": rounded_at_first.creator_id}
        answer = rounded_at_first.tenant.get(
            "/analytics/explain", params={**RANGE, **requested}
        )
        data = data_of(answer)
        names = ("level_after", "contribution", "precision", "rounded", "sharpened")
        marks = data["value"], data["rounded"], data["sharpened"]
        return marks, [[o[name] for name in names] for o in data["observations"]]

    rounded_at_first.tenant.goatherd.catch_up()

    assert explained(2) == (
        (0, True, False),
        [[3_800_000, 0, "rounded", True, False]],
    )
    assert explained(3) == ((0, False, True), [[3_894_656, 0, "exact", False, True]])
    assert explained(5) == (
        (0, False, False),
        [[3_897_650, 0, "rounded", False, False]],
    )
    # An observation that confirms a level does not make it.
    assert explained(5, mode="cumulative") == (
        (3_897_650, False, False),
        [[3_897_650, 3_897_650, "exact", False, False]],
    )
    assert explained(3, metric="growth_rate_pop", base_metric="followers") == (
        (0.0, True, True),
        [
            [3_894_656, 0, "exact", False, True],
            [3_800_000, 3_800_000, "rounded", True, False],
        ],
    )


def test_csv_has_the_marks_at_its_end(rounded_at_first: Population):
    text = rounded_at_first.ask(metric="followers", format="csv").text

    assert text.splitlines()[0].endswith("observed,rounded,sharpened,cut")
    assert text.splitlines()[2].endswith("0,false,false,true,true,false,false")
    assert text.splitlines()[3].endswith("0,false,false,true,false,true,false")


def test_a_project_is_the_sum_of_all_its_videos(population: Population):
    other = Population(population.tenant)
    other.video("3")
    other.looked(0, v3=7)
    other.looked(1, v3=9)
    project = {"entity": "project", "entity_id": str(population.tenant.project_id)}

    (new,) = data_of(population.ask(**project))["series"]
    (posts,) = data_of(population.ask(**project, metric="posts"))["series"]

    assert values(new)[2] == 72
    assert posts["total"] == 1


def test_several_are_laid_side_by_side_in_the_order_asked(population: Population):
    other = Population(population.tenant)
    both = f"{other.creator_id},{population.creator_id}"

    data = data_of(population.ask(entity_ids=both))

    ids = [series["entity_ref"]["id"] for series in data["series"]]
    assert ids == [other.creator_id, population.creator_id]
    assert [series["total"] for series in data["series"]] == [None, 70]


@pytest.mark.parametrize(
    "params",
    (
        {"metric": ",".join(reversed(get_args(Metric))), "base_metric": "likes"},
        {"metric": "views,followers,posts", "mode": "cumulative"},
        {"metric": "likes,views", "compare": "prior_period", "granularity": "week"},
        {"metric": "views,engagement_rate_by_views", "breakdown": "video"},
        {"metric": "views,followers", "entity": "project", "breakdown": "creator"},
        {"metric": "views,followers", **OF_A_CAMPAIGN, "breakdown": "creator"},
        {"metric": "views,likes", "entity": "video"},
        {"metric": "views,followers", "as_of": "now"},
    ),
)
def test_several_metrics_have_the_answers_that_each_has_alone(
    rounded_at_first: Population, population: Population, params: dict[str, str]
):
    ids = {
        "creator": f"{population.creator_id},{rounded_at_first.creator_id}",
        "project": str(population.tenant.project_id),
        "campaign": population.campaign(),
        "video": str(video_stream(population.tenant.project_id, "1")),
    }
    of = ids[params.get("entity", "creator")]
    if "breakdown" in params:
        of = of.partition(",")[0]
    if "as_of" in params:
        params = {**params, "as_of": str(population.tenant.goatherd.head)}
    base_metric = params.get("base_metric", "")
    metrics = params["metric"].split(",")

    together = population.ask(**{**params, "entity_ids": of})

    alone: list[dict[str, Any]] = []
    for metric in metrics:
        base = base_metric if metric == "growth_rate_pop" else ""
        requested = {**params, "metric": metric, "base_metric": base}
        alone.append(data_of(population.ask(**{**requested, "entity_ids": of})))
    assert data_of(together) == alone
    assert [answer["metric"] for answer in alone] == metrics


def test_one_metric_is_answered_by_itself_and_not_as_a_list(population: Population):
    assert data_of(population.ask(metric="views"))["metric"] == "views"


def test_csv_of_several_metrics_names_them_at_its_end(population: Population):
    both = population.ask(metric="views,followers", format="csv")
    alone = [
        population.ask(metric=metric, format="csv").text.splitlines()
        for metric in ("views", "followers")
    ]

    (head, views), (_, followers) = ((lines[0], lines[1:]) for lines in alone)
    assert both.text.splitlines() == [
        f"{head},metric",
        *(f"{line},views" for line in views),
        *(f"{line},followers" for line in followers),
    ]
    name = 'filename="goatherd-creator-views-followers-2026-03-01-2026-03-05.csv"'
    assert both.headers["Content-Disposition"] == f"attachment; {name}"


def test_the_prior_period_is_as_long_and_ends_the_day_before(population: Population):
    requested = {"from": "2026-03-04", "to": "2026-03-05", "compare": "prior_period"}

    data = data_of(population.ask(**requested))

    (prior,) = data["compare_series"]
    assert [point["date"] for point in prior["points"]] == ["2026-03-02", "2026-03-03"]
    assert (data["series"][0]["total"], prior["total"]) == (0, 70)


def test_a_breakdown_shows_the_ten_largest_and_the_rest(population: Population):
    for number in range(3, 14):
        population.video(str(number))
    population.looked(0.1, **{f"v{n}": 0 for n in range(3, 14)})
    population.looked(0.2, **{f"v{n}": n for n in range(3, 14)})

    data = data_of(population.ask(breakdown="video"))

    shown = data["breakdown_series"]
    assert [series["total"] for series in shown] == [45, 25, *range(13, 5, -1), 12]
    assert shown[0]["entity_ref"]["label"] == "Video 2"
    assert shown[10]["entity_ref"] == {
        "type": "video",
        "id": "__other__",
        "label": "Other",
    }
    assert sum(series["total"] for series in shown) == data["series"][0]["total"]


@pytest.mark.parametrize("metric", ("views", "followers"))
def test_a_campaign_is_broken_down_by_creator_and_what_no_member_posted(
    population: Population, metric: str
):
    campaign_id = population.campaign()
    single = video_stream(population.tenant.project_id, "99")
    others = Population(population.tenant)
    others.video("99", posted_at=NOON + timedelta(hours=2))
    others.looked(0, v99=0)
    others.looked(1, v99=7)
    for hours, followers in ((0, 100), (24, 130)):
        population.profile_seen(hours, None, followers)
        others.profile_seen(hours, None, followers)
    added = e.CampaignItemAdded(
        organization_id=population.tenant.organization_id,
        item_type="video",
        item_id=single,
    )
    population.tenant.goatherd.append(UUID(campaign_id), added)
    of = {"entity": "campaign", "entity_id": campaign_id, "metric": metric}

    data = data_of(population.ask(**of, breakdown="creator"))
    table = population.ask(**of, breakdown="creator", format="csv").text

    (whole,) = data["series"]
    shown = [(each["entity_ref"], each["total"]) for each in data["breakdown_series"]]
    creator, *rest = shown
    assert (creator[0]["type"], creator[0]["id"]) == ("creator", population.creator_id)
    other = {"type": "creator", "id": "__other__", "label": "Other"}
    # A single video has no followers.
    assert rest == ([(other, 7)] if metric == "views" else [])
    assert sum(total for _, total in shown) == whole["total"]
    assert ("breakdown,creator,__other__" in table) == (metric == "views")


def test_dated_membership_counts_what_came_after_the_join(population: Population):
    campaign_id = population.campaign()
    population.video("1")
    days = (datetime.now(UTC) - NOON) / timedelta(days=1)
    last = (datetime.now(UTC) + timedelta(days=3)).date()
    population.looked(0, v1=100)
    population.looked(days - 1, v1=120)
    population.looked(days + 1, v1=130)
    population.looked(days + 2, v1=170)
    of = {**OF_A_CAMPAIGN, "entity_id": campaign_id, "granularity": "month"}
    of |= {"from": "2026-03-01", "to": str(last)}

    new = data_of(population.ask(**of, breakdown="creator"))
    cumulative = data_of(population.ask(**of, mode="cumulative"))
    current = data_of(population.ask(**of | {"membership": "current"}))

    assert new["membership"] == "dated"
    assert new["series"][0]["total"] == cumulative["series"][0]["total"] == 50
    assert [each["total"] for each in new["breakdown_series"]] == [50]
    assert current["series"][0]["total"] > 50


def test_a_video_shows_its_own_numbers_whatever_its_status(population: Population):
    video_id = str(video_stream(population.tenant.project_id, "2"))
    population.tenant.goatherd.append(
        UUID(video_id),
        e.VideoExcluded(organization_id=population.tenant.organization_id),
    )

    (video,) = data_of(population.ask(entity="video", entity_id=video_id))["series"]
    (creator,) = data_of(population.ask())["series"]

    assert (video["total"], creator["total"]) == (45, 25)
    assert video["entity_ref"]["label"] == "Video 2"


def test_a_removed_creator_keeps_its_history(population: Population):
    population.tenant.delete(f"/creators/{population.creator_id}")

    assert data_of(population.ask())["series"][0]["total"] == 70


def test_csv_is_the_same_as_a_file_and_holds_no_formula(population: Population):
    population.video("-1+1")
    population.looked(3, **{"v-1+1": 5})
    population.tenant.goatherd.append(
        video_stream(population.tenant.project_id, "=x"),
        e.VideoAdded(
            organization_id=population.tenant.organization_id,
            project_id=population.tenant.project_id,
            tiktok_video_id="=x",
            handle="goat",
            kind="video",
        ),
    )
    project = {"entity": "project", "entity_id": str(population.tenant.project_id)}

    answer = population.ask(
        **project, format="csv", breakdown="video", compare="prior_period"
    )

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert [*dict.fromkeys(row["series_kind"] for row in rows)] == [
        "main",
        "compare",
        "breakdown",
    ]
    main = [row for row in rows if row["series_kind"] == "main"]
    assert [row["value"] for row in main] == ["", "0", "70", "0", "0"]
    assert main[1] | {"entity_id": "", "label": ""} == {
        "series_kind": "main",
        "entity_type": "project",
        "entity_id": "",
        "label": "",
        "date": "2026-03-02",
        "value": "0",
        "partial": "false",
        "baseline": "true",
        "observed": "true",
        "rounded": "false",
        "sharpened": "false",
        "cut": "false",
    }
    labels = {row["label"] for row in rows if row["series_kind"] == "breakdown"}
    assert labels == {"Video 1", "Video 2", "Video -1+1", "'=x"}


def test_negative_numbers_stay_numbers_in_csv(population: Population):
    population.looked(3, v1=25, v2=45)

    rows = list(csv.DictReader(io.StringIO(population.ask(format="csv").text)))

    assert rows[4]["value"] == "-100"


def test_left_to_itself_it_shows_the_last_thirty_days(population: Population):
    nothing = {"from": "", "to": "", "tz": ""}

    data = data_of(population.ask(**nothing))

    assert data["to"] == str(datetime.now(UTC).date())
    assert len(data["series"][0]["points"]) == 30
    assert data["tz"] == "UTC"
    assert flags(data["series"][0], "partial") == [0] * 29 + [1]


def test_weeks_begin_on_monday_and_months_on_the_first(population: Population):
    wide = {"from": "2026-02-25", "to": "2026-03-10"}

    weeks = data_of(population.ask(**wide, granularity="week"))["series"][0]["points"]
    months = data_of(population.ask(**wide, granularity="month"))["series"][0]["points"]

    assert [p["date"] for p in weeks] == ["2026-02-25", "2026-03-02", "2026-03-09"]
    assert [p["date"] for p in months] == ["2026-02-25", "2026-03-01"]
    assert [p["cut"] for p in weeks] == [True, False, True]
    assert [p["cut"] for p in months] == [True, True]


def test_weeks_are_compared_with_the_weeks_before_cut_alike(population: Population):
    requested = {"from": "2026-02-25", "to": "2026-03-10", "granularity": "week"}

    data = data_of(population.ask(**requested, compare="prior_period"))

    (prior,) = data["compare_series"]
    assert [p["date"] for p in prior["points"]] == [
        *("2026-02-04", "2026-02-09", "2026-02-16"),
    ]
    assert flags(prior, "cut") == flags(data["series"][0], "cut") == [1, 0, 1]
    assert (data["compare_from"], data["compare_to"]) == ("2026-02-04", "2026-02-17")


@pytest.mark.parametrize(
    ("field", "params"),
    (
        ("mode", {"mode": "rate"}),
        ("mode", {"metric": "posts_per_week", "mode": "new"}),
        ("base_metric", {"metric": "growth_rate_pop"}),
        ("base_metric", {"base_metric": "views"}),
        ("base_metric", {"metric": "growth_rate_pop", "base_metric": "posts_per_week"}),
        ("metric", {"entity": "video", "metric": "followers"}),
        ("metric", {"entity": "video", "metric": "engagement_rate_by_followers"}),
        ("metric", {"metric": "happiness"}),
        ("metric", {"metric": "views,happiness"}),
        ("metric", {"metric": "views,"}),
        ("metric", {"metric": "views,likes,views"}),
        ("metric", {"entity": "video", "metric": "views,followers"}),
        ("mode", {"metric": "views,posts_per_week", "mode": "new"}),
        ("mode", {"metric": "views,posts_per_week", "mode": "rate"}),
        ("base_metric", {"metric": "views,growth_rate_pop"}),
        ("base_metric", {"metric": "views,likes", "base_metric": "views"}),
        ("breakdown", {"metric": "views,followers", "breakdown": "video"}),
        ("breakdown", {"metric": "followers", "breakdown": "video"}),
        ("breakdown", {"entity_ids": f"{uuid4()},{uuid4()}", "breakdown": "video"}),
        ("breakdown", {"entity": "video", "breakdown": "video"}),
        ("breakdown", {"entity": "video", "breakdown": "creator"}),
        ("breakdown", {"breakdown": "creator"}),
        ("breakdown", {"breakdown": "campaign"}),
        ("membership", {"membership": "dated"}),
        (
            "membership",
            {**OF_A_CAMPAIGN, "metric": "growth_rate_pop", "base_metric": "likes"},
        ),
        ("membership", {**OF_A_CAMPAIGN, "metric": "engagement_rate_by_followers"}),
        ("entity_ids", {"entity_ids": "1"}),
        ("entity_ids", {"entity_ids": ",".join(str(uuid4()) for _ in range(6))}),
        ("entity_ids", {"entity_ids": f"{UUID(int=1)},{UUID(int=1)}"}),
        ("entity_ids", {"entity_id": str(uuid4()), "entity_ids": str(uuid4())}),
        ("tz", {"tz": "Mars/Olympus"}),
        ("tz", {"tz": "../etc/passwd"}),
        ("tz", {"tz": "localtime"}),
        ("from", {"from": "2026-03-06"}),
        ("from", {"from": "0001-01-01"}),
        ("to", {"to": "9999-12-31"}),
        ("from", {"from": "2025-01-29"}),
        ("from", {"from": "1970-01-01", "granularity": "week"}),
        ("from", {"from": "yesterday"}),
        ("granularity", {"granularity": "year"}),
        ("as_of", {"as_of": "yesterday"}),
        ("as_of", {"as_of": "2026-03-02T12:00:00"}),
        ("as_of", {"as_of": "-1"}),
        ("as_of", {"as_of": "2999-01-01T00:00:00Z"}),
    ),
)
def test_what_makes_no_sense_is_refused_by_name(
    population: Population, field: str, params: dict[str, str]
):
    answer = population.ask(**params)

    assert code_of(answer) == (400, "invalid_query")
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == [f"/{field}"]


def test_four_hundred_buckets_are_not_too_many(population: Population):
    requested = {"from": "2025-01-30"}

    assert len(data_of(population.ask(**requested))["series"][0]["points"]) == 400


@pytest.mark.parametrize("entity", ("creator", "video", "project"))
def test_an_unknown_id_is_not_found(population: Population, entity: str):
    for ids in ([uuid4()], [UUID(population.creator_id), uuid4()]):
        joined = ",".join(map(str, ids))

        assert code_of(population.ask(entity=entity, entity_ids=joined)) == (
            404,
            "not_found",
        )


def test_a_video_that_was_only_seen_is_not_there(population: Population):
    population.looked(0, v99=1)
    unknown = str(video_stream(population.tenant.project_id, "99"))

    assert code_of(population.ask(entity="video", entity_id=unknown)) == (
        404,
        "not_found",
    )


@pytest.mark.parametrize(
    ("days", "extra", "status"),
    ((30, {}, 200), (31, {}, 402), (30, {"compare": "prior_period"}, 402)),
)
def test_the_plan_says_how_far_back_one_may_look(
    goatherd: Goatherd, days: int, extra: dict[str, str], status: int
):
    population = Population(goatherd.tenant(plan="free"))
    today = datetime.now(UTC).date()
    requested = {"from": str(today - timedelta(days=days)), "to": str(today)}

    answer = population.ask(**requested, **extra)

    assert answer.status_code == status
    if status == 200:
        assert data_of(answer)["tier_retention_days"] == 30


def test_the_schema_names_every_metric_and_what_has_it(home: Tenant):
    schema = data_of(home.get("/analytics/schema"))

    assert schema["metrics"]["followers"]["entities"] == [
        "creator",
        "project",
        "campaign",
    ]
    assert schema["metrics"]["growth_rate_pop"]["modes"] == ["rate"]
    assert schema["metrics"]["views"]["modes"] == ["new", "cumulative"]
    assert all(described["meaning"] for described in schema["metrics"].values())
    assert (schema["max_entities"], schema["max_buckets"]) == (5, 400)
    assert schema["rules"] == AnalyticsProjection.version


def test_everything_the_schema_names_can_be_asked(population: Population):
    video_id = str(video_stream(population.tenant.project_id, "1"))
    ids = {
        "creator": population.creator_id,
        "project": str(population.tenant.project_id),
        "video": video_id,
        "campaign": population.campaign(),
    }
    schema = data_of(population.tenant.get("/analytics/schema"))

    for metric, described in schema["metrics"].items():
        for entity in described["entities"]:
            for mode in described["modes"]:
                growing = metric == "growth_rate_pop"
                answer = population.ask(
                    entity=entity,
                    entity_id=ids[entity],
                    metric=metric,
                    mode=mode,
                    base_metric="views" if growing else "",
                )
                assert answer.status_code == 200, answer.text


def test_a_point_is_explained_by_the_observations_that_make_it(population: Population):
    requested = {
        "entity": "creator",
        "entity_id": population.creator_id,
        "metric": "views",
    }

    answer = population.tenant.get(
        "/analytics/explain", params={**requested, **RANGE, "date": "2026-03-03"}
    )

    data = data_of(answer)
    assert data["value"] == 70
    assert (data["starts_after"], data["ends_at"]) == (
        "2026-03-03T00:00:00Z",
        "2026-03-04T00:00:00Z",
    )
    old, new = sorted(data["observations"], key=lambda o: o["tiktok_video_id"])
    assert (old["level_before"], old["level_after"], old["contribution"]) == (
        *(100, 130),
        30,
    )
    assert (new["level_before"], new["level_after"], new["contribution"]) == (
        *(None, 40),
        40,
    )
    assert (old["baseline"], old["provider"]) == (False, "test")
    (run,) = population.tenant.goatherd.log(old["scrape_id"])
    assert run.position == old["position"]
    assert run.recorded_at == datetime.fromisoformat(old["recorded_at"])


def test_an_explanation_has_the_same_bytes_after_a_rebuild(home: Tenant):
    population = Population(home)
    names = [str(number) for number in range(10)]
    # The live read model learns of them in another order than a rebuild does.
    for name in reversed(names):
        population.video(name, posted_at=NOON)
        home.goatherd.catch_up()
    for day in (0.0, 1.0):
        population.looked(day, **{f"v{name}": 40 + int(day) for name in names})
    home.goatherd.catch_up()

    def explained() -> list[bytes]:
        requested = {"entity": "creator", "entity_id": population.creator_id, **RANGE}
        requested["date"] = "2026-03-02"
        return [
            home.get("/analytics/explain", params={**requested, "metric": metric})
            .raise_for_status()
            .content
            for metric in ("views", "posts", "engagement_rate_by_views")
        ]

    before = explained()
    with opened_store(home.goatherd.url, pool_size=CONNECTIONS) as store:
        rebuild(store, AnalyticsProjection(DEFAULT_RULE), by="test")

    assert explained() == before
    assert all(body.count(b'"tiktok_video_id"') >= len(names) for body in before)


def test_an_explanation_shows_what_another_provider_saw_within_hours(
    population: Population,
):
    hour = 1 / 24
    for after, provider, views in (
        # Too long before, of the same provider, and the same count.
        *((1.5 - 7 * hour, "web", 150), (1.5 - 4 * hour, "paid", 151)),
        *((1.5 - 3 * hour, "web", 160), (1.5 - 2 * hour, "web", 161)),
        *((1.5 - hour, "display", 170), (1.5, "paid", 170)),
    ):
        population.looked(after, provider, v1=views)
    population.tenant.goatherd.catch_up()

    answer = population.tenant.get(
        "/analytics/explain",
        params={
            "entity": "creator",
            "entity_id": population.creator_id,
            "metric": "views",
            "mode": "cumulative",
            **RANGE,
            "date": "2026-03-03",
        },
    )

    (old,) = (o for o in data_of(answer)["observations"] if o["level_after"] == 170)
    assert old["provider"] == "paid"
    assert [(other["provider"], other["count"]) for other in old["others"]] == [
        ("web", 161)
    ]


def test_an_explanation_names_videos_by_id_and_by_title(population: Population):
    population.video("3", posted_at=NOON + timedelta(hours=2), is_titled=False)
    population.looked(1.1, v3=5)
    population.tenant.goatherd.catch_up()
    requested = {"entity": "creator", "entity_id": population.creator_id, **RANGE}
    last = str(population.tenant.goatherd.head)

    for metric, as_of in (("views", {}), ("posts", {}), ("views", {"as_of": last})):
        day = {"date": "2026-03-03" if metric == "views" else "2026-03-02"}
        answer = population.tenant.get(
            "/analytics/explain", params={**requested, "metric": metric, **day, **as_of}
        )
        titles = {
            one["tiktok_video_id"]: one["title"]
            for one in data_of(answer)["observations"]
        }
        expected = {"1": "Video 1", "2": "Video 2", "3": None}
        if metric == "posts":
            del expected["1"]
        assert titles == expected


def test_a_baseline_is_explained_as_one(population: Population):
    requested = {
        "entity": "creator",
        "entity_id": population.creator_id,
        "metric": "views",
    }

    answer = population.tenant.get(
        "/analytics/explain", params={**requested, **RANGE, "date": "2026-03-02"}
    )

    (observation,) = data_of(answer)["observations"]
    assert (observation["level_after"], observation["contribution"]) == (100, 0)
    assert observation["baseline"]


def test_a_rate_is_explained_part_by_part(population: Population):
    requested = {
        "entity": "creator",
        "entity_id": population.creator_id,
        "metric": "engagement_rate_by_views",
        "date": "2026-03-03",
    }

    data = data_of(
        population.tenant.get("/analytics/explain", params={**requested, **RANGE})
    )

    assert (data["value"], data["numerator"], data["denominator"]) == (10.0, 7, 70)
    assert data["factor"] == 100
    parts = [(o["term"], o["contribution"]) for o in data["observations"]]
    assert sum(added for part, added in parts if part == "numerator") == 7
    assert sum(added for part, added in parts if part == "denominator") == 70


@pytest.mark.parametrize("day", ("2026-03-06", "2026-02-28"))
def test_a_date_that_begins_no_bucket_is_refused(population: Population, day: str):
    requested = {
        "entity": "creator",
        "entity_id": population.creator_id,
        "metric": "views",
    }

    answer = population.tenant.get(
        "/analytics/explain", params={**requested, **RANGE, "date": day}
    )

    assert code_of(answer) == (400, "invalid_query")
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == ["/date"]


def test_the_past_is_answered_as_it_was_then(population: Population):
    goatherd = population.tenant.goatherd
    then, at = goatherd.head, datetime.now(UTC)
    population.looked(1.1, v1=500)
    goatherd.append(
        video_stream(population.tenant.project_id, "2"),
        e.VideoExcluded(organization_id=population.tenant.organization_id),
    )

    now = data_of(population.ask())["series"][0]
    by_position = data_of(population.ask(as_of=str(then)))["series"][0]
    by_time = data_of(population.ask(as_of=at.isoformat()))["series"][0]

    assert values(now) == [None, 0, 400, -375, 0]
    assert values(by_position) == values(by_time) == [None, 0, 70, 0, 0]


def test_a_deleted_campaign_is_answered_as_it_was_before(population: Population):
    goatherd, campaign_id = population.tenant.goatherd, population.campaign()
    then = str(goatherd.head)
    deleted = e.CampaignDeleted(organization_id=population.tenant.organization_id)
    goatherd.append(UUID(campaign_id), deleted)
    of = {"entity": "campaign", "entity_id": campaign_id}
    day = {"metric": "views", "date": "2026-03-03", **RANGE}

    before = data_of(population.ask(**of, as_of=then))["series"]
    explained = population.tenant.get(
        "/analytics/explain", params={**of, **day, "as_of": then}
    )

    assert [series["entity_ref"]["label"] for series in before] == ["Spring"]
    assert values(before[0]) == [None, 0, 70, 0, 0]
    assert data_of(explained)["value"] == 70
    for as_of in ("", str(goatherd.head)):
        answer = population.ask(**of, as_of=as_of)
        assert code_of(answer) == (404, "not_found")


def test_a_breakdown_of_the_past_has_the_videos_of_then(population: Population):
    then = str(population.tenant.goatherd.head)
    population.video("3")
    population.looked(3, v3=7)

    data = data_of(population.ask(as_of=then, breakdown="video"))

    labels = [series["entity_ref"]["label"] for series in data["breakdown_series"]]
    assert labels == ["Video 2", "Video 1"]


def test_left_to_itself_the_past_ends_with_its_own_day(population: Population):
    at = datetime.now(UTC)

    data = data_of(population.ask(**{"from": "", "to": ""}, as_of=at.isoformat()))

    assert data["to"] == str(at.date())


def test_what_was_not_there_yet_is_not_found(population: Population):
    recorded = population.tenant.goatherd.log(population.creator_id)[0]

    before = population.ask(as_of=str(recorded.position - 1))
    when_added = population.ask(as_of=str(recorded.position))
    long_ago = population.ask(as_of="2001-01-01T00:00:00Z")

    assert code_of(before) == (404, "not_found")
    assert when_added.status_code == 200
    assert code_of(long_ago) == (404, "not_found")
