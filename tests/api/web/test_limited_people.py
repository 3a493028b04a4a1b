"""Pages for people who are limited to some projects: nothing of the others is there."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from uuid import UUID, uuid4

import pytest
from litestar.routes import HTTPRoute

from api.http.route_info import RouteInfo
from domain.events import MemberRole
from domain.organization.roles import scopes_of
from tests.browser.places import QUERIES, places
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.documented import assembled
from tests.kit.markup import Element, read
from tests.kit.operations import ids_of
from tests.kit.people import member_of, owner_of
from tests.kit.visitor import Visitor

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}")
_NAME = re.compile(r"{(\w+)(?::\w+)?}")
# Streams of events do not end.
# The person's own choices and account, and files of chosen rows.
OF_THEMSELVES = (
    *("/you", "/sign-out", "/creators/columns", "/campaigns/compare"),
    *("/campaigns/chosen.csv", "/notifications/read"),
)
PAGES = [path for path in places() if not path.endswith("/stream")]


class World:
    """An organization with two projects, and people with every role."""

    def __init__(self, goatherd: Goatherd) -> None:
        self.tenant = goatherd.tenant()
        second = data_of(self.tenant.post("/projects", {"name": "Rival"}), status=201)
        rival = Tenant(
            goatherd,
            organization_id=self.tenant.organization_id,
            project_id=UUID(second["id"]),
            key_id=self.tenant.key_id,
            key=self.tenant.key,
        )
        self.own, self.other = ids_of(self.tenant), ids_of(rival)
        rival.saw(self.other["creator_id"], follower_count=7_654_300_000)
        views = {str(uuid4().int % 10**18 + 10**18): 8_765_400_000}
        rival.found(self.other["creator_id"], next(iter(views)))
        rival.saw_videos(self.other["creator_id"], views)
        goatherd.catch_up()
        project_ids = [str(self.tenant.project_id)]
        self.whole: dict[MemberRole, Visitor] = {}
        self.whole["owner"] = owner_of(self.tenant).browser
        self.limited: dict[MemberRole, Visitor] = {}
        roles: tuple[MemberRole, ...] = ("admin", "member", "viewer")
        for role in roles:
            self.whole[role] = member_of(self.tenant, role=role).browser
        for role in roles[1:]:
            colleague = member_of(self.tenant, role=role, project_ids=project_ids)
            self.limited[role] = colleague.browser
        hidden = {
            n: i
            for n, i in self.other.items()
            if n
            not in {
                *("key_id", "view_id", "person_id", "invitation_id"),
                *("webhook_id", "delivery_id", "channel_id"),
            }
        }
        texts = [*map(re.escape, hidden.values()), "Rival"]
        # Numbers as they are written with commas, in short, and in full.
        numbers = [r"7,?654,?3\d\d,?\d{3}", r"8,?765,?4\d\d,?\d{3}", "7.65B", "8.77B"]
        self.hidden = re.compile("|".join([*texts, *numbers]))


@pytest.fixture(scope="module")
def world(goatherd: Goatherd) -> World:
    return World(goatherd)


@cache
def routes() -> Mapping[str, RouteInfo]:
    """The declarations of pages, by path."""
    return {
        route.path_format: RouteInfo.of(route.route_handler_map["GET"][0])
        for route in assembled().routes
        if isinstance(route, HTTPRoute) and "GET" in route.route_handler_map
    }


def address(path: str, ids: Mapping[str, str]) -> str:
    query = QUERIES.get(path, "").format(**ids)
    # Every log has a first position; it is of no organization's own.
    known = {"position": "1", **ids}
    return _NAME.sub(lambda name: known.get(name[1], "unknown"), path) + query


def test_no_page_has_anything_of_another_project(
    world: World, subtests: pytest.Subtests
):
    found_by_all: set[str] = set()
    for path in PAGES:
        own, other = address(path, world.own), address(path, world.other)
        for role, visitor in world.limited.items():
            with subtests.test(path, role=role):
                answer = visitor.get(own)

                assert answer.status_code < 500, answer.text
                assert not world.hidden.search(answer.text), answer.text
            if other != own:
                with subtests.test(path, role=role, of="another project"):
                    answer = visitor.get(other)

                    assert answer.status_code in {301, 303, 403, 404}
                    shown = answer.text
                    for id_ in world.other.values():
                        shown = shown.replace(id_, "")
                    assert not world.hidden.search(shown)
        whole = world.whole["viewer"].get(own)
        found_by_all |= {*world.hidden.findall(whole.text)}
    # The same pages have all of it for people who are not limited.
    assert {"Rival", world.other["confirm"]} <= found_by_all


def test_pages_about_all_projects_are_about_those_that_a_person_may_see(
    world: World, subtests: pytest.Subtests
):
    for path in ("/", "/creators", "/videos", "/campaigns", "/activity", "/projects"):
        with subtests.test(path):
            answer = world.limited["viewer"].get(f"{path}?project=all")

            assert answer.status_code == 200, answer.text
            assert not world.hidden.search(answer.text)


def test_each_role_opens_the_pages_of_its_scopes(
    world: World, subtests: pytest.Subtests
):
    for path in PAGES:
        for role, visitor in world.whole.items():
            with subtests.test(path, role=role):
                route = routes()[path]
                answer = visitor.get(address(path, world.own))

                may = route.scope in {None, *scopes_of(role)}
                is_refused = not may or route.is_operator_only
                assert (answer.status_code == 403) is is_refused, answer.text


def test_limited_people_open_the_pages_that_others_with_the_role_open(world: World):
    different: set[str] = set()
    # The inbox leads to that of the project in which a visitor was last.
    for path in {*PAGES} - {"/inbox"}:
        for role, visitor in world.limited.items():
            place = address(path, world.own)
            found = visitor.get(place).status_code
            if found != world.whole[role].get(place).status_code:
                assert found == 404, path
                different.add(path)

    declared = {path for path in PAGES if routes()[path].is_of_whole_organization}
    assert different == declared
    assert {"/members", "/settings/keys", "/settings/sources", "/audit"} <= declared


def test_pages_do_not_remember_an_organization_for_limited_people(world: World):
    owner = world.whole["owner"]
    # A new project makes pages forget what they know of the organization.
    fields = {"name": "Rival again", "description": ""}
    answer = owner.post("/projects", {**fields, "csrf": owner.csrf_in("/projects")})
    assert answer.status_code == 303, answer.text
    world.tenant.goatherd.catch_up()

    for visitor, is_there in (
        (owner, True),
        (world.limited["member"], False),
        (owner, True),
    ):
        answer = visitor.get("/creators?project=all")
        assert ("Rival" in answer.text) is is_there


@cache
def pages_of(world: World, visitor: Visitor) -> Mapping[str, Element]:
    """Every page that a visitor may open, by its path."""
    answers = {path: visitor.get(address(path, world.own)) for path in PAGES}
    return {
        path: read(answer.text)
        for path, answer in answers.items()
        if answer.headers.get("content-type", "").startswith("text/html")
        and answer.status_code == 200
    }


def offered_on_pages(world: World, visitor: Visitor) -> set[str]:
    """The actions that buttons on pages offer to a visitor."""
    found: set[str] = set()
    for page in pages_of(world, visitor).values():
        for form in page.all("form", method="post"):
            for button in form.all("button"):
                if button.attributes.get("type") == "button":
                    continue
                action = button.attributes.get("formaction") or form["action"]
                found.add(without_ids(world, action).partition("?")[0])
    return {action for action in found if not action.startswith(OF_THEMSELVES)}


def without_ids(world: World, path: str) -> str:
    """A path with the names of ids in place of the ids."""
    for name, id_ in (*world.own.items(), *world.other.items()):
        path = path.replace(id_, f"{{{name}}}")
    return path


def test_a_page_offers_nothing_that_would_be_refused(
    world: World, subtests: pytest.Subtests
):
    for people in (world.whole, world.limited):
        with subtests.test("viewer", limited=people is world.limited):
            assert offered_on_pages(world, people["viewer"]) == set()
    member, limited = (
        offered_on_pages(world, people["member"])
        for people in (world.whole, world.limited)
    )

    # There is only one project for them, so that nothing moves, and none is archived.
    moves = {"/creators/move", "/creators/{creator_id}/settings/move"}
    archive = "/projects/{project_id}/settings/archive"
    own = ("/views/", "/alerts/rules")
    gone = {each for each in member - limited if not each.startswith(own)}
    assert gone == {"/projects", archive, *moves}
    assert limited <= member | {"/inbox"}


def test_no_link_of_a_page_leads_to_one_that_is_refused(
    world: World, subtests: pytest.Subtests
):
    people = {
        "admin": world.whole["admin"],
        "member": world.limited["member"],
        "viewer": world.limited["viewer"],
    }
    for role, visitor in people.items():
        links: dict[str, tuple[str, str]] = {}
        for path, page in pages_of(world, visitor).items():
            forms = page.all("form", method="get")
            actions = [form.attributes.get("action", path) for form in forms]
            hrefs = [a["href"] for a in page.all("a") if "href" in a.attributes]
            for link in filter(is_of_pages, [*actions, *hrefs]):
                kind = without_ids(world, link).partition("?")[0]
                # Videos that were removed have no page.
                if not _ID.search(kind):
                    links.setdefault(kind, (path, link))
        assert "/creators/{creator_id}" in links
        for path, link in links.values():
            with subtests.test(link, role=role, on=path):
                answer = visitor.get(link)

                assert answer.status_code not in {403, 404}, answer.text


def is_of_pages(link: str) -> bool:
    """Tell whether a link leads to one of the pages for people who are signed in."""
    path = link.partition("?")[0]
    is_whole = path.startswith("/") and not path.startswith("//")
    return is_whole and not path.startswith(("/static", "/docs", "/images"))


def test_messages_about_rights_speak_of_the_role_of_a_person_and_of_a_key(world: World):
    with_key = Visitor(world.tenant.goatherd)
    with_key.sign_in(world.tenant.with_key("read").key)

    for visitor in (*world.whole.values(), *world.limited.values()):
        for path, page in pages_of(world, visitor).items():
            assert not re.search(r"(?i)\byour key\b", page.text), path
    refused = world.whole["viewer"].see("/members", status=403).one("main").text
    assert "This needs an admin, and you are a viewer." in refused
    assert "Ask an owner or admin of your organization for it." in refused
    assert "Your key may not do this" in with_key.see("/members", status=403).text
    settings = f"/creators/{world.own['creator_id']}/settings"
    assert "You can only read." in world.limited["viewer"].see(settings).text
    assert "Your key can only read." in with_key.see(settings).text


def test_people_see_only_what_they_manage(world: World):
    admin, member = world.whole["admin"], world.limited["member"]
    for visitor, manages in ((admin, True), (member, False)):
        assert ("Manage projects" in visitor.see("/?project=all").text) is manages
        found = visitor.see("/settings/personal-data").all("input", id="search")
        assert bool(found) is manages


def test_forms_offer_limited_people_only_what_they_may_choose(
    world: World, subtests: pytest.Subtests
):
    """Each choice of a project in a form that writes is one of their own things."""
    own = {world.own[name] for name in world.own}
    with_choice: set[tuple[str, str]] = set()
    for path in PAGES:
        answer = world.limited["member"].get(address(path, world.own))
        if (
            answer.status_code != 200
            or "text/html" not in answer.headers["content-type"]
        ):
            continue
        for name, values in _choices_of_projects(read(answer.text)):
            with subtests.test(path, field=name):
                with_choice.add((path, name))
                things = {value.rpartition(":")[2] for value in values}
                # A form about one thing has its kind and its id apart.
                assert things - {"creator", "campaign", "project", "report"} <= own

    assert with_choice >= {
        ("/reports", "about"),
        ("/creators/add", "project_id"),
        ("/alerts/rules/new", "scope"),
    }


def _choices_of_projects(page: Element) -> Iterator[tuple[str, list[str]]]:
    """The fields of forms that write, whose values are projects or things in them."""
    for form in page.all("form", method="post"):
        fields: dict[str, list[str]] = {}
        for select in form.all("select"):
            values = [each.attributes["value"] for each in select.all("option")]
            fields[select.attributes.get("name", "")] = values
        for given in form.all("input"):
            if given.attributes.get("type") in {"radio", "hidden"}:
                name = given.attributes.get("name", "")
                fields.setdefault(name, []).append(given.attributes.get("value", ""))
        for name, values in fields.items():
            if name in {"about", "scope", "project_id", "project", "scope_id"}:
                yield name, values


def test_a_choice_beyond_their_projects_is_refused_with_its_field(world: World):
    visitor, project = world.limited["member"], world.other["project_id"]
    goatherd = world.tenant.goatherd

    for about in ("org", f"project:{project}"):
        page = visitor.see("/reports")
        answer = visitor.submit(page, "/reports", name="All", about=about)
        field = read(answer.text).one("div", class_="field bad")

        assert field.all("select", name="about"), field.text
        assert "that you may see" in field.text
        assert "No such" not in answer.text
    goatherd.catch_up()
    names = [each["name"] for each in data_of(world.tenant.get("/reports"))]
    assert "All" not in names
