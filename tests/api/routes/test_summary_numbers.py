"""Summaries of any history are the numbers that plain loops over it find."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain import events as e
from domain.streams import video_stream
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.projections.analytics.oracle import Oracle
from tests.projections.analytics.summary_oracle import (
    BY_CREATOR,
    SummaryOracle,
    SummaryQuery,
)

BEGIN = date(2026, 1, 1)
DAYS = 150
ZONES = ("UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns")
approx = partial(pytest.approx, abs=2e-6)


class Programme:
    """A project with a random history."""

    def __init__(self, goatherd: Goatherd, seed: str) -> None:
        self.random = Random(seed)  # noqa: S311 - histories, not secrets
        self.tenant = goatherd.tenant(time_zone=self.random.choice(ZONES))
        self.before = goatherd.head
        self.creators = [
            UUID(self.tenant.add(f"goat.{uuid4().hex[:20]}")["id"]) for _ in range(4)
        ]
        self.names: dict[UUID, list[str]] = {one: [] for one in self.creators}
        for creator, amount in zip(self.creators, (75, 12, 4, 0), strict=True):
            for _ in range(amount):
                self._finds(creator)
        self._adds()
        self.campaigns = self._campaigns()
        for _ in range(90):
            self._looks()
        for name in self.random.sample(self.names[self.creators[0]], 3):
            self._append(
                video_stream(self.tenant.project_id, name),
                e.VideoExcluded(organization_id=self.tenant.organization_id),
            )
        goatherd.catch_up()
        log = goatherd.since(self.before)
        own = [
            recorded
            for recorded in log
            if getattr(recorded.event, "organization_id", None)
            == self.tenant.organization_id
        ]
        self.oracle = SummaryOracle(Oracle(own))

    def moment(self) -> datetime:
        """Some time in the history, often a midnight of one of the zones."""
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
            days=self.random.randrange(DAYS)
        )
        hours = self.random.choice((0, 0, 1, 11, 12, 22, 23, 3.5, 7.123))
        return day + timedelta(hours=hours)

    def query(self, **chosen: Any) -> SummaryQuery:  # noqa: ANN401 - fields of it
        first = BEGIN + timedelta(days=self.random.randrange(DAYS))
        last = first + timedelta(days=self.random.choice((0, 6, 29, 60)))
        fields = {
            "entity": "project",
            "id": self.tenant.project_id,
            "first": first,
            "last": last,
            "tz": self.random.choice(ZONES),
            "now": datetime.now(UTC),
            **chosen,
        }
        return SummaryQuery(**fields)

    def posted_days(self) -> dict[str, date]:
        """Now and then the bounds of the days of posting."""
        first = BEGIN + timedelta(days=self.random.randrange(DAYS))
        chosen = {
            "posted_from": first,
            "posted_to": first + timedelta(days=self.random.randrange(60)),
        }
        return {name: day for name, day in chosen.items() if self.random.random() < 0.4}

    def get(self, name: str, query: SummaryQuery, **params: str) -> Any:  # noqa: ANN401 - JSON
        return data_of(
            self.tenant.get(f"/analytics/{name}", params=_of(query) | params)
        )

    def total(self, name: str, query: SummaryQuery) -> int:
        answer = self.tenant.get(f"/analytics/{name}", params=_of(query))
        return answer.json()["meta"]["totalCount"]

    def _campaigns(self) -> list[UUID]:
        """One with two creators, one with a single video, and one with both of them."""
        posts = self.tenant.post
        project_id = self.tenant.project_id
        path = f"/projects/{project_id}/campaigns"
        ids = [data_of(posts(path, {"name": n}), status=201)["id"] for n in "ABCD"]
        single = video_stream(project_id, self.names[self.creators[0]][7])
        items = [
            (ids[0], "creator", self.creators[1]),
            (ids[0], "creator", self.creators[2]),
            (ids[1], "video", single),
            (ids[1], "creator", self.creators[2]),
            (ids[2], "campaign", ids[0]),
            (ids[2], "campaign", ids[1]),
        ]
        for campaign_id, kind, id_ in items:
            item = {"item_type": kind, "item_id": str(id_)}
            data_of(posts(f"/campaigns/{campaign_id}/items", item), status=201)
        return [UUID(id_) for id_ in ids]

    def of_any(self) -> dict[str, Any]:
        """The project, or one of the campaigns."""
        if self.random.random() < 0.5:
            return {}
        return {"entity": "campaign", "id": self.random.choice(self.campaigns)}

    def _finds(self, creator: UUID) -> None:
        name = str(new_id().int % 10**18 + 10**18)
        self.names[creator].append(name)
        self.tenant.found(
            str(creator),
            name,
            status=self.random.choice(
                ("auto_tracked", "auto_tracked", "auto_tracked", "pending_review")
            ),
            posted_at=self.random.choice([*(self.moment() for _ in range(9)), None]),
        )

    def _adds(self) -> None:
        """Add a video by its URL, of nobody."""
        name = str(new_id().int % 10**18 + 10**18)
        self._append(
            video_stream(self.tenant.project_id, name),
            e.VideoAdded(
                organization_id=self.tenant.organization_id,
                project_id=self.tenant.project_id,
                tiktok_video_id=name,
                handle="nobody",
                kind="video",
            ),
        )
        self._sees(None, [name], posted_at=(self.moment(),))

    def _looks(self) -> None:
        """Let a run have seen a creator, at any time and in any order."""
        creator = self.random.choice(self.creators)
        if self.random.random() < 0.3 or not self.names[creator]:
            self._append(
                new_id(),
                e.ProfileSnapshotRecorded(
                    organization_id=self.tenant.organization_id,
                    creator_id=creator,
                    observed_at=self.moment(),
                    provider="test",
                    precision=self.random.choice(("exact", "rounded")),
                    follower_count=self.random.choice(
                        (None, 950, 12_300, 12_345, 12_400, 13_800)
                    ),
                ),
            )
            return
        names = self.names[creator]
        some = self.random.sample(names, self.random.randint(1, len(names)))
        self._sees(creator, some)

    def _sees(
        self,
        creator: UUID | None,
        names: Sequence[str],
        posted_at: tuple[datetime | None, ...] = (),
    ) -> None:
        def counts(most: int) -> tuple[int | None, ...]:
            known = self.random.random() < 0.9
            return tuple(self.random.randrange(most) if known else None for _ in names)

        self._append(
            new_id(),
            e.VideoStatsSnapshotRecorded(
                organization_id=self.tenant.organization_id,
                project_id=self.tenant.project_id,
                creator_id=creator,
                observed_at=self.moment(),
                provider="test",
                video_ids=tuple(names),
                view_counts=counts(self.random.choice((30, 5_000, 10**6))),
                like_counts=counts(300),
                comment_counts=counts(30),
                share_counts=counts(9),
                save_counts=counts(9),
                posted_at=posted_at,
            ),
        )

    def _append(self, stream: UUID, event: e.Event) -> None:
        self.tenant.goatherd.append(stream, event)


def _of(query: SummaryQuery) -> dict[str, str]:
    params = {
        f"{query.entity}_id": str(query.id),
        "from": str(query.first),
        "to": str(query.last),
        "tz": query.tz,
    }
    for name in ("posted_from", "posted_to"):
        day = getattr(query, name)
        if day is not None:
            params[name] = str(day)
    return params


class Recent(Programme):
    """A project whose history goes on until now."""

    def moment(self) -> datetime:
        """Some time in the last 16 days, often the end of a quarter of an hour."""
        quarters = int(datetime.now(UTC).timestamp()) // 900
        begin = datetime.fromtimestamp(
            (quarters - self.random.randrange(16 * 96)) * 900, UTC
        )
        return begin - timedelta(seconds=self.random.choice((0, 0, 1, 899, 300)))


@pytest.fixture(scope="module", params=["one", "two", "three"])
def programme(goatherd: Goatherd, request: pytest.FixtureRequest) -> Programme:
    return Programme(goatherd, request.param)


def test_consistency_is_that_of_every_creator(programme: Programme):
    posted: set[bool] = set()
    for _ in range(12):
        query = programme.query(**programme.of_any(), **programme.posted_days())

        rows = programme.get("aggregate/posting-consistency", query)

        expected = programme.oracle.consistency(query)
        assert {row["creator_id"] for row in rows} == expected.keys()
        for row in rows:
            values = expected[row["creator_id"]]
            last = values.pop("last_post_at")
            shown = row["last_post_at"]
            assert (shown and datetime.fromisoformat(shown)) == last
            found = {name: row[name] for name in values}
            assert found == approx(values)
            posted.add(found["gap_standard_deviation"] is None)
        shares = [row["share_of_weeks"] for row in rows]
        assert shares == sorted(shares, reverse=True)
    assert posted == {True, False}


@pytest.mark.parametrize("order", BY_CREATOR)
def test_creators_are_ranked_by_what_they_had(programme: Programme, order: str):
    for _ in range(2):
        query = programme.query()

        rows = programme.get("aggregate/creator-leaderboard", query, order=order)

        expected = programme.oracle.leaderboard(query, order)
        assert [row["creator_id"] for row in rows] == [
            row["creator_id"] for row in expected
        ]
        for row, values in zip(rows, expected, strict=True):
            assert {name: row[name] for name in values} == approx(values)


def test_points_are_two_metrics_of_the_leaderboard(programme: Programme):
    query = programme.query()
    rows = programme.oracle.leaderboard(query, "views")

    points = programme.get(
        "aggregate/creator-scatter", query, x="followers", y="new_views", size="views"
    )

    assert [
        (point["creator_id"], point["x"], point["y"], point["size"]) for point in points
    ] == [
        (row["creator_id"], row["followers"], row["new_views"], row["views"])
        for row in rows
    ]


@pytest.mark.parametrize("entity", ("project", "creator", "campaign"))
def test_key_figures_are_those_of_both_ranges(programme: Programme, entity: str):
    shares: set[float | None] = set()
    for _ in range(6):
        id_ = programme.tenant.project_id
        if entity == "creator":
            id_ = programme.random.choice(programme.creators)
        if entity == "campaign":
            id_ = programme.random.choice(programme.campaigns)
        query = programme.query(entity=entity, id=id_)
        before = _before(query)

        found = programme.get("kpis", query, compare="prior_period")

        shares.add(_check_both(programme, found, query, before))
    assert len(shares) > 1


@pytest.mark.parametrize("entity", ("project", "creator", "campaign"))
def test_days_that_are_not_over_have_the_figures_of_as_many_hours_beside_them(
    goatherd: Goatherd, entity: str
):
    recent = Recent(goatherd, entity)
    id_ = {
        "project": recent.tenant.project_id,
        "creator": recent.creators[0],
        "campaign": recent.campaigns[2],
    }[entity]
    untils: set[str | None] = set()
    for days in (1, 2, 7):
        zone = ZoneInfo("Asia/Kolkata")
        today = datetime.now(zone).date()
        query = recent.query(
            entity=entity, id=id_, first=today - timedelta(days=days - 1),
            last=today, tz=zone.key,
        )  # fmt: skip

        found = recent.get("kpis", query, compare="prior_period")

        until = found["compare_until"]
        untils.add(until)
        before = replace(_before(query), until=until and datetime.fromisoformat(until))
        _check_both(recent, found, query, before)
        _is_as_much(query, before)
    # At a quarter of an hour before midnight days are whole.
    assert None not in untils or datetime.now(zone).time() > time(23, 40)


def test_lists_end_at_the_same_quarter_of_an_hour_as_key_figures(goatherd: Goatherd):
    recent = Recent(goatherd, "lists")
    query = recent.query(
        entity="creator", id=recent.creators[0],
        first=datetime.now(UTC).date(), last=datetime.now(UTC).date(), tz="UTC",
    )  # fmt: skip
    kpis = recent.get("kpis", query)
    # The middle of a day, and the end of the quarter of an hour before it ends.
    day = query.first - timedelta(days=3)
    for until in (datetime.combine(day, time(12, 30), tzinfo=UTC), None):
        chosen = {} if until is None else {"until": until.isoformat()}
        cut = replace(query, first=day - timedelta(days=2), last=day, until=until)

        answer = recent.tenant.get(
            "/creators",
            params={
                "creator_ids": str(query.id),
                "from": str(cut.first),
                "to": str(cut.last),
                **chosen,
            },
        ).json()

        expected = {
            name: value for name, (value, *_) in recent.oracle.kpis(cut).items()
        }
        (row,) = answer["data"]
        shown = {name: row["figures"][name] for name in row["figures"] if name in kpis}
        assert shown == approx({name: expected[name] for name in shown})
        assert len(shown) == 10
        totals = answer["meta"]["totals"]
        assert totals["new_views"] == expected["new_views"]
        said = answer["meta"]["until"]
        assert (said and datetime.fromisoformat(said)) == until


@pytest.mark.parametrize(
    "until", ("2026-03-04T12:07:00Z", "2026-03-04T12:15:00", "2026-03-03T23:45:00Z")
)
def test_a_list_ends_only_at_a_quarter_of_an_hour_of_its_last_day(
    home: Tenant, until: str
):
    query = {"from": "2026-03-01", "to": "2026-03-04", "until": until}

    refused = home.get("/creators", params=query)

    assert code_of(refused) == (400, "invalid_query")
    assert "until" in refused.text


def _is_as_much(query: SummaryQuery, before: SummaryQuery) -> None:
    """India has no summer time, so the two parts are equally long."""
    if before.until is None:
        return
    passed = datetime.now(UTC) - query.start
    assert timedelta() <= (before.end - before.start) - passed + timedelta(minutes=1)
    assert (before.end - before.start) - passed <= timedelta(minutes=15)


def _check_both(
    programme: Programme,
    found: dict[str, Any],
    query: SummaryQuery,
    before: SummaryQuery,
) -> float | None:
    """Compare key figures with those of the oracle; return their known share."""
    now, then = programme.oracle.kpis(query), programme.oracle.kpis(before)
    share = programme.oracle.known_share(query)
    of_profiles = programme.oracle.known_share_of_profiles(query)
    assert (found["compare_from"], found["compare_to"]) == (
        str(before.first),
        str(before.last),
    )
    for name, (value, rounded, sharpened) in now.items():
        previous = then[name][0]
        change, percent = None, None
        is_vague = any(then[name][1:])
        if value is not None and previous is not None:
            change = value - previous
            is_exact = not (rounded or sharpened or is_vague)
            percent = 100 * change / abs(previous) if previous else None
            percent = percent if is_exact else None
        assert found[name] == approx(
            {
                "value": value,
                "previous": previous,
                "change": change,
                "change_percent": percent,
                "rounded": rounded,
                "sharpened": sharpened,
                "previous_rounded": is_vague,
                "known_share": of_profiles if name == "new_followers" else share,
                "known_from": programme.oracle.known_from(query, name, value),
            }
        ), name
    return share


def test_hours_of_posting_are_those_of_the_zone(programme: Programme):
    posts = 0
    for _ in range(12):
        query = programme.query(**programme.of_any(), **programme.posted_days())

        hours = programme.get("aggregate/posting-heatmap", query)

        expected = programme.oracle.heatmap(query)
        assert len(hours) == len(expected)
        for hour, values in zip(hours, expected, strict=True):
            assert hour == approx(values)
        posts += sum(hour["post_count"] for hour in hours)
    assert posts


def test_the_distribution_is_of_the_levels_at_the_end(programme: Programme):
    for _ in range(12):
        query = programme.query(**programme.of_any(), **programme.posted_days())

        found = programme.get("aggregate/view-distribution", query)

        expected = programme.oracle.distribution(query)
        assert found.pop("buckets") == expected.pop("buckets")
        assert found == approx(expected)


def test_outliers_are_compared_at_the_same_age(programme: Programme):
    amount = 0
    for _ in range(8):
        query = programme.query(**programme.of_any(), **programme.posted_days())
        factors = {
            str(id_): programme.oracle.factor(query, id_)
            for id_ in programme.oracle.counted(query)
        }
        least = programme.random.choice((0.5, 1, 2))

        rows = programme.get(
            "aggregate/outliers", query, min_factor=str(least), limit="100"
        )

        expected = {id_: f for id_, f in factors.items() if f and f >= least}
        assert {row["video_id"]: row["outlier_factor"] for row in rows} == approx(
            expected
        )
        shown = [row["outlier_factor"] for row in rows]
        assert shown == sorted(shown, reverse=True)
        amount += len(rows)
    assert amount


def test_a_video_is_compared_with_exactly_30_others(goatherd: Goatherd):
    tenant = goatherd.tenant()
    creator = tenant.add(f"goat.{uuid4().hex[:20]}")["id"]
    names = [str(new_id().int % 10**18 + 10**18) for _ in range(32)]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for nth, name in enumerate(names):
        posted_at = first + timedelta(hours=nth)
        tenant.found(creator, name, status="auto_tracked", posted_at=posted_at)
    # Each has another level, so that each peer moves the median.
    views = (*(10 * nth for nth in range(31)), 1_000)
    tenant.saw_videos(
        creator, dict(zip(names, views, strict=True)), at=first + timedelta(days=2)
    )
    goatherd.catch_up()

    params = {"project_id": str(tenant.project_id), "to": "2026-03-01", "tz": "UTC"}
    rows = data_of(tenant.get("/analytics/aggregate/outliers", params=params))

    # The first of all is not among the peers: of 10 to 300 the median is 155.
    judged = rows[0]
    assert (judged["peers"], judged["views"]) == (30, 1_000)
    assert judged["peer_median"] == 155
    assert judged["outlier_factor"] == approx(1_000 / 155)


@pytest.mark.parametrize(
    "order",
    (
        *("view_count", "like_count", "comment_count", "share_count", "save_count"),
        *("new_views", "outlier_factor", "posted_at"),
    ),
)
def test_videos_are_ranked_by_what_they_had(programme: Programme, order: str):
    query = programme.query(**programme.of_any(), **programme.posted_days())
    expected = programme.oracle.videos(query, order)
    limit, offset = programme.random.choice(((100, 0), (7, 3), (10, len(expected) - 4)))
    params = {"limit": str(limit), "offset": str(max(offset, 0)), "order": order}

    rows = programme.get("aggregate/video-leaderboard", query, **params)
    total = programme.total("aggregate/video-leaderboard", query)

    values = {row["video_id"]: row for row in expected}
    part = expected[max(offset, 0) :][:limit]
    assert total == len(expected)
    assert len(rows) == len(part) == len({row["video_id"] for row in rows})
    for row, at_its_place in zip(rows, part, strict=True):
        own = values[row["video_id"]]
        posted_at = row["posted_at"] and datetime.fromisoformat(row["posted_at"])
        assert posted_at == own["posted_at"]
        # Equal ones may stand in any order.
        assert own[order] == at_its_place[order]
        names = own.keys() - {"posted_at"}
        assert {name: row[name] for name in names} == approx(
            {name: own[name] for name in names}
        )


@pytest.mark.parametrize("order", BY_CREATOR)
def test_campaigns_are_ranked_by_what_counts_in_them(programme: Programme, order: str):
    query = programme.query()
    of_one = programme.query(entity="campaign", id=programme.campaigns[2])

    rows = programme.get("aggregate/campaign-leaderboard", query, order=order)
    below = programme.get("aggregate/campaign-leaderboard", of_one, order=order)

    expected = programme.oracle.campaigns(query, programme.campaigns, order)
    for row, values in zip(rows, expected, strict=True):
        assert {name: row[name] for name in values} == approx(values)
        # No campaign has a target or a cost.
        assert row["progress"] is None
    expected = programme.oracle.campaigns(of_one, programme.campaigns[:3], order)
    for row, values in zip(below, expected, strict=True):
        assert {name: row[name] for name in values} == approx(values)


def test_campaigns_share_creators_and_videos(programme: Programme):
    ids = programme.campaigns
    params = {"campaign_ids": ",".join(map(str, ids))}

    answer = programme.tenant.get("/analytics/aggregate/member-overlap", params=params)

    pairs = [(a, b) for n, a in enumerate(ids) for b in ids[n + 1 :]]
    for row, (a, b) in zip(data_of(answer), pairs, strict=True):
        assert row == approx(programme.oracle.shared(a, b))


def _before(query: SummaryQuery) -> SummaryQuery:
    following = query.last + timedelta(days=1)
    if query.first.day == following.day == 1:
        # Whole months are compared with as many whole months.
        months = 12 * (following.year - query.first.year)
        months += following.month - query.first.month
        years, month = divmod(
            12 * query.first.year + query.first.month - 1 - months, 12
        )
        last = query.first - timedelta(days=1)
        return replace(query, first=date(years, month + 1, 1), last=last)
    return _moved(query, days=-(following - query.first).days)


def _moved(query: SummaryQuery, *, days: int) -> SummaryQuery:
    ago = timedelta(days=days)
    return replace(query, first=query.first + ago, last=query.last + ago)
