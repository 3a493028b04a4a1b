"""/views: filters, an order and columns of lists, saved for one or for everybody."""

from typing import Any
from uuid import UUID

import pytest

from application.accounts.operators import erase
from domain.messages import MemberRole
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of
from tests.kit.builders import asking
from tests.kit.people import added_member

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


def person_in(
    home: Tenant, *projects: UUID, role: MemberRole = "member"
) -> tuple[UUID, Tenant]:
    """Somebody in the organization, and their own key."""
    store = home.goatherd.store
    person_id = added_member(
        store, home.organization_id, role=role, project_ids=projects or None
    )
    home.goatherd.catch_up()
    scopes = ("read", "write", "admin") if role == "admin" else ("read", "write")
    return person_id, home.with_key(*scopes, person_id=person_id)


def test_a_view_for_me_is_there_for_nobody_else(home: Tenant):
    # given two colleagues, an admin, the organization's own key, and a view of one
    (ada_id, ada), (_, ben), (_, boss) = (
        person_in(home),
        person_in(home),
        person_in(home, role="admin"),
    )
    view = saved(ada, **{"for": "me", "name": "Only mine"})
    reader, kept = home.with_key("read"), home.goatherd.kept()

    # then nobody else finds it, and nobody changes it
    path = f"/views/{view['id']}"
    assert (view["for"], view["owner_id"]) == ("me", str(ada_id))
    assert data_of(ada.get(path)) == view
    assert names(ada) == ["Stopped posting", "Only mine"]
    for other in (ben, boss, home, reader):
        assert names(other) == ["Stopped posting"]
        assert code_of(other.get(path)) == (404, "not_found")
    for other in (ben, boss, home):
        for answer in (
            other.patch(path, {"name": "Ours"}),
            other.patch(path, {"for": "everyone"}),
            other.delete(path),
        ):
            assert code_of(answer) == (404, "not_found")
            assert "Only mine" not in answer.text
    assert home.goatherd.kept() == kept
    for event_path in ("/events", "/activity", "/audit"):
        assert "Only mine" not in home.get(event_path, params={"limit": "100"}).text


def test_a_view_becomes_everybodys_and_ones_own_again(home: Tenant):
    (ada_id, ada), (_, ben), (boss_id, boss) = (
        person_in(home),
        person_in(home),
        person_in(home, role="admin"),
    )
    path = f"/views/{saved(ada, **{'for': 'me'})['id']}"

    shared = data_of(ada.patch(path, {"for": "everyone"}))
    home.goatherd.catch_up()

    assert (shared["for"], shared["owner_id"]) == ("everyone", str(ada_id))
    for reader in (ben, boss, home):
        assert data_of(reader.get(path)) == shared
    assert code_of(ben.patch(path, {"for": "me"})) == (403, "view_of_another")
    refused = home.patch(path, {"for": "me"})
    assert code_of(refused) == (400, "invalid_body")
    assert refused.json()["meta"]["fields"][0]["path"] == "/for"
    # An admin takes it over.
    taken = data_of(boss.patch(path, {"for": "me"}))
    home.goatherd.catch_up()
    assert (taken["for"], taken["owner_id"]) == ("me", str(boss_id))
    assert code_of(ada.get(path)) == (404, "not_found")
    assert data_of(boss.get(path)) == taken


def test_a_view_for_everybody_is_for_those_who_see_its_project(home: Tenant):
    other = data_of(home.post("/projects", {"name": "Rival"}), status=201)["id"]
    _, limited = person_in(home, home.project_id)
    _, rival = person_in(home, UUID(other))
    ours, theirs = (f"project_id={each}" for each in (home.project_id, other))

    mine = saved(limited, name="Ours", query=ours)
    saved(home, name="All", query="")
    saved(limited, **{"name": "Alone", "query": "", "for": "me"})

    assert mine["project_id"] == str(home.project_id)
    assert names(limited) == ["Stopped posting", "Ours", "Alone"]
    assert names(rival) == ["Stopped posting"]
    assert names(home) == ["Stopped posting", "Ours", "All"]
    path = f"/views/{mine['id']}"
    assert code_of(rival.get(path)) == (404, "not_found")
    assert code_of(rival.delete(path)) == (404, "not_found")
    kept = home.goatherd.kept()
    for answer in (
        limited.post("/views", {**VIEW, "query": ""}),
        limited.post("/views", {**VIEW, "query": theirs}),
        limited.patch(path, {"query": theirs}),
    ):
        assert code_of(answer) == (404, "not_found")
        assert answer.json()["meta"]["fields"][0]["path"] == "/query"
    assert home.goatherd.kept() == kept
    data_of(home.patch(path, {"query": theirs}))
    home.goatherd.catch_up()
    assert names(limited) == ["Stopped posting", "Alone"]
    assert names(rival) == ["Stopped posting", "Ours"]


def test_keys_of_the_organization_save_no_view_for_one_person(home: Tenant):
    answer = home.post("/views", {**VIEW, "for": "me"})

    assert code_of(answer) == (400, "invalid_body")
    assert answer.json()["meta"]["fields"] == [
        {
            "path": "/for",
            "message": "must be everyone: the key belongs to the organization",
        }
    ]


def test_ones_own_views_are_erased_with_the_person(home: Tenant):
    ada_id, ada = person_in(home)
    own = saved(ada, **{"for": "me", "name": "Only mine"})
    gone = saved(ada, **{"for": "me", "name": "Gone before"})
    data_of(ada.delete(f"/views/{gone['id']}"))
    shared = saved(ada, name="For all")

    erase(home.goatherd.store, ada_id, context=asking())
    home.goatherd.catch_up()

    assert names(home) == ["Stopped posting", "For all"]
    assert data_of(home.get(f"/views/{shared['id']}"))["owner_id"] == str(ada_id)
    events = home.goatherd.store.load(UUID(own["id"]))[UUID(own["id"])]
    assert [each.event.stored_name for each in events][-2:] == [
        *("view_deleted", "earlier_texts_forgotten"),
    ]
    left = home.goatherd.query(
        "SELECT subject FROM subject_keys WHERE subject = ANY(%s) "
        "AND wrapped IS NOT NULL",
        [UUID(view["id"]) for view in (own, gone, shared)],
    )
    assert left == [(UUID(shared["id"]),)]
    usage = data_of(home.get("/organization"))["usage"]
    assert usage["views"]["used"] == 1


def test_a_view_for_one_person_is_theirs_to_change_after_an_erasure(home: Tenant):
    creator_id = home.add("goat.nobody")["id"]
    _, ada = person_in(home)
    fields = {"name": "Plain", "query": "search=goat.nobody"}
    own = saved(ada, **fields, **{"for": "me"})
    shared = saved(ada, **fields)

    preview = data_of(home.get(f"/creators/{creator_id}/erase"))

    found = {
        (each["id"], each["field"]): each["change"] for each in preview["mentions"]
    }
    assert found == {
        (own["id"], "query"): None,
        (shared["id"], "query"): f"PATCH /views/{shared['id']}",
    }
    assert "Plain" not in str(preview)
