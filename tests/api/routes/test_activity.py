"""Activity: listed by kind, day and subject, page by page, and as a file."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of, data_of

PATH = "/activity"


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    return home.add(f"goat.{uuid4().hex[:20]}")


def listed(tenant: Tenant, **params: str) -> list[dict[str, Any]]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(PATH, params=params))


def kinds(tenant: Tenant, **params: str) -> list[str]:
    return [row["kind"] for row in listed(tenant, **params)]


def days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def test_a_row_says_what_happened_to_which_creator(
    home: Tenant, creator: dict[str, Any]
):
    handle = f"new.{uuid4().hex[:20]}"
    home.patch(f"/creators/{creator['id']}", {"tiktok_handle": handle})

    renamed, added = listed(home)

    assert set(renamed) == {"kind", "at", "subject", "summary", "data"}
    assert renamed["kind"] == "renamed"
    assert renamed["subject"] == {
        "type": "creator",
        "id": creator["id"],
        "name": handle,
    }
    assert renamed["summary"].startswith(
        f"@{creator['tiktok_handle']} was renamed to @{handle} by key "
    )
    assert renamed["data"] == {
        "old": creator["tiktok_handle"],
        "new": handle,
        "project_id": str(home.project_id),
        "creator_id": creator["id"],
    }
    assert (added["kind"], added["subject"]["name"]) == ("added", handle)


def test_each_kind_can_be_asked_for(home: Tenant, creator: dict[str, Any]):
    home.found(creator["id"], posted_at=days_ago(1))
    home.delete(f"/creators/{creator['id']}")

    assert kinds(home) == ["removed", "added", "posted"]
    assert kinds(home, kinds="removed,posted") == ["removed", "posted"]
    for kind in ("took_off", "campaign_target_reached", "campaign_target_missed"):
        assert kinds(home, kinds=kind) == []


@pytest.mark.parametrize(
    ("name", "text"),
    (
        ("kinds", "sneezed"),
        ("kinds", "added,added"),
        ("since", "yesterday"),
        ("since", "2026-03-01T12:00:00"),
        ("until", "9999-12-31"),
        ("until", ""),
    ),
)
def test_a_filter_that_makes_no_sense_is_refused(home: Tenant, name: str, text: str):
    answer = home.get(PATH, params={name: text})

    assert code_of(answer) == (400, "invalid_query")


def test_days_are_those_of_the_organization(goatherd: Goatherd):
    tokyo = goatherd.tenant(time_zone="Asia/Tokyo")
    creator = tokyo.add(f"goat.{uuid4().hex[:20]}")
    # Midnight of March 3 in Tokyo is 15:00 of March 2 in UTC.
    for minute in (-1, 0):
        at = datetime(2026, 3, 2, 15, tzinfo=UTC) + timedelta(minutes=minute)
        tokyo.found(creator["id"], posted_at=at, title=f"{minute}")

    def titles(**params: str) -> list[str]:
        rows = listed(tokyo, kinds="posted", **params)
        return [row["subject"]["name"] for row in rows]

    assert titles(since="2026-03-03", until="2026-03-03") == ["0"]
    assert titles(until="2026-03-02") == ["-1"]
    assert titles(since="2026-03-02T15:00:00Z") == ["0"]
    assert titles(until="2026-03-02T14:59:00Z") == ["-1"]


def test_every_row_is_on_exactly_one_page(home: Tenant, creator: dict[str, Any]):
    at = days_ago(2)
    for _ in range(7):
        home.found(creator["id"], posted_at=at)
    home.goatherd.catch_up()

    paged = [row["subject"]["id"] for row in home.every(PATH, limit=2)]

    assert paged == [row["subject"]["id"] for row in listed(home)]
    assert len({*paged}) == 8


def test_a_move_is_in_both_projects_and_the_rest_where_it_happened(
    home: Tenant, creator: dict[str, Any]
):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    home.goatherd.append(
        creator["id"],
        e.CreatorMoved(
            organization_id=home.organization_id,
            old_project_id=home.project_id,
            new_project_id=UUID(other),
            history="whole",
        ),
    )
    home.found(creator["id"])

    assert kinds(home, project_id=str(home.project_id)) == ["moved", "added"]
    assert kinds(home, project_id=other) == ["posted", "moved"]
    (moved,) = listed(home, kinds="moved")
    assert moved["data"]["old_project_id"] == str(home.project_id)
    assert moved["data"]["new_project_id"] == other
    assert "to Other" in moved["summary"]


def test_a_campaign_has_the_activity_of_its_members_and_of_those_below(
    home: Tenant, creator: dict[str, Any]
):
    single = home.found(home.add(f"goat.{uuid4().hex[:20]}")["id"])
    home.add(f"goat.{uuid4().hex[:20]}")
    inner = home.campaign("Inner", ("creator", creator["id"]))
    outer = home.campaign("Outer", ("video", single), ("campaign", inner))

    rows = listed(home, campaign_id=outer)

    assert {(row["kind"], row["subject"]["id"]) for row in rows} == {
        ("campaign_started", outer),
        ("campaign_started", inner),
        ("added", creator["id"]),
        ("posted", single),
    }


def test_a_creator_has_the_activity_of_their_videos(
    home: Tenant, creator: dict[str, Any]
):
    home.add(f"goat.{uuid4().hex[:20]}")
    video_id = home.found(creator["id"], status="pending_review")
    decided = {"video_id": video_id, "decision": "include"}
    home.goatherd.catch_up()
    review = f"/projects/{home.project_id}/inbox/review"
    assert home.post(review, {"decisions": [decided]}).status_code == 200
    note = {"scope": "video", "scope_id": video_id, "starts_on": "2026-03-02"}
    home.post("/analytics/annotations", {**note, "text": "A sale."})

    rows = listed(home, creator_id=creator["id"])

    assert [row["kind"] for row in rows] == ["note", "reviewed", "posted", "added"]
    assert rows[0]["data"]["text"] == "A sale."
    assert rows[1]["data"]["decision"] == "included"


def test_a_creator_who_was_silent_for_too_long_stopped_posting(
    home: Tenant, creator: dict[str, Any]
):
    for days in (14, 12, 10):
        home.found(creator["id"], posted_at=days_ago(days))
    usual = home.add(f"goat.{uuid4().hex[:20]}")
    for days in (14, 8, 2):
        home.found(usual["id"], posted_at=days_ago(days))

    (stopped,) = listed(home, kinds="stopped_posting")

    assert stopped["subject"]["id"] == creator["id"]
    at = datetime.fromisoformat(stopped["at"])
    assert abs(at - days_ago(3)) < timedelta(minutes=10)
    assert stopped["data"]["usual_days"] == 2


def test_what_has_not_happened_yet_is_not_shown(home: Tenant):
    later = (days_ago(-3)).date().isoformat()
    path = f"/projects/{home.project_id}/campaigns"
    home.post(path, {"name": "Later", "starts_on": later})
    home.post(path, {"name": "Now"})

    rows = listed(home, until="2090-01-01")

    assert [(row["kind"], row["subject"]["name"]) for row in rows] == [
        ("campaign_started", "Now")
    ]


def test_the_file_has_every_row(home: Tenant, creator: dict[str, Any]):
    home.found(creator["id"], title="=1+1", posted_at=days_ago(1))
    home.goatherd.catch_up()

    answer = home.get(PATH, params={"format": "csv", "limit": "1"})

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert [row["kind"] for row in rows] == ["added", "posted"]
    assert rows[1]["subject_name"] == "'=1+1"
    assert rows[1]["at"].endswith("Z")


def test_an_erased_creator_is_in_one_row_without_a_name(
    home: Tenant, creator: dict[str, Any]
):
    handle = creator["tiktok_handle"]
    home.found(creator["id"], title="My birthday", posted_at=days_ago(1))
    note = {"scope": "creator", "scope_id": creator["id"], "starts_on": "2026-03-02"}
    home.post("/analytics/annotations", {**note, "text": "They are ill."})
    before = listed(home)
    answer = home.post(f"/creators/{creator['id']}/erase", {"confirm": handle})
    assert answer.status_code < 300, answer.text

    rows = listed(home)

    assert [row["kind"] for row in before] == ["note", "added", "posted"]
    assert [row["kind"] for row in rows] == ["erased"]
    assert rows[0]["subject"]["name"] == "erased-1"
    for text in (handle, "My birthday", "They are ill."):
        assert text not in str(rows)


def test_an_organization_sees_nothing_of_another(
    goatherd: Goatherd, home: Tenant, creator: dict[str, Any]
):
    away = goatherd.tenant()
    home.saw(creator["id"], follower_count=10)
    home.goatherd.append(
        new_id(),
        e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=UUID(creator["id"]),
            job_type="creator_profiles",
            provider="test",
            attempts=1,
            error="Gone.",
            outcome="not_found",
        ),
    )

    assert kinds(home) == ["failing", "added"]
    assert listed(away) == []
    assert listed(away, creator_id=creator["id"]) == []
    assert listed(away, project_id=str(home.project_id)) == []
