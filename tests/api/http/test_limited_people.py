"""People who are limited to some projects find nothing of the others, anywhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from api.http.access.auth import Authenticator, Principal
from domain.events import MemberRole
from domain.organization.roles import scopes_of
from tests.api.http.test_tenancy import reported, with_id
from tests.browser.places import is_for_people, places
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.operations import (
    OF_ORGANIZATION,
    Ask,
    ask_for,
    id_named,
    ids_of,
    operations,
    places_of_ids,
)
from tests.kit.people import added_member
from tests.kit.visitor import Visitor

ROLES: tuple[MemberRole, ...] = ("owner", "admin", "member", "viewer")
# Operations without an id, which show limited people the rows of their projects.
NARROWED = {
    *("listActivity", "listAnnotations", "listCampaigns", "listCreators"),
    *("getCreatorAmounts", "listProjects", "listScrapes", "countScrapes", "listTags"),
    *("listEvents", "listEventTypes", "getSampleEvent"),
    *("listNotifications", "readNotifications"),
    *("listVideos", "getVideoAmounts", "listViews", "listShares"),
    # A report about the whole organization is refused.
    *("listReports", "createReport"),
    "getAnalyticsSchema",
    # A view for everybody who sees the whole organization is refused.
    "createView",
    # A rule of the whole organization is refused.
    *("listAlertRules", "createAlertRule", "previewAlertRule"),
    "listProgramHealth",
    # Without the numbers of the whole organization.
    "getOrganization",
    # Their ids are lists, which have a test of their own.
    *("getMemberOverlap", "getCreatorFigures"),
}


class World:
    """An organization with two projects, and people who may see the first one."""

    def __init__(self, goatherd: Goatherd) -> None:
        self.tenant = goatherd.tenant(is_operator=True)
        second = data_of(self.tenant.post("/projects", {"name": "Rival"}), status=201)
        self.rival = self._in_project(UUID(second["id"]))
        self.own, self.other = ids_of(self.tenant), ids_of(self.rival)
        creator = self.other["creator_id"]
        # Numbers that no other ones reach, alone or in a sum.
        self.rival.saw(creator, follower_count=7_654_300_000)
        views = {str(uuid4().int % 10**18 + 10**18): 8_765_400_000}
        self.rival.found(creator, next(iter(views)))
        self.rival.saw_videos(creator, views)
        goatherd.catch_up()

    def _in_project(self, project_id: UUID) -> Tenant:
        return Tenant(
            self.tenant.goatherd,
            organization_id=self.tenant.organization_id,
            project_id=project_id,
            key_id=self.tenant.key_id,
            key=self.tenant.key,
        )


@pytest.fixture(scope="module")
def world(goatherd: Goatherd) -> World:
    return World(goatherd)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[UUID, frozenset[UUID]]:
    """The projects of keys that stand for limited people, by the id of the key."""
    limits: dict[UUID, frozenset[UUID]] = {}
    find = Authenticator.principal_of

    async def limited(self: Authenticator, digest: bytes) -> Principal:
        principal = await find(self, digest)
        if principal.key_id not in limits:
            return principal
        project_ids = limits[principal.key_id]
        return replace(principal, project_ids=project_ids, is_operator=False)

    monkeypatch.setattr(Authenticator, "principal_of", limited)
    return limits


def limited_to(
    tenant: Tenant,
    limits: dict[UUID, frozenset[UUID]],
    *projects: UUID,
    role: MemberRole = "member",
) -> Tenant:
    """A person with the role who may see these projects of the organization."""
    person = tenant.with_key(*scopes_of(role))
    limits[person.key_id] = frozenset(projects)
    return person


def test_every_operation_names_an_id_or_is_narrowed_or_refused():
    for operation in operations().values():
        is_refused = "Not there for people who are limited" in str(operation.details)
        is_admin = "Needs the scope `admin`" in str(operation.details)
        assert (
            is_refused
            or is_admin
            or places_of_ids(operation)
            or operation.id in NARROWED
        ), operation.id


def test_an_id_of_another_project_is_answered_like_one_that_never_was(
    world: World, limits: dict[UUID, frozenset[UUID]], subtests: pytest.Subtests
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)
    for operation in operations().values():
        for place, name in places_of_ids(operation):
            with subtests.test(operation.id, place=place, name=name):
                kept = person.goatherd.kept()
                ask = ask_for(operation, world.own)
                foreign, random = id_named(name, world.other), str(uuid4())

                answers = [
                    reported(
                        with_id(replace(ask), place, name, id_, world.own).made_by(
                            person
                        ),
                        id_,
                    )
                    for id_ in (foreign, random)
                ]

                assert answers[0] == answers[1]
                assert answers[0][0] in {200, 403, 404, 410}
                if place == "path":
                    assert answers[0][0] != 200
                assert person.goatherd.kept() == kept


def test_an_id_of_another_project_in_a_list_is_like_one_that_never_was(
    world: World, limits: dict[UUID, frozenset[UUID]], subtests: pytest.Subtests
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)
    of = {"metric": "views"}
    for path, name, kind, params in (
        ("/analytics/aggregate/member-overlap", "campaign_ids", "campaign_id", {}),
        ("/creators/figures", "creator_ids", "creator_id", {}),
        *(
            ("/analytics", "entity_id", f"{entity}_id", {**of, "entity": entity})
            for entity in ("creator", "project", "campaign", "video")
        ),
    ):
        with subtests.test(path, name=name, kind=kind):
            answers: list[tuple[int, str]] = []
            for id_ in (world.other[kind], str(uuid4())):
                given = {**params, name: f"{world.own[kind]},{id_}"}
                answers.append(reported(person.get(path, params=given), id_))

            assert answers[0] == answers[1]


def test_no_answer_has_anything_of_another_project(
    world: World, limits: dict[UUID, frozenset[UUID]]
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)

    found = leaks(person, world)
    # The same questions of somebody who is not limited find the other project.
    without = leaks(world.tenant.with_key("read", "write"), world)

    assert found == {}
    assert {each for hidden in without.values() for each in hidden} >= {
        *("project_id", "creator_id", "scrape_id", "video_id", "campaign_id"),
        *(
            "inner_id",
            "annotation_id",
            "share_id",
            "confirm",
            "name",
            "followers",
            "views",
        ),
    }


def leaks(person: Tenant, world: World) -> dict[str, set[str]]:
    """The things of the other project in the answers to all reads, by operation."""
    hidden = {n: i for n, i in world.other.items() if n not in OF_ORGANIZATION}
    hidden |= {"name": "Rival", "followers": "^!", "views": "^!"}
    patterns = {name: re.compile(re.escape(text)) for name, text in hidden.items()}
    patterns["followers"] = re.compile(r"\b76543\d{5}\b")
    patterns["views"] = re.compile(r"\b87654\d{5}\b")
    found: dict[str, set[str]] = {}
    seen = ""
    for operation in operations().values():
        if operation.method != "GET":
            continue
        for answer in _answers(person, operation.id, world.own):
            assert answer.status_code in {200, 403, 404, 410}, answer.text
            seen += answer.text if answer.status_code == 200 else ""
            these = {n for n, each in patterns.items() if each.search(answer.text)}
            if these:
                found.setdefault(operation.id, set()).update(these)
    shown = {n: i for n, i in world.own.items() if n not in OF_ORGANIZATION}
    assert [name for name, id_ in shown.items() if id_ not in seen] == []
    return found


def _answers(
    person: Tenant, operation_id: str, own: Mapping[str, str]
) -> Iterator[httpx.Response]:
    operation = operations()[operation_id]
    ask = ask_for(operation, own)
    yield ask.made_by(person)
    named = {parameter.get("name") for parameter in operation.details["parameters"]}
    for params in (
        {"limit": "100"},
        {"search": "goat"},
        {"format": "csv"},
        {"period": "30d"},
    ):
        if named >= {*params}:
            yield Ask(
                method="GET", path=ask.path, params={**ask.params, **params}
            ).made_by(person)


def test_a_route_answers_each_role_by_its_scope(
    world: World, limits: dict[UUID, frozenset[UUID]], subtests: pytest.Subtests
):
    whole = {role: world.tenant.with_key(*scopes_of(role)) for role in ROLES}
    narrow = {
        role: limited_to(world.tenant, limits, world.tenant.project_id, role=role)
        for role in ROLES[2:]
    }
    for operation in operations().values():
        needed = re.search(r"Needs the scope `(\w+)`", str(operation.details))
        assert needed is not None
        is_refused = "Not there for people who are limited" in str(operation.details)
        nobody = {**world.own, **{name: str(uuid4()) for name in world.own}}
        for role in ROLES:
            may = needed[1] in scopes_of(role)
            with subtests.test(operation.id, role=role):
                # Nothing has these ids, so that nothing changes.
                answer = ask_for(operation, nobody).made_by(whole[role])
                assert (answer.status_code == 403) is (not may), answer.text
            if role not in narrow:
                continue
            with subtests.test(operation.id, role=f"limited {role}"):
                answer = ask_for(operation, nobody).made_by(narrow[role])
                if is_refused:
                    assert code_of(answer) == (404, "not_found")
                else:
                    assert (answer.status_code == 403) is (not may), answer.text


def test_the_organization_has_no_usage_for_them(
    world: World, limits: dict[UUID, frozenset[UUID]]
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)

    shown = data_of(person.get("/organization"))

    assert shown["usage"] is None
    assert shown["name"] == data_of(world.tenant.get("/organization"))["name"]


def test_no_page_tells_limited_people_of_another_project(
    world: World, limits: dict[UUID, frozenset[UUID]], subtests: pytest.Subtests
):
    tenant = world.tenant
    viewer = limited_to(tenant, limits, tenant.project_id, role="viewer")
    everything, limited = Visitor(tenant.goatherd), Visitor(tenant.goatherd)
    everything.sign_in(tenant.key)
    limited.sign_in(viewer.key)
    paths = [path for path in places() if is_for_people(path) and "{" not in path]
    assert len(paths) > 15
    seen = 0
    for path in paths:
        with subtests.test(path):
            # The names are kept for some seconds, for the same rights alone.
            seen += "Rival" in everything.get(path).text
            answer = limited.get(path)

            assert answer.status_code < 500
            assert "Rival" not in answer.text
    assert seen > 5


@pytest.mark.parametrize("history", ("whole", "stay"))
def test_a_creator_that_moved_in_tells_nothing_of_the_project_it_left(
    world: World, limits: dict[UUID, frozenset[UUID]], history: str
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)
    rival = str(world.rival.project_id)
    creator = world.rival.add(f"moved.{uuid4().hex[:18]}", description="Sells goats.")
    campaign = world.rival.campaign("Rivals", ("creator", creator["id"]))
    world.rival.found(creator["id"])
    path = f"/creators/{creator['id']}"
    data_of(world.rival.patch(path, {"description": "Sells sheep."}))
    world.tenant.goatherd.catch_up()
    before = world.tenant.goatherd.head
    move = {"project_id": str(world.tenant.project_id), "history": history}
    data_of(world.tenant.post(f"{path}/move", move))
    data_of(world.tenant.patch(path, {"description": "Sells wool."}))
    data_of(world.tenant.post(f"{path}/scrape"), status=202)
    world.tenant.goatherd.catch_up()

    entries = data_of(person.get(f"{path}/history", params={"limit": "100"}))
    moved = next(each for each in entries if each["event"] == "creator_moved")
    earlier = person.get(path, params={"as_of": str(before)})
    diff = data_of(person.get(f"{path}/diff", params={"from": str(before)}))
    answers = [
        person.get(each, params={"limit": "100"})
        for each in (f"{path}/history", f"{path}/scrapes", "/activity", "/scrapes")
    ]

    assert re.fullmatch("Moved from another project by .+", moved["summary"])
    # Asked for, the other project has no more activity than one that is not there.
    of_rival = data_of(person.get("/activity", params={"project_id": rival}))
    assert of_rival == []
    assert data_of(world.tenant.get("/activity", params={"project_id": rival}))
    assert "creator_added" not in {each["event"] for each in entries}
    assert code_of(earlier) == (404, "not_found")
    assert diff["was_there"] is False
    for answer in (*answers, earlier, person.get(f"{path}/diff", params={"from": "1"})):
        assert not re.search(f"{rival}|{campaign}|Rival|Sells goats", answer.text)
    # Others see where it was.
    everything = world.tenant.get(f"{path}/history", params={"limit": "100"}).text
    assert rival in everything
    assert campaign in everything


def test_a_creator_that_came_back_tells_nothing_of_the_time_before(
    world: World, limits: dict[UUID, frozenset[UUID]]
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)
    own, rival = str(world.tenant.project_id), str(world.rival.project_id)
    creator = world.tenant.add(f"returned.{uuid4().hex[:15]}")["id"]
    path = f"/creators/{creator}"
    for project_id in (rival, own):
        move = {"project_id": project_id, "history": "whole"}
        data_of(world.tenant.post(f"{path}/move", move))
        if project_id == rival:
            handle = {"tiktok_handle": f"elsewhere.{uuid4().hex[:14]}"}
            data_of(world.tenant.patch(path, handle))
            note = {"scope": "creator", "scope_id": creator, "text": "Grazes."}
            note |= {"starts_on": "2026-05-01", "ends_on": "2026-05-01"}
            data_of(world.tenant.post("/analytics/annotations", note), status=201)
    world.tenant.goatherd.catch_up()

    def shown(tenant: Tenant) -> tuple[list[str], list[str], list[str]]:
        of_creator = {"limit": "100", "creator_id": creator}
        activity = data_of(tenant.get("/activity", params=of_creator))
        about = {"limit": "100", "scope": "creator", "scope_id": creator}
        annotations = data_of(tenant.get("/analytics/annotations", params=about))
        events = data_of(tenant.get("/events", params={"limit": "100"} | of_creator))
        return (
            [each["kind"] for each in activity],
            [each["text"] for each in annotations],
            [each["type"] for each in events],
        )

    whole, narrow = shown(world.tenant), shown(person)
    assert [len(each) for each in whole] == [5, 5, 4]
    assert narrow[0] == ["moved"]
    assert sorted(narrow[1]) == ["Grazes.", "Moved to another project"]
    assert narrow[2] == ["creator.moved"]


def test_a_creator_that_moved_away_is_not_there_any_more(
    world: World, limits: dict[UUID, frozenset[UUID]]
):
    person = limited_to(world.tenant, limits, world.tenant.project_id)
    handle = f"gone.{uuid4().hex[:18]}"
    creator = world.tenant.add(handle)
    world.tenant.saw(creator["id"], follower_count=5_432_100_000)
    video = world.tenant.found(creator["id"])
    path = f"/creators/{creator['id']}"
    move = {"project_id": str(world.rival.project_id), "history": "stay"}
    data_of(world.tenant.post(f"{path}/move", move))
    world.tenant.goatherd.catch_up()

    for each in (path, f"{path}/history", f"{path}/scrapes", f"/videos/{video}"):
        assert code_of(person.get(each)) == (404, "not_found"), each
    of_project = {"project_id": str(world.tenant.project_id)}
    for each, params in (
        ("/creators", {"status": "all", "limit": "100"}),
        ("/creators", {"search": handle[:10]}),
        ("/videos", of_project),
        ("/activity", {"limit": "100"}),
        ("/analytics/kpis", of_project),
        ("/analytics/aggregate/creator-leaderboard", of_project),
    ):
        answer = person.get(each, params=params)
        assert answer.status_code == 200, answer.text
        assert not re.search(f"{creator['id']}|{handle}|{video}|54321", answer.text)
    acts: list[tuple[str, dict[str, Any]]] = [
        ("PATCH", {"json": {"description": "Ours."}}),
        ("DELETE", {}),
    ]
    for method, sent in acts:
        answer = person.ask(method, path, **sent)
        assert code_of(answer) == (404, "not_found")


def test_a_handle_that_moved_out_of_sight_is_refused_in_the_words_of_any_other(
    world: World,
):
    tenant, rival = world.tenant, world.rival
    person_id = added_member(
        tenant.goatherd.store,
        tenant.organization_id,
        role="member",
        project_ids=(tenant.project_id,),
    )
    person = tenant.with_key("read", "write", person_id=person_id)
    own, moved, removed, passing = (f"{word}.{uuid4().hex[:16]}" for word in
                                    ("own", "moved", "removed", "passing"))  # fmt: skip
    tenant.add(own)
    names = tenant.goatherd.store.names
    ids = {handle: tenant.add(handle)["id"] for handle in (moved, removed)}
    video = f"{uuid4().int % 10**18 + 10**18}"
    tenant.found(ids[moved], video, pseudonym=names.pseudonym(video))
    ids[passing] = rival.add(passing)["id"]
    data_of(tenant.post(f"/creators/{ids[passing]}/move",
                        {"project_id": str(tenant.project_id)}))  # fmt: skip
    for id_ in ids.values():
        to = {"project_id": str(rival.project_id)}
        data_of(tenant.post(f"/creators/{id_}/move", to))
    data_of(tenant.delete(f"/creators/{ids[removed]}"))
    tenant.goatherd.catch_up()

    refused = {
        handle: person.post(tenant.creators, {"tiktok_handle": handle})
        for handle in (own, moved, removed)
    }
    url = f"https://www.tiktok.com/@{moved}/video/{video}"
    watched = person.post(f"/projects/{tenant.project_id}/videos", {"url": url})
    renamed = person.add(f"new.{uuid4().hex[:16]}")["id"]
    data_of(person.patch(f"/creators/{renamed}", {"description": "ours"}))
    rename = person.patch(f"/creators/{renamed}", {"tiktok_handle": moved})

    said = {
        re.sub(handle, "HANDLE", re.sub("trace[^,]+|[0-9a-f-]{36}", "", answer.text))
        for handle, answer in (*refused.items(), (moved, rename))
    }
    assert {code_of(each) for each in (*refused.values(), rename, watched)} == {
        (409, "handle_taken")
    }
    assert len(said) == 1
    assert "moved" not in watched.text.replace(moved, "")
    assert "other project" not in watched.text
    # Nothing of a creator is left where it only was in between.
    came_and_went = person.post(tenant.creators, {"tiktok_handle": passing})
    assert came_and_went.status_code == 201, came_and_went.text
    assert came_and_went.json()["data"]["id"] != ids[passing]
