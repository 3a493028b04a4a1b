"""Personal data over HTTP: all that is kept of one person, and of nobody else."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from application.erase.erase import ErasureCommand
from domain import events as e
from domain.messages import ErasedFigures
from domain.streams import account_stream
from infra.eventstore.execute import execute
from infra.ids import new_id
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import NOON, asking


def personal_data_of(tenant: Tenant, creator_id: str) -> dict[str, Any]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(f"/creators/{creator_id}/personal-data"))


def named(data: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [each["payload"] for each in data["events"] if each["name"] in names]


def note_on(tenant: Tenant, scope: str, scope_id: str, text: str) -> str:
    tenant.goatherd.catch_up()
    body = {"scope": scope, "scope_id": scope_id, "starts_on": "2026-03-01"}
    noted = tenant.post("/analytics/annotations", {**body, "text": text})
    return data_of(noted, status=201)["id"]


def erase(
    tenant: Tenant,
    creator_id: str,
    confirm: str,
    figures: ErasedFigures = "anonymous",
) -> None:
    command = ErasureCommand(
        tenant.goatherd.store,
        UUID(creator_id),
        organization_id=tenant.organization_id,
        confirm=confirm,
        figures=figures,
    )
    execute(
        tenant.goatherd.store,
        command.handler,
        context=asking(),
        in_transaction=command.in_transaction,
    )


def scraped(tenant: Tenant, creator_id: str, handle: str) -> None:
    """Let a run have seen the profile, and a video that nobody put into the project."""
    run = data_of(tenant.post(f"/creators/{creator_id}/scrape"), status=202)
    seen: dict[str, Any] = {
        "organization_id": tenant.organization_id,
        "creator_id": UUID(creator_id),
        "observed_at": NOON,
        "provider": "test",
    }
    profile = e.ProfileSnapshotRecorded(
        **seen,
        follower_count=12,
        display_name=f"{handle} herself",
        avatar_url=f"https://p16.tiktokcdn.com/{handle}.jpg?signed=1",
    )
    videos = e.VideoStatsSnapshotRecorded(
        **seen,
        video_ids=(f"video of {handle}", "2"),
        view_counts=(1, 2),
        like_counts=(1, None),
        comment_counts=(1, None),
        share_counts=(1, None),
        save_counts=(1, None),
        titles=(f"{handle} jumps", None),
        thumbnail_urls=tuple(
            f"https://p16.tiktokcdn.com/{handle}{end}.jpg?signed=2"
            for end in ("", ".2")
        ),
    )
    tenant.goatherd.append(run["scrape_id"], profile, videos)


def furnished(tenant: Tenant, handle: str) -> dict[str, str]:
    """A creator with data of every kind, all of it with its handle."""
    creator = tenant.add(handle, readme=f"{handle} climbs")
    of = creator["id"]
    scraped(tenant, of, handle)
    video = tenant.found(of, title=f"{handle} jumps")
    tenant.patch(f"/videos/{video}", {"description": f"{handle} in spring"})
    deleted = note_on(tenant, "creator", of, f"{handle} was ill")
    tenant.delete(f"/analytics/annotations/{deleted}")
    note_on(tenant, "video", video, f"{handle} was well")
    campaign = tenant.campaign("Spring", ("creator", of), ("video", video))
    tenant.patch(f"/creators/{of}", {"tiktok_handle": f"{handle}.2"})
    return {"id": of, "video": video, "campaign": campaign}


EVERY_KIND = {
    *("creator_added", "handle_changed", "handle_claimed", "handle_released"),
    *("scrape_requested", "profile_snapshot_recorded"),
    "video_stats_snapshot_recorded",
    *("video_discovered", "video_details_changed", "campaign_joined"),
    *("annotation_added", "annotation_deleted"),
}


def test_personal_data_has_every_event_about_a_person_opened(home: Tenant):
    handle, other = f"a.{uuid4().hex[:9]}", f"b.{uuid4().hex[:9]}"
    creator = furnished(home, handle)
    furnished(home, other)

    data = personal_data_of(home, creator["id"])

    names = {each["name"] for each in data["events"]}
    assert names >= EVERY_KIND
    assert data["creator"] == home.shown(creator["id"])
    assert not data["is_erased"]
    positions = [each["position"] for each in data["events"]]
    assert positions == sorted(set(positions))
    assert {each["text"] for each in named(data, "annotation_added")} == {
        f"{handle} was ill",
        f"{handle} was well",
    }
    assert [each["handle"] for each in named(data, "handle_claimed")] == [
        handle,
        f"{handle}.2",
    ]
    assert {each["item_id"] for each in named(data, "campaign_joined")} == {
        creator["id"],
        creator["video"],
    }
    (added, *_) = data["events"]
    assert added["payload"]["readme"] == f"{handle} climbs"
    assert added["actor_name"].startswith("key ")
    assert data["figures"] == {
        "profile_snapshots": 1,
        "video_snapshots": 1,
        "video_figures": 2,
        "pictures": 2,
    }
    assert other not in f"{data}"
    assert "sealed" not in f"{data}"


def test_a_handles_events_about_another_creator_are_not_shown(home: Tenant):
    first, second = home.add("shared.goat"), f"c.{uuid4().hex[:9]}"
    home.patch(f"/creators/{first['id']}", {"tiktok_handle": second})
    later = home.add("shared.goat")

    claims = named(
        personal_data_of(home, later["id"]), "handle_claimed", "handle_released"
    )

    assert [each["creator_id"] for each in claims] == [later["id"]]


def test_the_run_of_a_video_that_was_added_by_itself_is_its_creators_too(home: Tenant):
    video = f"{uuid4().int % 10**18 + 10**18}"
    url = f"https://www.tiktok.com/@late.goat/video/{video}"
    path = f"/projects/{home.project_id}/videos"
    added = home.post(path, {"url": url})
    video_id = data_of(added, status=201)["id"]
    creator = home.add("late.goat")
    home.goatherd.append(
        UUID(video_id),
        e.VideoDiscovered(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=UUID(creator["id"]),
            tiktok_video_id=video,
            handle="late.goat",
            tracking_status="auto_tracked",
            scrape_id=new_id(),
        ),
    )

    data = personal_data_of(home, creator["id"])

    assert named(data, "video_added")
    assert video in {
        name
        for each in named(data, "scrape_requested")
        for name in each.get("tiktok_video_ids", ())
    }


def test_the_other_creators_of_the_same_account_are_named(home: Tenant):
    ids = [home.add(f"{name}.{uuid4().hex[:9]}")["id"] for name in "abc"]
    users = [uuid4().hex, uuid4().hex]
    for each, user_id in zip(ids, (users[0], users[0], users[1]), strict=True):
        pinned = e.AccountPinned(
            organization_id=home.organization_id,
            creator_id=UUID(each),
            user_id=user_id,
        )
        home.goatherd.append(account_stream(UUID(each), 0), pinned)
        home.saw(each, follower_count=1, user_id=user_id)

    data = personal_data_of(home, ids[0])

    assert data["same_account"] == [ids[1]]
    assert [each["user_id"] for each in named(data, "account_pinned")] == [users[0]]


@pytest.mark.parametrize("figures", ("anonymous", "drop"))
def test_an_erased_person_has_its_events_left_without_names(
    home: Tenant, figures: ErasedFigures
):
    handle = f"gone.{uuid4().hex[:9]}"
    creator = furnished(home, handle)
    before = personal_data_of(home, creator["id"])
    erase(home, creator["id"], f"{handle}.2", figures)

    data = personal_data_of(home, creator["id"])

    assert data["is_erased"]
    left = {each["position"] for each in data["events"]}
    assert left > {each["position"] for each in before["events"]}
    assert named(data, "subject_erased")
    assert named(data, "erasure_numbered")
    assert handle not in f"{data}"


def test_nobody_elses_person_is_read(home: Tenant, stranger: Tenant):
    creator = home.add(f"a.{uuid4().hex[:9]}")
    home.goatherd.catch_up()
    path = f"/creators/{creator['id']}/personal-data"

    refused = stranger.get(path)
    reader = home.with_key("read", "write").get(path)

    assert code_of(refused) == (404, "not_found")
    assert code_of(reader) == (403, "insufficient_scope")
