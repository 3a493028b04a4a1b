"""/organization: settings, limits and usage."""

from typing import Any
from uuid import uuid4

import pytest

from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from tests.kit.application import Goatherd, Tenant, code_of, data_of, started
from tests.kit.schedule import level
from workers.schedule.scheduler import Scheduler

PATH = "/organization"
HOURS = ("creator_profiles_hours", "discover_videos_hours", "video_stats_hours")


@pytest.fixture
def tenant(goatherd: Goatherd) -> Tenant:
    tenant = goatherd.tenant()
    goatherd.catch_up()
    return tenant


def shown(tenant: Tenant) -> dict[str, Any]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(PATH))


def test_a_new_organization_has_the_default_intervals_and_no_limits(tenant: Tenant):
    answer = tenant.get(PATH)

    data = data_of(answer)
    assert answer.headers["ETag"] == '"1"'
    assert {name: data[name] for name in ("id", "name", "plan", "time_zone")} == {
        "id": str(tenant.organization_id),
        "name": "Herd",
        "plan": "unlimited",
        "time_zone": "UTC",
    }
    assert [data[name] for name in HOURS] == [None] * 3
    assert data["scrape_intervals"] == {
        "creator_profiles": 24,
        "discover_videos": 12,
        "video_stats": 6,
    }
    assert {*data["limits"].values()} == {None}
    assert data["usage"] == {
        "api_requests_today": {"used": 1, "limit": None},
        "manual_scrapes_today": {"used": 0, "limit": None},
        "creators": {"used": 0, "limit": None},
        "projects": {"used": 1, "limit": None},
        "api_keys": {"used": 1, "limit": None},
        "members": {"used": 0, "limit": None},
        "views": {"used": 0, "limit": None},
        "campaigns_per_project": {"used": 0, "limit": None},
        "items_per_campaign": {"used": 0, "limit": None},
    }


def test_usage_is_counted_against_the_limits(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    kept = tenant.add("billie")
    removed = tenant.add("nanny")
    data_of(tenant.post(f"/creators/{kept['id']}/scrape"), status=202)
    tenant.delete(f"/creators/{removed['id']}")
    other = tenant.with_key("read")
    tenant.delete(f"/api-keys/{other.key_id}")

    usage = shown(tenant)["usage"]

    assert usage == {
        "api_requests_today": {"used": 6, "limit": 100_000},
        "manual_scrapes_today": {"used": 1, "limit": 1},
        "creators": {"used": 1, "limit": 5},
        "projects": {"used": 1, "limit": 1},
        "api_keys": {"used": 1, "limit": 3},
        "members": {"used": 0, "limit": 2},
        "views": {"used": 0, "limit": 2},
        "campaigns_per_project": {"used": 0, "limit": 2},
        "items_per_campaign": {"used": 0, "limit": 3},
    }
    assert data_of(tenant.patch(PATH, {"name": "Free"}))["usage"] == {
        **usage,
        "api_requests_today": {"used": 7, "limit": 100_000},
    }


def without_usage(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in data if name != "usage"}


def test_settings_are_changed_and_shown_as_they_were_answered(tenant: Tenant):
    change = {
        "name": "Alpine herd",
        "time_zone": "Europe/Vienna",
        "creator_profiles_hours": 1,
        "discover_videos_hours": 720,
        "erase_removed_after_days": 90,
    }

    answer = tenant.patch(PATH, change)

    data = data_of(answer)
    assert answer.headers["ETag"] == '"2"'
    assert {name: data[name] for name in change} == change
    assert data["video_stats_hours"] is None
    assert data["scrape_intervals"] == {
        "creator_profiles": 1,
        "discover_videos": 720,
        "video_stats": 6,
    }
    assert data["version"] == 2
    assert without_usage(shown(tenant)) == without_usage(data)
    (event,) = tenant.goatherd.events(tenant.organization_id)[-1:]
    assert event == e.OrganizationSettingsChanged(**change)


def test_null_brings_the_default_back(tenant: Tenant):
    tenant.patch(PATH, {"video_stats_hours": 2, "creator_profiles_hours": 3})

    data = data_of(tenant.patch(PATH, {"video_stats_hours": None}))

    assert (data["video_stats_hours"], data["creator_profiles_hours"]) == (None, 3)
    assert data["scrape_intervals"]["video_stats"] == 6
    assert without_usage(shown(tenant)) == without_usage(data)


def test_what_is_below_the_plans_floor_is_kept_and_does_not_hold(database_url: str):
    with started(database_url) as goatherd:
        tenant = goatherd.tenant(plan="ultra")
        goatherd.catch_up()

        data = data_of(tenant.patch(PATH, {"video_stats_hours": 1}))

        assert data["video_stats_hours"] == 1
        assert data["limits"]["min_video_stats_hours"] == 3
        assert data["scrape_intervals"] == {
            "creator_profiles": 24,
            "discover_videos": 12,
            "video_stats": 3,
        }


def test_what_is_so_already_changes_nothing(tenant: Tenant):
    tenant.patch(PATH, {"name": "Same", "video_stats_hours": 5})
    head = tenant.goatherd.head

    answer = tenant.patch(PATH, {"name": "Same", "video_stats_hours": 5})

    assert data_of(answer)["version"] == 2
    assert answer.headers["Goatherd-Position"] == str(head)
    assert tenant.goatherd.head == head


def test_if_match_protects_changes_from_each_other(tenant: Tenant):
    tenant.patch(PATH, {"name": "Theirs"}, headers={"If-Match": '"1"'})
    kept = tenant.goatherd.kept()

    stale = tenant.patch(PATH, {"name": "Mine"}, headers={"If-Match": '"1"'})

    assert code_of(stale) == (412, "version_conflict")
    assert stale.json()["meta"]["currentVersion"] == 2
    assert tenant.goatherd.kept() == kept
    fresh = tenant.patch(PATH, {"name": "Mine"}, headers={"If-Match": '"2"'})
    assert data_of(fresh)["version"] == 3


def test_projects_and_keys_do_not_change_its_version(tenant: Tenant):
    data_of(tenant.post("/projects", {"name": "Second"}), status=201)
    data_of(tenant.post("/api-keys", {"name": "Second"}), status=201)

    assert data_of(tenant.patch(PATH, {"name": "x"}))["version"] == 2


def test_who_has_the_version_is_told_so(tenant: Tenant):
    tag = tenant.get(PATH).headers["ETag"]

    assert tenant.get(PATH, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("body", "field"),
    (
        ({}, ""),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": "localtime"}, "/time_zone"),
        ({"time_zone": ""}, "/time_zone"),
        ({"time_zone": None}, "/time_zone"),
        ({"plan": "ultra"}, "/plan"),
        *(
            ({name: hours}, f"/{name}")
            for name in HOURS
            for hours in (0, -1, 721, 1.5, "6", True, 10**30)
        ),
        # Nothing of it is kept where one part is wrong.
        ({"name": "Fine", "time_zone": "Mars/Olympus"}, "/time_zone"),
    ),
)
def test_bad_settings_are_refused_by_name_and_nothing_is_kept(
    tenant: Tenant, body: dict[str, object], field: str
):
    kept = tenant.goatherd.kept()

    answer = tenant.patch(PATH, body)

    assert answer.status_code == 400
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == [field]
    assert tenant.goatherd.kept() == kept


def test_only_admins_change_it(tenant: Tenant):
    writer = tenant.with_key("read", "write")

    answer = writer.patch(PATH, {"name": "Mine now"})

    assert code_of(answer) == (403, "insufficient_scope")
    assert data_of(writer.get(PATH))["name"] == "Herd"


def test_nobody_sees_or_changes_another_organization(goatherd: Goatherd):
    ours, theirs = goatherd.tenant(), goatherd.tenant()
    goatherd.catch_up()

    name = f"Ours {uuid4().hex}"
    ours.patch(PATH, {"name": name})

    assert shown(ours)["name"] == name
    assert shown(theirs)["name"] == "Herd"
    assert shown(theirs)["id"] == str(theirs.organization_id)


def test_metrics_tell_how_much_of_the_schedule_is_overdue(
    database_url: str,
):
    with started(database_url) as goatherd:
        tenant = goatherd.tenant()
        tenant.add("billie")
        level(goatherd.store)
        Scheduler(goatherd.store, DEFAULT_PLANS).round()
        before = overdue(goatherd)
        goatherd.query(
            "UPDATE scrape_schedule SET due_at = now() - interval '13 hours' "
            "WHERE job_type <> 'video_stats'"
        )

        # An interval of 12 hours is over, one of 24 is not.
        assert (before, overdue(goatherd)) == (0, 1)


def overdue(goatherd: Goatherd) -> float:
    answer = goatherd.client.get("/metrics")
    (line,) = (
        line
        for line in answer.text.splitlines()
        if line.startswith("goatherd_schedule_overdue ")
    )
    return float(line.split()[1])
