"""Summaries: the parameters that all of them have, and what each refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.creator_with_numbers import Watched

PREFIX = "/analytics/aggregate/"
# Each summary of a project, and the parameter that orders its rows if it has one.
SUMMARIES = (
    *("posting-consistency", "creator-leaderboard", "creator-scatter"),
    *("posting-heatmap", "view-distribution", "outliers", "video-leaderboard"),
    "campaign-leaderboard",
)
ORDERED = (
    *("posting-consistency", "creator-leaderboard", "video-leaderboard"),
    "campaign-leaderboard",
)
LISTS = tuple(name for name in SUMMARIES if name != "view-distribution")
EVERY = (*(PREFIX + name for name in SUMMARIES), "/analytics/kpis")
RANGE = {"from": "2026-03-01", "to": "2026-03-05", "tz": "UTC"}
HOUR = timedelta(hours=1)


def ask(tenant: Tenant, path: str, **params: str) -> httpx.Response:
    tenant.goatherd.catch_up()
    requested = {"project_id": str(tenant.project_id), **params}
    return tenant.get(path, params={n: v for n, v in requested.items() if v})


def refused(answer: httpx.Response) -> tuple[str, str]:
    """Which parameter was refused, and why."""
    assert code_of(answer) == (400, "invalid_query")
    (field,) = answer.json()["meta"]["fields"]
    return field["path"].removeprefix("/"), field["message"]


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize(
    ("params", "name", "allowed"),
    (
        ({"project_id": ""}, "project_id", "is required, or campaign_id"),
        ({"campaign_id": str(uuid4())}, "campaign_id", "where project_id is given"),
        ({"from": "2026-03-06"}, "from", "not be after to, which is 2026-03-05"),
        ({"to": "3000-01-01"}, "to", "between 1970-01-01 and 2999-12-31"),
        ({"from": "yesterday"}, "from", "date"),
        ({"tz": "Mars/Olympus"}, "tz", "IANA time zone"),
        ({"format": "xml"}, "format", "csv"),
        ({"nonsense": "1"}, "nonsense", "is unknown"),
    ),
)
def test_a_bad_parameter_is_named_with_what_is_allowed(
    home: Tenant, path: str, params: dict[str, str], name: str, allowed: str
):
    answer = ask(home, path, **{**RANGE, **params})

    found, message = refused(answer)
    assert found == name
    if not (path.endswith(("kpis", "view-distribution")) and name == "format"):
        assert allowed in message


@pytest.mark.parametrize("name", SUMMARIES)
def test_posting_days_are_checked_as_well(home: Tenant, name: str):
    days = {"posted_from": "2026-03-02", "posted_to": "2026-03-01"}

    found, message = refused(ask(home, PREFIX + name, **days))
    early, _ = refused(ask(home, PREFIX + name, posted_to="1969-12-31"))

    assert found == "posted_from"
    assert "not be after posted_to, which is 2026-03-01" in message
    assert early == "posted_to"


@pytest.mark.parametrize(
    "name", ("creator-leaderboard", "creator-scatter", "campaign-leaderboard")
)
@pytest.mark.parametrize("param", ("posted_from", "posted_to"))
def test_figures_of_creators_are_of_all_their_videos(
    home: Tenant, name: str, param: str
):
    found, message = refused(ask(home, PREFIX + name, **{param: "2026-03-01"}))

    assert found == param
    assert "all of its counted videos" in message


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("param", "value"),
    (("limit", "0"), ("limit", "1001"), ("offset", "-1"), ("limit", "many")),
)
def test_a_part_of_a_list_has_bounds(home: Tenant, name: str, param: str, value: str):
    found, message = refused(ask(home, PREFIX + name, **{param: value}))

    assert found == param
    assert message


@pytest.mark.parametrize("name", ORDERED)
def test_an_unknown_order_is_answered_with_those_there_are(home: Tenant, name: str):
    found, message = refused(ask(home, PREFIX + name, order="luck"))

    assert found == "order"
    assert "posts" in message or "view_count" in message


@pytest.mark.parametrize("path", EVERY)
def test_what_another_organization_has_is_not_there(
    home: Tenant, stranger: Tenant, path: str
):
    home.goatherd.catch_up()
    theirs = str(stranger.project_id)

    assert code_of(ask(home, path, project_id=theirs)) == (404, "not_found")
    assert code_of(ask(home, path, project_id=str(uuid4()))) == (404, "not_found")
    campaign = ask(home, path, project_id="", campaign_id=theirs)
    assert code_of(campaign) == (404, "not_found")
    assert ask(stranger, path).status_code == 200


@pytest.mark.parametrize("path", EVERY)
def test_days_that_the_plan_does_not_show_are_refused(goatherd: Goatherd, path: str):
    tenant = goatherd.tenant(plan="short")
    goatherd.catch_up()
    today = datetime.now(UTC).date()

    def request(days: int) -> tuple[int, Any]:
        return code_of(ask(tenant, path, **{"from": str(today - timedelta(days=days))}))

    assert request(8) == (402, "retention_exceeded")
    assert request(7)[0] == 200


def test_the_days_compared_with_must_be_shown_as_well(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="short")
    goatherd.catch_up()
    today = datetime.now(UTC).date()
    days = {"from": str(today - timedelta(days=4)), "compare": "prior_period"}

    assert code_of(ask(tenant, "/analytics/kpis", **days)) == (
        402,
        "retention_exceeded",
    )


@pytest.mark.parametrize("name", LISTS)
def test_csv_is_a_file_with_the_fields_as_columns(home: Tenant, name: str):
    home.add(f"goat.{uuid4().hex[:20]}")
    home.goatherd.catch_up()

    answer = ask(home, PREFIX + name, format="csv")
    rows = data_of(ask(home, PREFIX + name))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.text.endswith("\r\n")
    if rows:
        assert answer.text.splitlines()[0].split(",") == list(rows[0])


@pytest.mark.parametrize("path", EVERY)
def test_what_was_just_written_is_in_it(home: Tenant, path: str):
    home.add(f"goat.{uuid4().hex[:20]}")
    head = str(home.goatherd.head)
    home.goatherd.catch_up(but="analytics")
    requested = {"project_id": str(home.project_id)}
    headers = {"Goatherd-Min-Position": head}

    early = home.get(path, headers=headers, params=requested)
    home.goatherd.catch_up()
    late = home.get(path, headers=headers, params=requested)

    assert code_of(early) == (503, "projection_behind")
    assert late.status_code == 200


def test_creators_and_videos_are_chosen_by_their_tags(home: Tenant):
    tagged, other = (home.add(f"goat.{uuid4().hex[:20]}")["id"] for _ in range(2))
    home.patch(f"/creators/{tagged}", {"tags": ["Alpine", "Tier 1"]})
    now = datetime.now(UTC)
    videos = [
        home.found(id_, posted_at=now - timedelta(days=3)) for id_ in (tagged, other)
    ]
    home.goatherd.catch_up()
    home.patch(f"/videos/{videos[1]}", {"tags": ["alpine"]})

    def ids(name: str, key: str, tag: str) -> list[str]:
        return [row[key] for row in data_of(ask(home, PREFIX + name, tag=tag))]

    for name in ("creator-leaderboard", "creator-scatter", "posting-consistency"):
        assert ids(name, "creator_id", "ALPINE,tier 1") == [tagged]
        assert ids(name, "creator_id", "alpine,tier 2") == []
    assert ids("video-leaderboard", "video_id", "Alpine") == [videos[1]]
    (hour,) = data_of(ask(home, PREFIX + "posting-heatmap", tag="alpine"))
    assert hour["post_count"] == 1
    distribution = data_of(ask(home, PREFIX + "view-distribution", tag="alpine"))
    assert (distribution["count"], distribution["unknown_count"]) == (0, 1)
    # A creator's posts are its own, with any tags.
    (row,) = data_of(ask(home, PREFIX + "posting-consistency", tag="Alpine"))
    assert row["last_post_at"] is not None


@pytest.mark.parametrize("name", SUMMARIES)
def test_what_is_no_tag_is_refused(home: Tenant, name: str):
    found, message = refused(ask(home, PREFIX + name, tag=" ,a"))

    assert found == "tag"
    assert "only blanks" in message


def test_the_smallest_come_first_where_the_direction_says_so(home: Tenant):
    for handle, now in (("gains", 130), ("loses", 80), ("stays", 100)):
        one = Watched(home, handle)
        one.followers(0, 100)
        one.followers(1, now)
    Watched(home, "unknown")

    up, down = (
        [
            row["tiktok_handle"]
            for row in data_of(
                ask(
                    home,
                    "/analytics/aggregate/creator-leaderboard",
                    order="new_followers",
                    direction=direction,
                    **RANGE,
                )
            )
        ]
        for direction in ("asc", "desc")
    )

    assert up == ["loses", "stays", "gains", "unknown"]
    assert down == ["gains", "stays", "loses", "unknown"]


def test_hours_of_posting_are_those_of_the_whole_week(home: Tenant):
    creator = home.add(f"goat.{uuid4().hex[:20]}")["id"]
    first = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    for hours in range(51):
        home.found(creator, posted_at=first + hours * HOUR)

    hours = ask(home, PREFIX + "posting-heatmap", **RANGE)

    assert len(data_of(hours)) == hours.json()["meta"]["totalCount"] == 51


@pytest.mark.parametrize("count", (1, 11))
def test_two_to_ten_campaigns_are_compared(home: Tenant, count: int):
    ids = ",".join(str(uuid4()) for _ in range(count))

    answer = home.get(PREFIX + "member-overlap", params={"campaign_ids": ids})

    message = "must be 2 to 10 different UUIDs with commas between"
    assert refused(answer) == ("campaign_ids", message)


def test_the_campaigns_of_a_project_are_compared_newest_first(
    home: Tenant, stranger: Tenant
):
    path = PREFIX + "member-overlap"
    made = f"/projects/{home.project_id}/campaigns"
    creator_id = home.add(f"goat.{uuid4().hex[:20]}")["id"]
    none = ask(home, path)
    ids = [
        data_of(home.post(made, {"name": f"Herd {n}"}), status=201)["id"]
        for n in range(11)
    ]
    for one in ids[-2:]:
        item = {"item_type": "creator", "item_id": creator_id}
        data_of(home.post(f"/campaigns/{one}/items", item), status=201)

    rows = data_of(ask(home, path))
    by_ids = data_of(ask(home, path, project_id="", campaign_ids=",".join(ids[:0:-1])))

    assert data_of(none) == []
    assert rows == by_ids
    assert len(rows) == 45
    assert (rows[0]["a"], rows[0]["b"]) == (ids[-1], ids[-2])
    assert (rows[0]["shared_creators"], rows[1]["shared_creators"]) == (1, 0)
    foreign = str(stranger.project_id)
    assert ask(home, path, project_id=foreign).status_code == 404
    assert refused(ask(home, path, project_id="")) == (
        "campaign_ids",
        "is required, or a project",
    )
    assert refused(ask(home, path, campaign_ids=",".join(ids[:2]))) == (
        "project_id",
        "must be left out where campaigns are given",
    )


def test_days_that_end_inside_a_quarter_of_an_hour_are_the_same_everywhere(
    goatherd: Goatherd,
):
    # Until 1972 the clock of Monrovia was 44 minutes and 30 seconds behind UTC.
    tenant = goatherd.tenant(time_zone="Africa/Monrovia")
    creator = tenant.add("goat")["id"]
    posted = datetime(1971, 2, 1, tzinfo=UTC)
    tenant.found(creator, "1", posted_at=posted)
    midnight = datetime(1971, 3, 3, 0, 44, 30, tzinfo=UTC)
    looks = ((-13, 0, 100), (-1, 0, 200), (0, 20, 230), (9, 0, 250))
    for hours, seconds, count in looks:
        at = midnight + timedelta(hours=hours, seconds=seconds)
        tenant.saw_videos(creator, {"1": count}, at=at)
        tenant.saw(creator, observed_at=at, follower_count=10 * count)
    goatherd.catch_up()
    project = {"project_id": str(tenant.project_id)}
    days = {"from": "1971-03-02", "to": "1971-03-02"}
    zone = {"tz": "Africa/Monrovia"}

    def analytics(metric: str) -> object:
        params = {**days, **zone, "metric": metric, "entity": "creator"}
        return data_of(
            tenant.get("/analytics", params={**params, "entity_id": creator})
        )["series"][0]["total"]

    (ranked,) = data_of(
        tenant.get(
            "/analytics/aggregate/creator-leaderboard",
            params={**project, **days, **zone},
        )
    )
    kpis = data_of(tenant.get("/analytics/kpis", params={**project, **days, **zone}))
    listed = tenant.get("/creators", params={**project, **days})
    more = tenant.get("/creators", params={**days, "figures": "new_views>100"})
    (row,) = listed.json()["data"]

    assert (analytics("views"), analytics("followers")) == (100, 1_000)
    assert (ranked["new_views"], ranked["views"]) == (100, 200)
    assert (ranked["new_followers"], ranked["followers"]) == (1_000, 2_000)
    assert (kpis["new_views"]["value"], kpis["new_followers"]["value"]) == (100, 1_000)
    assert (row["figures"]["new_views"], row["figures"]["views"]) == (100, 200)
    assert listed.json()["meta"]["totals"]["new_views"] == 100
    assert data_of(more) == []


def test_creators_of_single_videos_are_active_in_a_campaign(home: Tenant):
    day = datetime(2026, 3, 2, 12, tzinfo=UTC)
    member, other, silent = (home.add(f"goat.{n}")["id"] for n in range(3))
    home.found(member, "1", posted_at=day)
    single = home.found(other, "2", posted_at=day)
    before = home.found(silent, "3", posted_at=day - timedelta(days=30))
    campaign = home.campaign(
        "Spring", ("creator", member), ("video", single), ("video", before)
    )
    home.goatherd.catch_up()
    params = {"from": "2026-03-01", "to": "2026-03-05", "campaign_id": campaign}

    kpis = data_of(home.get("/analytics/kpis", params=params))
    rows = data_of(home.get("/analytics/aggregate/creator-leaderboard", params=params))

    assert kpis["active_creators"]["value"] == 2
    assert [row["creator_id"] for row in rows] == [member]
