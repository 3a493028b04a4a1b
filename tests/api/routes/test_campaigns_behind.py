"""Campaigns that will miss a target, chosen in the list of campaigns."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.application import Goatherd, Tenant, data_of

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def creator(home: Tenant) -> str:
    """A creator whose video gained 900 views ten days ago, and none since."""
    creator_id: str = home.add(f"goat.{uuid4().hex[:20]}")["id"]
    home.found(creator_id, "77", posted_at=NOW - 12 * DAY)
    for days_ago, views in ((11, 100), (10, 1_000), (1, 1_000)):
        home.saw_videos(creator_id, {"77": views}, at=NOW - days_ago * DAY)
    return creator_id


def campaign(tenant: Tenant, creator: str, **fields: Any) -> str:  # noqa: ANN401
    path = f"/projects/{tenant.project_id}/campaigns"
    days = {
        "starts_on": (NOW - 20 * DAY).date().isoformat(),
        "target_at": (NOW + 5 * DAY).isoformat(),
    }
    made = data_of(tenant.post(path, {"name": "C", **days, **fields}), status=201)
    items = [{"item_type": "creator", "item_id": creator}]
    answer = tenant.post(f"/campaigns/{made['id']}/items", {"items": items})
    assert answer.status_code == 201, answer.text
    tenant.goatherd.catch_up()
    return made["id"]


def behind(tenant: Tenant, **params: str) -> list[str]:
    answer = tenant.get("/campaigns", params={"behind": "true", **params})
    return [row["id"] for row in data_of(answer)]


def test_only_campaigns_that_will_miss_a_target_are_behind(
    goatherd: Goatherd, home: Tenant, creator: str
):
    views = campaign(home, creator, target_views=50_000)
    posts = campaign(home, creator, target_views=500, target_posts=40)
    campaign(home, creator, target_views=500)
    campaign(home, creator)
    campaign(home, creator, target_views=50_000, target_at=None)
    campaign(home, creator, target_views=50_000, target_at=(NOW - DAY).isoformat())
    deleted = campaign(home, creator, target_views=50_000)
    home.delete(f"/campaigns/{deleted}")
    home.goatherd.catch_up()

    assert behind(home) == [posts, views]
    assert behind(home, project_id=str(home.project_id)) == [posts, views]
    assert behind(home, project_id=str(uuid4())) == []
    assert behind(home, search="nothing of that name") == []
    assert behind(goatherd.tenant()) == []
    first = home.get("/campaigns", params={"behind": "true", "limit": 1})
    cursor = first.json()["meta"]["nextCursor"]
    assert behind(home, limit="1") + behind(home, cursor=cursor) == [posts, views]


def test_a_wrong_choice_of_campaigns_behind_is_named_as_clients_write_it(home: Tenant):
    answer = home.get("/campaigns", params={"behind": "maybe"})

    assert answer.status_code == 400
    assert [one["path"] for one in answer.json()["meta"]["fields"]] == ["/behind"]
