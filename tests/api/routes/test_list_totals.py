"""Totals of GET /creators count a TikTok account once, in however many projects."""

from typing import Any
from uuid import UUID

import pytest

from tests.kit.application import Tenant, ago, data_of

DAYS = {"period": "7d", "sort": "followers", "status": "all"}


def tracked(tenant: Tenant, project_id: object, handle: str, **seen: Any) -> str:  # noqa: ANN401
    """Add a creator to a project; ``seen`` are its user id, followers and views."""
    path = f"/projects/{project_id}/creators"
    sent = tenant.post(path, {"tiktok_handle": handle})
    creator_id = data_of(sent, status=201)["id"]
    for days_ago, followers in seen["followers"]:
        tenant.saw(
            creator_id,
            observed_at=ago(days_ago),
            follower_count=followers,
            user_id=seen["user_id"],
        )
    for days_ago, views in seen.get("views", ()):
        within = Tenant(
            tenant.goatherd,
            organization_id=tenant.organization_id,
            project_id=UUID(str(project_id)),
            key_id=tenant.key_id,
            key=tenant.key,
        )
        if days_ago == seen["views"][0][0]:
            within.found(creator_id, "71", posted_at=ago(60))
        within.saw_videos(creator_id, {"71": views}, at=ago(days_ago))
    return creator_id


@pytest.fixture
def projects(home: Tenant) -> list[str]:
    more = [
        data_of(home.post("/projects", {"name": name}), status=201)["id"]
        for name in ("Summer", "Autumn")
    ]
    return [str(home.project_id), *more]


def totals(home: Tenant, **query: str) -> dict[str, Any]:
    home.goatherd.catch_up()
    return home.get("/creators", params={**DAYS, **query}).json()["meta"]["totals"]


def test_an_account_in_three_projects_counts_once_in_totals_over_them(
    home: Tenant, stranger: Tenant, projects: list[str]
):
    first = {"followers": [(40, 100), (20, 150), (3, 160)], "user_id": "7"}
    later = {"followers": [(5, 155), (1, 170)], "user_id": "7"}
    last = {"followers": [(4, 158)], "user_id": "7"}
    tracked(home, projects[1], "ada", **later, views=[(5, 55), (1, 80)])
    tracked(home, projects[0], "ada", **first, views=[(40, 10), (20, 50), (3, 60)])
    tracked(home, projects[2], "ada", **last, views=[(4, 58)])
    tracked(home, projects[0], "bea", followers=[(9, 900), (2, 1000)], user_id="8")
    tracked(home, projects[2], "cleo", followers=[(2, 10_000)], user_id=None)
    tracked(stranger, stranger.project_id, "bea", followers=[(2, 5)], user_id="8")

    every = totals(home)
    without_ada = totals(home, search="bea")
    one_project = totals(home, project_id=projects[0])

    # The newest followers are Summer's; the others are of the row that was first.
    assert every["accounts_counted_once"] == 1
    assert every["followers"] == 170 + 1000 + 10_000
    assert every["new_followers"] == (160 - 150) + (1000 - 900)
    assert (every["views"], every["new_views"]) == (60, 60 - 50)
    assert (without_ada["followers"], without_ada["accounts_counted_once"]) == (1000, 0)
    assert (one_project["followers"], one_project["accounts_counted_once"]) == (1160, 0)


def test_what_is_new_counts_where_the_account_was_observed_in_the_days(
    home: Tenant, projects: list[str]
):
    ended = {"followers": [(40, 100), (20, 150)], "user_id": "7"}
    tracked(home, projects[0], "ada", **ended, views=[(40, 10), (20, 50)])
    still = {"followers": [(12, 152), (1, 170)], "user_id": "7"}
    tracked(home, projects[1], "ada", **still, views=[(12, 55), (1, 80)])

    week = totals(home)
    until = {"sort": "followers", "to": str(ago(15).date())}
    early = home.get("/creators", params=until).json()["meta"]["totals"]

    assert (week["followers"], week["new_followers"]) == (170, 170 - 152)
    assert (week["views"], week["new_views"]) == (80, 80 - 55)
    assert (week["posts"], week["accounts_counted_once"]) == (0, 1)
    assert early["followers"] == 150
