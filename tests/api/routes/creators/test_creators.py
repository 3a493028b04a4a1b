"""One creator: added and shown."""

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain import events as e
from infra.ids import new_id
from tests.kit.application import SETTINGS, Goatherd, Tenant, code_of, data_of


def test_a_creator_is_added_with_everything_that_was_asked(home: Tenant):
    before = home.goatherd.head

    answer = home.post(home.creators, {"tiktok_handle": "@Goat.of.the_Day", **SETTINGS})

    creator = data_of(answer, status=201)
    added_at = datetime.fromisoformat(creator["created_at"])
    assert answer.json() == {
        "data": {
            **SETTINGS,
            "id": str(UUID(creator["id"])),
            "project_id": str(home.project_id),
            "org_id": str(home.organization_id),
            "tiktok_handle": "goat.of.the_day",
            "display_name": None,
            "avatar_url": None,
            "follower_count": None,
            "following_count": None,
            "total_likes_count": None,
            "video_count": None,
            "rounded_counts": [],
            "last_scraped_at": None,
            "last_outcome": None,
            "failing_since": None,
            "failed_scrapes": 0,
            "failing_kinds": [],
            "is_active": True,
            "status": "active",
            "disabled_reason": None,
            "duplicate_of": None,
            "connected_at": None,
            "version": 1,
            "created_at": added_at.isoformat().replace("+00:00", "Z"),
            "updated_at": creator["created_at"],
        },
        "error": None,
        "meta": None,
    }
    assert answer.headers["ETag"].startswith('W/"1-')
    assert int(answer.headers["Goatherd-Position"]) == home.goatherd.head == before + 4
    assert home.shown(creator["id"]) == creator


def test_adding_a_creator_is_one_append_with_its_claim_and_both_scrapes(home: Tenant):
    before = home.goatherd.head
    request_id = str(new_id())

    answer = home.post(
        home.creators,
        {"tiktok_handle": "@Goat.of.the_Day", **SETTINGS},
        headers={"X-Request-Id": request_id},
    )

    creator_id = UUID(data_of(answer, status=201)["id"])
    recorded = home.goatherd.since(before)
    about: dict[str, Any] = {
        "organization_id": home.organization_id,
        "project_id": home.project_id,
        "handle": "goat.of.the_day",
    }
    assert [recorded_event.event for recorded_event in recorded] == [
        e.CreatorAdded(
            **about,
            tracking_mode="selective",
            tracking_start_date=date(2026, 1, 31),
            tracking_end_date=date(2026, 2, 28),
            description=SETTINGS["description"],
            readme=SETTINGS["readme"],
            metadata=SETTINGS["metadata"],
            tags=SETTINGS["tags"],
        ),
        e.HandleClaimed(**about, creator_id=creator_id),
        *(
            e.ScrapeRequested(
                **about, creator_id=creator_id, job_type=job_type, trigger="added"
            )
            for job_type in ("creator_profiles", "discover_videos")
        ),
    ]
    assert {recorded_event.actor for recorded_event in recorded} == {
        f"key:{home.key_id}"
    }
    assert {recorded_event.correlation_id for recorded_event in recorded} == {
        UUID(request_id)
    }
    assert (
        len(
            {
                (recorded_event.causation_id, recorded_event.recorded_at)
                for recorded_event in recorded
            }
        )
        == 1
    )
    assert answer.headers["X-Request-Id"] == request_id
    assert home.counted == 1


@pytest.mark.parametrize("zone", ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"))
def test_without_a_start_tracking_starts_today_where_the_organization_is(
    goatherd: Goatherd, zone: str
):
    home = goatherd.tenant(time_zone=zone)
    before = datetime.now(ZoneInfo(zone)).date()

    creator = home.add("early.goat")

    after = datetime.now(ZoneInfo(zone)).date()
    assert before <= date.fromisoformat(creator["tracking_start_date"]) <= after
    assert creator["tracking_end_date"] is None


@pytest.mark.parametrize("start", (None, "0001-01-01", "9999-12-31"))
def test_tracking_may_start_at_any_time_or_know_no_bound(
    home: Tenant, start: str | None
):
    creator = home.add("timeless.goat", tracking_start_date=start)

    assert creator["tracking_start_date"] == start
    assert home.shown(creator["id"]) == creator


@pytest.mark.parametrize(
    ("settings", "field"),
    (
        ({"readme": "x" * 64_001}, "readme"),
        ({"readme": "\N{GOAT}" * 16_001}, "readme"),
        ({"metadata": {"x": "x" * 16_000}}, "metadata"),
        ({"metadata": {"x": "\N{GOAT}" * 4_000}}, "metadata"),
        ({"tags": [f"t{n}" for n in range(21)]}, "tags"),
        ({"tags": None}, "tags"),
        ({"tags": "a"}, "tags"),
        ({"description": "x" * 5_001}, "description"),
        ({"tiktok_handle": "x" * 2_049}, "tiktok_handle"),
        ({"tracking_mode": "manual"}, "tracking_mode"),
        ({"tracking_start_date": "2026-02-30"}, "tracking_start_date"),
        ({"org_id": "mine"}, "org_id"),
        ({"is_active": True}, "is_active"),
    ),
)
def test_a_field_that_cannot_be_is_named_wherever_it_stands(
    home: Tenant, settings: dict[str, Any], field: str
):
    creator_id = home.add("sound.goat")["id"]
    wanted = {"tiktok_handle": "goat", **settings}
    kept = home.goatherd.kept()

    answers = [
        home.post(home.creators, wanted),
        home.post(home.creators, {"creators": [{"tiktok_handle": "kid"}, wanted]}),
        home.patch(f"/creators/{creator_id}", settings),
    ]

    for answer, place in zip(answers, ("", "/creators/1", ""), strict=True):
        assert code_of(answer) == (400, "invalid_body")
        paths = [problem["path"] for problem in answer.json()["meta"]["fields"]]
        assert paths == [f"{place}/{field}"]
    assert home.goatherd.kept() == kept


def test_the_longest_of_everything_fits(home: Tenant):
    settings = {
        "readme": "\N{GOAT}" * 16_000,
        "metadata": {"x": "x" * (16_000 - len('{"x":""}'))},
        "description": "\N{GOAT}" * 5_000,
        "tags": [f"{n:02} {'x' * 37}" for n in range(20)],
    }

    creator = home.add("great.goat", **settings)

    assert creator | settings == creator
    assert home.shown(creator["id"]) == creator


@pytest.mark.parametrize(
    ("written", "handle"),
    (
        ("goat", "goat"),
        ("@GOAT", "goat"),
        ("https://www.tiktok.com/@Goat?lang=en", "goat"),
        ("a", "a"),
        ("x" * 30, "x" * 30),
        ("_.-1", "_.-1"),
    ),
)
def test_a_handle_may_be_written_in_several_ways(
    home: Tenant, written: str, handle: str
):
    creator = home.add(written)

    assert creator["tiktok_handle"] == handle
    assert home.shown(creator["id"])["tiktok_handle"] == handle


@pytest.mark.parametrize(
    "metadata",
    (
        {},
        {"": ""},
        {"deep": [[[{"a": {"b": [None, True, False]}}]]]},
        {"numbers": [0, -1, 1.5, 9007199254740993, 2**63 - 1, -(2**63), 1e-7]},
        {"text": "\u2028\u2029\x7f\x1f <script> '\" \\ \N{GOAT} ﷽ \u200f"},
        {"b": 1, "a": 2, "aa": 3, "B": 4},
    ),
    ids=["nothing", "empty names", "deep", "numbers", "characters", "order"],
)
def test_metadata_is_read_as_it_was_written(home: Tenant, metadata: dict[str, Any]):
    creator = home.add("annotated.goat", metadata=metadata)

    assert creator["metadata"] == metadata
    assert home.shown(creator["id"])["metadata"] == metadata


def test_metadata_is_read_no_larger_than_it_was_written(home: Tenant):
    metadata = {"numbers": [1e308, 5e-324] * 1_000}

    creator = home.add("numerous.goat", metadata=metadata)

    assert home.shown(creator["id"])["metadata"] == metadata
    assert len(home.get(f"/creators/{creator['id']}").content) < 20_000


def test_the_same_handle_may_be_tracked_in_every_project(home: Tenant):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)
    first = home.add("shared.goat")

    second = home.post(
        f"/projects/{other['id']}/creators", {"tiktok_handle": "shared.goat"}
    )

    assert data_of(second, status=201)["id"] != first["id"]


def test_a_creator_that_the_client_has_already_is_not_sent_again(home: Tenant):
    creator = home.add("known.goat")
    home.goatherd.catch_up()
    path = f"/creators/{creator['id']}"

    tag = home.get(path).headers["ETag"]
    same = home.get(path, headers={"If-None-Match": tag})
    other = home.get(path, headers={"If-None-Match": tag.replace("1-", "2-")})
    without_figures = home.get(path, headers={"If-None-Match": '"1"'})

    assert tag.startswith('W/"1-')
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == other.headers["ETag"] == tag
    assert data_of(other) == data_of(without_figures) == creator


def test_a_count_that_became_exact_is_sent_though_it_is_the_same_number(home: Tenant):
    creator = home.add("round.goat")
    path = f"/creators/{creator['id']}"
    home.saw(creator["id"], follower_count=3_800_000, precision="rounded")
    home.goatherd.catch_up()
    rounded = home.get(path)
    home.saw(creator["id"], follower_count=3_800_000, precision="exact")
    home.goatherd.catch_up()

    exact = home.get(path, headers={"If-None-Match": rounded.headers["ETag"]})

    assert data_of(rounded)["rounded_counts"] == ["follower_count"]
    assert exact.status_code == 200
    assert data_of(exact)["rounded_counts"] == []
    assert exact.headers["ETag"] != rounded.headers["ETag"]


def test_fresh_figures_are_sent_and_do_not_keep_a_change_from_being_made(home: Tenant):
    creator = home.add("moving.goat")
    home.saw(creator["id"], follower_count=10)
    home.goatherd.catch_up()
    path = f"/creators/{creator['id']}"
    tag = home.get(path).headers["ETag"]
    home.saw(creator["id"], follower_count=11)
    home.goatherd.catch_up()

    fresh = home.get(path, headers={"If-None-Match": tag})
    changed = home.patch(path, {"description": "New."}, headers={"If-Match": tag})
    home.goatherd.catch_up()
    same = home.get(path, headers={"If-None-Match": changed.headers["ETag"]})
    conflict = home.patch(path, {"description": "Newer."}, headers={"If-Match": tag})

    assert data_of(fresh)["follower_count"] == 11
    assert fresh.headers["ETag"].startswith('W/"1-')
    assert fresh.headers["ETag"] != tag
    assert data_of(changed)["version"] == 2
    assert same.status_code == 304
    assert code_of(conflict) == (412, "version_conflict")


def test_the_former_statistics_say_where_they_went(home: Tenant):
    creator_id = home.add("counted.goat")["id"]

    answer = home.get(f"/creators/{creator_id}/stats")

    assert answer.status_code == 410
    assert answer.json()["meta"]["code"] == "gone"
    assert (
        f"/api/v1/analytics?entity=creator&entity_id={creator_id}"
        in (answer.json()["error"])
    )
