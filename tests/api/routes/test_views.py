"""/views: filters, an order and columns of lists, saved for the organization."""

from typing import Any

import pytest

from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of

VIEW: dict[str, Any] = {
    "name": "Best of spring",
    "list": "creators",
    "query": "tag=spring&sort=new_views&period=last_month",
    "columns": ["new_views", "posts"],
}


def saved(home: Tenant, **changed: object) -> dict[str, Any]:
    view = data_of(home.post("/views", {**VIEW, **changed}), status=201)
    home.goatherd.catch_up()
    return view


def names(home: Tenant, **query: str) -> list[str]:
    return [view["name"] for view in data_of(home.get("/views", params=query))]


def test_a_view_is_saved_as_it_was_sent_and_read_again(home: Tenant):
    answer = home.post("/views", VIEW)
    home.goatherd.catch_up()

    view = data_of(answer, status=201)
    assert {name: view[name] for name in VIEW} == VIEW
    assert (view["org_id"], view["is_built_in"], view["version"]) == (
        str(home.organization_id),
        False,
        1,
    )
    assert data_of(home.get(f"/views/{view['id']}")) == view
    assert names(home) == ["Stopped posting", "Best of spring"]


def test_every_organization_has_stopped_posting_from_the_start(home: Tenant):
    home.goatherd.catch_up()

    (view,) = data_of(home.get("/views"))

    assert (view["name"], view["list"]) == ("Stopped posting", "creators")
    assert view["is_built_in"] is True
    for answer in (
        home.patch(f"/views/{view['id']}", {"name": "Mine"}),
        home.delete(f"/views/{view['id']}"),
    ):
        assert code_of(answer) == (409, "built_in_view")
    creator_id = home.add("quiet")["id"]
    for days in (40, 39, 38):
        home.found(creator_id, posted_at=ago(days))
    home.add("new")
    home.goatherd.catch_up()
    rows = data_of(home.get(f"/creators?{view['query']}"))
    assert [row["tiktok_handle"] for row in rows] == ["quiet"]


def test_views_are_listed_oldest_first_page_by_page_and_by_their_list(home: Tenant):
    for name, viewed in (("A", "videos"), ("B", "campaigns"), ("C", "videos")):
        saved(home, name=name, list=viewed, query="sort=views")

    assert names(home) == ["Stopped posting", "A", "B", "C"]
    assert names(home, list="videos") == ["A", "C"]
    first = home.get("/views", params={"limit": "3"})
    cursor = first.json()["meta"]["nextCursor"]
    assert names(home, limit="3", cursor=cursor) == ["C"]
    assert code_of(home.get("/views", params={"list": "keys"})) == (
        400,
        "invalid_query",
    )


def test_a_view_is_changed_in_part_and_deleted(home: Tenant):
    path = f"/views/{saved(home)['id']}"

    changed = data_of(home.patch(path, {"name": "Spring", "columns": []}))
    home.goatherd.catch_up()

    assert (changed["name"], changed["columns"], changed["version"]) == (
        "Spring",
        [],
        2,
    )
    assert changed["query"] == VIEW["query"]
    assert data_of(home.get(path)) == changed
    stale = home.patch(path, {"name": "Late"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert data_of(home.delete(path))["name"] == "Spring"
    home.goatherd.catch_up()
    assert code_of(home.get(path)) == (404, "not_found")
    assert code_of(home.patch(path, {"name": "Back"})) == (404, "not_found")
    assert names(home) == ["Stopped posting"]
    kept = home.goatherd.query(
        "SELECT name, query, columns FROM views WHERE organization_id = %s "
        "AND deleted_at IS NOT NULL",
        home.organization_id,
    )
    assert kept == [("", "", [])]


@pytest.mark.parametrize(
    ("wrong", "path"),
    (
        ({"name": ""}, "/name"),
        ({"name": " "}, "/name"),
        ({"list": "keys"}, "/list"),
        ({"query": "hashtag=goat"}, "/query"),
        ({"query": "sort=views&sort=likes"}, "/query"),
        ({"query": "just words"}, "/query"),
        ({"query": f"search={'x' * 2000}"}, "/query"),
        ({"columns": ["<b>"]}, "/columns/0"),
        ({"colour": "red"}, "/colour"),
    ),
)
def test_a_view_that_cannot_be_is_refused_by_its_field(
    home: Tenant, wrong: dict[str, Any], path: str
):
    answer = home.post("/views", {**VIEW, **wrong})

    assert code_of(answer) == (400, "invalid_body")
    assert path in answer.text


def test_keys_that_read_see_views_and_write_none(home: Tenant):
    view = saved(home)
    reader = home.with_key("read")

    assert data_of(reader.get(f"/views/{view['id']}")) == view
    for answer in (
        reader.post("/views", VIEW),
        reader.patch(f"/views/{view['id']}", {"name": "No"}),
        reader.delete(f"/views/{view['id']}"),
    ):
        assert code_of(answer) == (403, "insufficient_scope")


def test_views_of_others_are_not_there(home: Tenant, goatherd: Goatherd):
    view = saved(home)
    other = goatherd.tenant()
    goatherd.catch_up()

    path = f"/views/{view['id']}"
    for answer in (
        other.get(path),
        other.patch(path, {"name": "Mine"}),
        other.delete(path),
        home.get(f"/views/{new_id()}"),
        other.patch(f"/views/{data_of(home.get('/views'))[0]['id']}", {"name": "x"}),
    ):
        assert code_of(answer) == (404, "not_found")


def test_the_name_and_the_query_are_not_in_the_text_of_the_log(home: Tenant):
    view = saved(home, name="About goat.nobody", query="search=goat.nobody")

    (body,) = home.goatherd.query(
        "SELECT state FROM goatherd_events WHERE originator_id = %s", view["id"]
    )[0]

    assert b"nobody" not in bytes(body)
    assert b"sealed" in bytes(body)


def test_a_plan_has_room_for_so_many_views(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    first, _ = saved(tenant), saved(tenant)
    kept = goatherd.kept()

    refused = tenant.post("/views", VIEW)

    assert code_of(refused) == (402, "limit_reached")
    assert refused.json()["error"] == (
        "The plan allows 2 saved views, and there are 2 already."
    )
    assert {
        name: refused.json()["meta"][name] for name in ("limitKey", "current", "max")
    } == {"limitKey": "max_views_per_org", "current": 2, "max": 2}
    assert goatherd.kept() == kept
    # A deleted view makes room, once.
    for _ in range(2):
        data_of(tenant.delete(f"/views/{first['id']}"))
    saved(tenant)
    assert code_of(tenant.post("/views", VIEW)) == (402, "limit_reached")
    usage = data_of(tenant.get("/organization"))["usage"]
    assert usage["views"] == {"used": 2, "limit": 2}
