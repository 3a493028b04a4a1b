"""Pages of lists by a figure: rows that do not change are on exactly one of them."""

from random import Random
from typing import Any

from tests.kit.application import Tenant, ago, data_of

SEED = 19
# Two are equal, two have fallen, and two were never observed.
VIEWS = (900, 700, 700, 500, 300, -20, -20, None, None, 2**62)
CREATOR_SORTS = ("new_views", "views", "followers", "engagement_rate", "posts")
COLUMN_SORTS = ("created_at", "tiktok_handle", "follower_count", "health")
VIDEO_SORTS = ("new_views", "new_likes", "view_count", "engagement_rate", "posted_at")
Row = dict[str, Any]


def furnish(tenant: Tenant) -> list[Row]:
    """Creators with one video each, which was seen with so many views, then more."""
    found: list[Row] = []
    for number, views in enumerate(VIEWS):
        creator = tenant.add(f"goat.{number}")
        name = f"70{number:02}"
        tenant.saw(creator["id"], observed_at=ago(3), follower_count=50)
        tenant.saw_videos(creator["id"], {name: 100}, at=ago(3), like_counts=[7])
        if views is not None:
            at = ago(1)
            tenant.saw(creator["id"], observed_at=at, follower_count=max(views, 0))
            likes = [None if views < 0 else 7 + views // 9]
            seen = {name: 100 + views}
            tenant.saw_videos(
                creator["id"], seen, at=at, like_counts=likes, comment_counts=[1],
                share_counts=[3],
            )  # fmt: skip
        video_id = tenant.found(creator["id"], name, posted_at=ago(2 + number))
        found.append({"creator": creator["id"], "video": video_id, "name": name})
    tenant.goatherd.catch_up()
    return found


def test_what_does_not_change_between_two_pages_is_on_one_of_them(home: Tenant):
    chance = Random(SEED)  # noqa: S311 - rows, not secrets
    rows = furnish(home)
    lists = [
        (path, kind, sort, order)
        for path, kind, sorts in (
            ("/creators", "creator", CREATOR_SORTS + COLUMN_SORTS),
            ("/videos", "video", VIDEO_SORTS),
        )
        for sort in sorts
        for order in ("asc", "desc")
    ]
    wrong: list[tuple[str, str, str, int]] = []
    for path, kind, sort, order in lists:
        params = {"period": "7d", "sort": sort, "order": order, "limit": "3"}
        seen: list[str] = []
        changed: set[str] = set()
        whole = data_of(home.get(path, params={**params, "limit": "100"}))
        while True:
            page = home.get(path, params=params)
            seen += [row["id"] for row in data_of(page)]
            params["cursor"] = page.json()["meta"]["nextCursor"]
            if params["cursor"] is None:
                break
            # A row of an earlier page leaves its place, or the list.
            row = next(one for one in rows if one[kind] == seen[0])
            if seen[0] not in changed:
                changed.add(seen[0])
                disturb(home, row, views=chance.choice((-500, 10_000)), sort=sort)
        unchanged = [row["id"] for row in whole if row["id"] not in changed]
        found = [id_ for id_ in seen if id_ not in changed]
        if found != unchanged:
            wrong.append((path, sort, order, len(found)))
        restore(home, rows)

    assert wrong == []


def disturb(tenant: Tenant, row: Row, *, views: int, sort: str) -> None:
    """Exclude the video of a row, or let it be seen with other views."""
    if sort in {"new_views", "views", "posts", "new_likes"}:
        assert tenant.delete(f"/videos/{row['video']}").status_code == 200
    else:
        tenant.saw_videos(row["creator"], {row["name"]: views}, at=ago(0.5))
    tenant.goatherd.catch_up()


def restore(tenant: Tenant, rows: list[Row]) -> None:
    """Include the excluded video."""
    excluded = [
        {"video_id": row["video"], "decision": "include"}
        for row in rows
        if tenant.get(f"/videos/{row['video']}").status_code == 404
    ]
    if excluded:
        path = f"/projects/{tenant.project_id}/inbox/review"
        data_of(tenant.post(path, {"decisions": excluded}))
        tenant.goatherd.catch_up()
