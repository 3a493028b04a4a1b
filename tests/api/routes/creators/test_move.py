"""POST /creators/{id}/move: a creator is in another project, with all it has."""

from csv import DictReader
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from application.connect.shared import SharedAccounts
from domain import events as e
from infra.eventstore.recorder import AppendConflictError
from infra.ids import new_id
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import NOON
from tests.kit.connections import waiting_consent
from tests.kit.erasing import tables_with

DAYS = {"from": "2026-03-01", "to": "2026-12-31", "granularity": "month"}


def project(tenant: Tenant) -> str:
    return data_of(tenant.post("/projects", {"name": "Summer"}), status=201)["id"]


def campaign_with(tenant: Tenant, **items: str) -> str:
    """A campaign of the tenant's project that holds these items."""
    path = f"/projects/{tenant.project_id}/campaigns"
    campaign_id = data_of(tenant.post(path, {"name": "Spring"}), status=201)["id"]
    for item_type, item_id in items.items():
        item = {"item_type": item_type, "item_id": item_id}
        data_of(tenant.post(f"/campaigns/{campaign_id}/items", item), status=201)
    return campaign_id


def stay(project_id: str) -> dict[str, str]:
    return {"project_id": project_id, "history": "stay"}


def followers_of(
    tenant: Tenant, project_id: str, days: dict[str, str] = DAYS
) -> int | None:
    params = {"entity": "project", "entity_id": project_id, "metric": "followers"}
    params |= {"granularity": "month", "mode": "cumulative"}
    answer = tenant.get("/analytics", params=params | days)
    return data_of(answer)["series"][0]["total"]


def saw_video(
    tenant: Tenant, creator_id: str, video: str, *, views: int, at: datetime
) -> None:
    """Let a run have seen a video of the creator's."""
    tenant.goatherd.append(
        new_id(),
        e.VideoStatsSnapshotRecorded(
            organization_id=tenant.organization_id,
            project_id=tenant.project_id,
            creator_id=UUID(creator_id),
            observed_at=at,
            provider="test",
            video_ids=(video,),
            view_counts=(views,),
            like_counts=(None,),
            comment_counts=(None,),
            share_counts=(None,),
            save_counts=(None,),
        ),
    )


def ids(answer: httpx.Response) -> list[str]:
    return [row["id"] for row in data_of(answer)]


def test_a_creator_that_moves_is_with_its_videos_and_numbers_in_the_new_project(
    home: Tenant,
):
    new, old = project(home), str(home.project_id)
    creator = home.add("moving.goat", tags=["Hook"])
    creator_id = creator["id"]
    video = home.found(creator_id, "71")
    campaign = campaign_with(home, creator=creator_id, video=video)
    home.saw(creator_id, follower_count=12)
    home.goatherd.catch_up()
    before = home.goatherd.head

    preview = data_of(home.get(f"/creators/{creator_id}/move"))
    answer = home.post(f"/creators/{creator_id}/move", {"project_id": new})
    later = home.found(creator_id, "72")
    home.goatherd.catch_up()

    assert preview["campaigns"] == [
        {"id": campaign, "name": "Spring", "holds_creator": True, "video_count": 1}
    ]
    assert data_of(answer)["project_id"] == new
    assert home.shown(creator_id)["tags"] == ["Hook"]
    moved = home.goatherd.since(before)[0].event
    assert moved == e.CreatorMoved(
        organization_id=home.organization_id,
        old_project_id=UUID(old),
        new_project_id=UUID(new),
        history="whole",
    )
    for of, theirs in ((new, {video, later}), (old, set())):
        params = {"project_id": of}
        assert {*ids(home.get("/videos", params=params))} == theirs
        assert (creator_id in ids(home.get("/creators", params=params))) == bool(theirs)
        assert followers_of(home, of) == (12 if theirs else None)
    assert data_of(home.get(f"/campaigns/{campaign}/items")) == []
    was = data_of(home.get(f"/creators/{creator_id}", params={"as_of": str(before)}))
    assert was["project_id"] == old
    history = data_of(home.get(f"/creators/{creator_id}/history"))
    summaries = [entry["summary"] for entry in history]
    assert any(summary.startswith("Moved to another project") for summary in summaries)


def test_what_a_creator_gained_until_a_move_can_stay_with_the_old_project(home: Tenant):
    new, old = project(home), str(home.project_id)
    creator_id = home.add("leaving.goat")["id"]
    video = home.found(creator_id, "73")
    later = datetime.now(UTC) + timedelta(hours=1)
    home.saw(creator_id, follower_count=12)
    saw_video(home, creator_id, "73", views=100, at=NOON)
    home.goatherd.catch_up()
    before = home.goatherd.head

    data_of(home.post(f"/creators/{creator_id}/move", stay(new)))
    home.saw(creator_id, follower_count=20, observed_at=later)
    saw_video(home, creator_id, "73", views=130, at=later)
    home.goatherd.catch_up()

    moved = home.goatherd.since(before)[0].event
    assert isinstance(moved, e.CreatorMoved)
    assert moved.history == "stay"
    days = {"from": "2026-03-01", "to": str(later.date() + timedelta(days=1))}
    # The old project saw the account once, so that no gain of it is known.
    for of, views, followers, grown in ((old, 100, 0, None), (new, 30, 20, 8)):
        assert followers_of(home, of, days) == followers
        answered = data_of(
            home.get("/analytics/kpis", params=days | {"project_id": of})
        )
        assert answered["views"]["value"] == views
        assert answered["new_followers"]["value"] == grown
        params = days | {"project_id": of}
        (row,) = data_of(
            home.get("/analytics/aggregate/creator-leaderboard", params=params)
        )
        assert (row["creator_id"], row["views"]) == (creator_id, views)
        assert (row["followers"], row["new_followers"]) == (followers, grown)
        (row,) = data_of(
            home.get("/analytics/aggregate/video-leaderboard", params=params)
        )
        assert (row["video_id"], row["new_views"]) == (video, views - 100 * (of == old))
    own = data_of(home.get("/analytics/kpis", params=days | {"creator_id": creator_id}))
    assert own["views"]["value"] == 130
    assert ids(home.get("/videos", params={"project_id": new})) == [video]


def figures_of(tenant: Tenant, path: str, **params: str) -> list[dict[str, Any]]:
    return [row["figures"] for row in data_of(tenant.get(path, params=params))]


def test_lists_of_the_new_project_show_what_is_gained_in_it(home: Tenant):
    new, old = project(home), str(home.project_id)
    leaving, staying = (home.add(f"{name}.listed")["id"] for name in ("goat", "kid"))
    later = datetime.now(UTC) + timedelta(hours=1)
    for creator_id, name in ((leaving, "74"), (staying, "75")):
        home.saw(creator_id, follower_count=7, observed_at=NOON - timedelta(days=2))
        home.found(creator_id, name, posted_at=NOON - timedelta(days=1))
        saw_video(home, creator_id, name, views=100, at=NOON)
    data_of(home.post(f"/creators/{leaving}/move", stay(new)))
    data_of(home.post(f"/creators/{staying}/move", {"project_id": new}))
    for creator_id, name in ((leaving, "74"), (staying, "75")):
        saw_video(home, creator_id, name, views=130, at=later)
    home.goatherd.catch_up()
    days = {"from": "2026-02-01", "to": str(later.date() + timedelta(days=1))}
    params = days | {"project_id": new, "sort": "new_views", "order": "asc"}

    answer = home.get("/creators", params=params)
    rows = data_of(answer)
    meta = answer.json()["meta"]
    few = data_of(home.get("/creators", params=params | {"figures": "views<100"}))
    csv = home.get("/creators", params=params | {"format": "csv"}).iter_lines()
    own = figures_of(home, "/creators", **days, creator_ids=leaving)
    videos = figures_of(home, "/videos", **params)
    own_video = figures_of(home, "/videos", **days, creator_id=leaving)
    video_csv = home.get("/videos", params=params | {"format": "csv"}).iter_lines()

    assert [row["id"] for row in rows] == [leaving, staying]
    assert [row["figures"]["views"] for row in rows] == [30, 130]
    assert [row["figures"]["new_views"] for row in rows] == [30, 130]
    assert meta["totals"]["new_views"] == 160
    assert [row["id"] for row in few] == [leaving]
    assert [row["new_views"] for row in DictReader(csv)] == ["30", "130"]
    assert [(one["views"], one["new_views"]) for one in own] == [(130, 130)]
    # The counts of a video are its own.
    assert [one["views"] for one in videos] == [130, 130]
    assert [one["new_views"] for one in videos] == [30, 130]
    assert [row["new_views"] for row in DictReader(video_csv)] == ["30", "130"]
    assert [one["new_views"] for one in own_video] == [130]
    assert ids(home.get("/creators", params=days | {"project_id": old})) == []


def test_videos_of_a_list_have_their_own_counts_from_before_a_move_too(home: Tenant):
    new = project(home)
    creator_id = home.add("counted.goat")["id"]
    counted = home.found(creator_id, "76", posted_at=NOON)
    waiting = home.found(creator_id, "77", posted_at=NOON, status="pending_review")
    later = datetime.now(UTC) + timedelta(hours=1)
    for name, views in (("76", 100), ("77", 50)):
        saw_video(home, creator_id, name, views=views, at=NOON)
    data_of(home.post(f"/creators/{creator_id}/move", stay(new)))
    for name, views in (("76", 130), ("77", 55)):
        saw_video(home, creator_id, name, views=views, at=later)
    home.goatherd.catch_up()
    params = {"project_id": new, "from": str(NOON.date())}

    def figures_until(day: date) -> dict[str, tuple[int | None, int | None]]:
        rows = data_of(home.get("/videos", params=params | {"to": str(day)}))
        return {
            row["id"]: (row["figures"]["views"], row["figures"]["new_views"])
            for row in rows
        }

    # All gains are the project's, which had none of them before the creator came.
    assert figures_until(NOON.date()) == {counted: (100, None), waiting: (50, None)}
    until_now = figures_until(later.date() + timedelta(days=1))
    assert until_now == {counted: (130, 30), waiting: (55, 5)}


def test_a_move_into_its_own_project_changes_nothing(home: Tenant):
    creator_id = home.add("staying.goat")["id"]
    kept = home.goatherd.kept()

    answer = home.post(
        f"/creators/{creator_id}/move", {"project_id": str(home.project_id)}
    )

    assert data_of(answer)["project_id"] == str(home.project_id)
    assert home.goatherd.kept() == kept


def test_a_move_may_name_the_version_that_it_is_of(home: Tenant):
    new = project(home)
    creator_id = home.add("versioned.goat")["id"]
    path = f"/creators/{creator_id}/move"
    kept = home.goatherd.kept()

    stale = home.post(path, {"project_id": new}, headers={"If-Match": '"9"'})
    malformed = home.post(path, {"project_id": new}, headers={"If-Match": "9"})

    assert code_of(stale) == (412, "version_conflict")
    assert code_of(malformed) == (400, "invalid_params")
    assert home.goatherd.kept() == kept
    home.goatherd.catch_up()
    etag = home.get(f"/creators/{creator_id}").headers["ETag"]
    moved = home.post(path, {"project_id": new}, headers={"If-Match": etag})
    assert data_of(moved)["project_id"] == new


def test_a_move_is_refused_by_name_and_stores_nothing(home: Tenant):
    new = project(home)
    creator_id = home.add("wanted.goat")["id"]
    there = f"/projects/{new}/creators"
    data_of(home.post(there, {"tiktok_handle": "wanted.goat"}), status=201)
    path = f"/creators/{creator_id}/move"
    kept = home.goatherd.kept()

    taken = home.post(path, {"project_id": new})
    unknown = home.post(path, {"project_id": str(uuid4())})
    other = home.post(path, {"project_id": new, "history": "some"})

    assert code_of(taken) == (409, "handle_taken")
    assert code_of(unknown) == (404, "not_found")
    assert code_of(other) == (400, "invalid_body")
    assert [f["path"] for f in other.json()["meta"]["fields"]] == ["/history"]
    assert home.goatherd.kept() == kept


def test_a_video_of_who_moved_is_added_where_it_is_and_not_at_its_origin(home: Tenant):
    new = project(home)
    creator_id = home.add("filming.goat")["id"]
    id_ = "7000000000000000071"
    pseudonym = home.goatherd.store.names.pseudonym(id_)
    video = home.found(creator_id, id_, pseudonym=pseudonym)
    data_of(home.post(f"/creators/{creator_id}/move", {"project_id": new}))
    url = "https://www.tiktok.com/@filming.goat/video/7000000000000000071"

    here = home.post(f"/projects/{new}/videos", {"url": url})
    there = home.post(f"/projects/{home.project_id}/videos", {"url": url})

    assert data_of(here)["id"] == video
    assert code_of(there) == (409, "other_project")


def connected(tenant: Tenant, creator_id: str, handle: str, open_id: str) -> None:
    """Let a creator be connected with an account."""
    waiting_consent(tenant, creator_id, handle, open_id)
    data_of(tenant.post(f"/creators/{creator_id}/connection/accept"))


def test_a_move_brings_no_two_creators_with_one_account_into_a_project(home: Tenant):
    new, open_id = project(home), str(uuid4())
    moving = home.add("connected.goat")["id"]
    added = home.post(f"/projects/{new}/creators", {"tiktok_handle": "connected.there"})
    there = data_of(added, status=201)["id"]
    connected(home, moving, "connected.goat", open_id)
    shared = SharedAccounts(home.goatherd.store, UUID(moving))
    assert shared.read() == []
    connected(home, there, "connected.there", open_id)

    refused = home.post(f"/creators/{moving}/move", {"project_id": new})

    assert code_of(refused) == (409, "consent_refused")
    assert home.shown(moving)["project_id"] == str(home.project_id)
    # A move that was decided before the other one connected is decided again.
    with (
        home.goatherd.store.pool.connection() as connection,
        pytest.raises(AppendConflictError),
    ):
        shared.check(connection.cursor(), None)
    data_of(home.delete(f"/creators/{there}/connection"))
    moved = home.post(f"/creators/{moving}/move", {"project_id": new})
    assert data_of(moved)["project_id"] == new


def single(tenant: Tenant, project_id: str, id_: str, handle: str = "typed") -> str:
    """A video that a project tracks by its URL."""
    url = f"https://www.tiktok.com/@{handle}/video/{id_}"
    added = tenant.post(f"/projects/{project_id}/videos", {"url": url})
    return data_of(added, status=201)["id"]


def views_of(tenant: Tenant, project_id: str) -> int:
    params = {"entity": "project", "entity_id": project_id, "metric": "views"}
    answer = tenant.get("/analytics", params=params | {"mode": "cumulative"} | DAYS)
    return data_of(answer)["series"][0]["total"] or 0


def saw_single(
    tenant: Tenant, project_id: str, pseudonym: str, *, views: int, at: datetime
) -> None:
    """Let a run have seen a single video of a project."""
    tenant.goatherd.append(
        new_id(),
        e.VideoStatsSnapshotRecorded(
            organization_id=tenant.organization_id,
            project_id=UUID(project_id),
            creator_id=None,
            observed_at=at,
            provider="test",
            video_ids=(pseudonym,),
            view_counts=(views,),
            like_counts=(None,),
            comment_counts=(None,),
            share_counts=(None,),
            save_counts=(None,),
        ),
    )


@pytest.mark.parametrize("history", ("whole", "stay"))
def test_a_single_video_of_the_new_project_that_is_the_creators_counts_once(
    home: Tenant, history: str
):
    new = project(home)
    creator_id = home.add("once.goat")["id"]
    id_ = str(new_id().int % 10**18 + 10**18)
    name = home.goatherd.store.names.pseudonym(id_)
    own = home.found(creator_id, id_, pseudonym=name)
    alone = single(home, new, id_)
    path = f"/projects/{new}/campaigns"
    campaign = data_of(home.post(path, {"name": "Launch"}), status=201)["id"]
    item = {"item_type": "video", "item_id": alone}
    data_of(home.post(f"/campaigns/{campaign}/items", item), status=201)
    note = {"scope": "video", "scope_id": alone, "starts_on": "2026-03-02"}
    note |= {"ends_on": "2026-03-02", "text": "The sale began."}
    data_of(home.post("/analytics/annotations", note), status=201)
    saw_single(home, new, name, views=100, at=NOON)
    saw_video(home, creator_id, name, views=130, at=NOON + timedelta(hours=1))
    home.goatherd.catch_up()

    preview = data_of(home.get(f"/creators/{creator_id}/move"))
    body = {"project_id": new, "history": history}
    data_of(home.post(f"/creators/{creator_id}/move", body))
    home.goatherd.catch_up()

    assert [
        (each["project_id"], each["video_id"], each["into_video_id"])
        for each in preview["merged_videos"]
    ] == [(new, alone, own)]
    assert ids(home.get("/videos", params={"project_id": new})) == [own]
    assert data_of(home.get(f"/projects/{new}/videos/excluded")) == []
    gone = home.get(f"/videos/{alone}")
    assert code_of(gone) == (404, "not_found")
    assert gone.json()["meta"]["mergedInto"] == own
    for refused in (
        home.patch(f"/videos/{alone}", {"readme": "# "}),
        home.delete(f"/videos/{alone}"),
        home.post(f"/videos/{alone}/scrape"),
        home.get(f"/videos/{alone}/observations"),
    ):
        assert code_of(refused) == (404, "not_found"), refused.request.url
    members = data_of(home.get(f"/campaigns/{campaign}/items"))
    assert [each["item_id"] for each in members] == [own]
    noted = data_of(home.get("/analytics/annotations", params={"scope_id": own}))
    assert "The sale began." in {each["text"] for each in noted}
    history_of = data_of(home.get(f"/creators/{creator_id}/history"))
    assert any("merged with the creator's" in each["summary"] for each in history_of)
    assert views_of(home, str(home.project_id)) + views_of(home, new) == 130


@pytest.mark.parametrize("history", ("whole", "stay"))
def test_observations_of_a_merged_single_video_count_for_the_creators(
    home: Tenant, history: str
):
    new = project(home)
    handle = f"gained.{history}"
    creator_id = home.add(handle)["id"]
    id_ = str(new_id().int % 10**18 + 10**18)
    name = home.goatherd.store.names.pseudonym(id_)
    own = home.found(creator_id, id_, pseudonym=name, posted_at=NOON)
    single(home, new, id_, handle)
    hours = [NOON + timedelta(hours=hour) for hour in range(4)]
    saw_single(home, new, name, views=100, at=hours[0])
    saw_single(home, new, name, views=120, at=hours[1])
    home.goatherd.catch_up()
    question = {"entity": "project", "entity_id": new, "metric": "views"} | DAYS
    before = home.get("/analytics", params=question).json()
    saw_video(home, creator_id, name, views=130, at=hours[2])
    # Analytics do not have this one yet when the creator moves.
    saw_single(home, new, name, views=125, at=hours[3])

    body = {"project_id": new, "history": history}
    data_of(home.post(f"/creators/{creator_id}/move", body))
    home.goatherd.catch_up()

    found = data_of(home.get(f"/videos/{own}/observations"))
    seen = [(each["view_count"], each["provider"]) for each in found]
    after = data_of(home.get("/analytics", params=question))
    if history == "whole":
        assert seen == [(125, "test"), (130, "test"), (120, "test"), (100, "test")]
        assert after["series"][0]["total"] == 25
        assert views_of(home, new) == 125
        (run,) = {each["scrape_id"] for each in found} - {found[1]["scrape_id"]}
        scrape = data_of(home.get(f"/scrapes/{run}"))
        assert (scrape["trigger"], scrape["status"]) == ("imported", "succeeded")
    else:
        # They would count where the creator was then.
        assert seen == [(130, "test")]
    as_of = {"as_of": before["meta"]["position"]}
    assert home.get("/analytics", params=question | as_of).json() == before
    erasure = {"confirm": handle, "figures": "anonymous"}
    data_of(home.post(f"/creators/{creator_id}/erase", erasure))
    home.goatherd.catch_up()
    for text in (handle, id_):
        assert tables_with(home.goatherd.store, text) == []
    assert data_of(home.get("/analytics", params=question)) == after


def test_a_single_video_that_is_added_after_the_move_is_the_creators(home: Tenant):
    new = project(home)
    creator_id = home.add("later.goat")["id"]
    id_ = str(new_id().int % 10**18 + 10**18)
    names = home.goatherd.store.names
    own = home.found(creator_id, id_, pseudonym=names.pseudonym(id_))
    data_of(home.post(f"/creators/{creator_id}/move", {"project_id": new}))

    url = f"https://www.tiktok.com/@formerly.goat/video/{id_}"
    again = home.post(f"/projects/{new}/videos", {"url": url})

    assert data_of(again, status=200)["id"] == own


def test_a_move_to_where_the_account_was_removed_names_it_and_the_way_out(
    home: Tenant,
):
    new = project(home)
    added = home.post(f"/projects/{new}/creators", {"tiktok_handle": "before.goat"})
    there = data_of(added, status=201)["id"]
    data_of(home.delete(f"/creators/{there}"))
    creator_id = home.add("before.goat")["id"]
    kept = home.goatherd.kept()
    home.goatherd.catch_up()

    preview = data_of(home.get(f"/creators/{creator_id}/move"))
    refused = home.post(f"/creators/{creator_id}/move", {"project_id": new})

    assert preview["refused"] == [
        {
            "project_id": new, "code": "account_in_project", "creator_id": there,
            "tiktok_handle": "before.goat", "status": "removed",
        }
    ]  # fmt: skip
    assert code_of(refused) == (409, "account_in_project")
    assert refused.json()["meta"]["creatorId"] == there
    assert refused.json()["meta"]["tiktokHandle"] == "before.goat"
    assert "erase @before.goat" in refused.json()["error"]
    assert home.goatherd.kept() == kept
    erasure = {"confirm": "before.goat", "figures": "drop"}
    data_of(home.post(f"/creators/{there}/erase", erasure))
    moved = home.post(f"/creators/{creator_id}/move", {"project_id": new})
    assert data_of(moved)["project_id"] == new
