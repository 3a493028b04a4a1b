"""The page of members: rights, invitations and their links, and who may do what."""

from typing import Any
from uuid import uuid4

import pytest

from domain import events as e
from tests.kit.application import Tenant, data_of
from tests.kit.markup import Element, read
from tests.kit.people import PASSWORD, Colleague, Person, member_of, owner_of
from tests.kit.visitor import Visitor

pytestmark = pytest.mark.usefixtures("followed")

PATH = "/members"


@pytest.fixture
def ada(home: Tenant) -> Person:
    """The owner of the organization."""
    return owner_of(home)


def invite(browser: Visitor, email: str, **fields: str | list[str]) -> Element:
    """Invite somebody with the form of the page."""
    csrf = browser.csrf_in(PATH)
    answer = browser.post(
        f"{PATH}/invitations",
        {"csrf": csrf, "email": email, "role": "member", **fields},
    )
    assert answer.status_code in {201, 400, 409}, answer.text
    return read(answer.text)


def link_of(page: Element) -> str:
    """The path of the link that a page shows."""
    return "/" + page.one("input", id="link")["value"].split("/", 3)[3]


def send(browser: Visitor, path: str, **fields: str) -> int:
    """Send a form of the page, and return the status."""
    return browser.post(path, {"csrf": browser.csrf_in(PATH), **fields}).status_code


def people(page: Element, label: str = "People and rights") -> list[list[str]]:
    """The cells of each row, without those of its buttons."""
    (table,) = page.all("div", aria_label=label) or [None]
    if table is None:
        return []
    return [
        [cell.text for cell in row.inside() if cell.tag in {"th", "td"}][:-1]
        for row in table.one("tbody").all("tr")
    ]


def an_address() -> str:
    return f"ben.{uuid4().hex}@example.com"


def a_project(home: Tenant, name: str) -> str:
    made = home.post("/projects", {"name": name})
    home.goatherd.catch_up()
    return data_of(made, status=201)["id"]


def test_people_stand_with_their_role_projects_and_last_visit(
    home: Tenant, ada: Person
):
    spring = a_project(home, "Spring")
    ben = member_of(home, "Ben", role="viewer", project_ids=[spring])
    ben.browser.see("/")

    page = ada.browser.see(PATH)

    assert people(page) == [
        [f"Ben {ben.email}", "Viewer", "Spring", "just now"],
        [f"Ada Alm you {ada.email}", "Owner", "All", "just now"],
    ]
    tabs = [a.text for a in page.one("nav", aria_label="Settings").all("a")]
    assert "Members" in tabs


def test_an_invitation_shows_its_link_once(home: Tenant, ada: Person):
    spring, email = a_project(home, "Spring"), an_address()

    page = invite(
        ada.browser, email, role="viewer", projects="some", project_ids=[spring]
    )

    link = link_of(page)
    # The link leads to the address at which the page was opened.
    whole = page.one("input", id="link")["value"]
    assert whole == f"http://testserver.local{link}"
    listed = ada.browser.see(PATH)
    ((address, role, projects, _),) = people(listed, "Invited addresses")
    assert (address, role, projects) == (email, "Viewer", "Spring")
    assert link.rpartition("/")[2] not in ada.browser.get(PATH).text
    assert [one["email"] for one in data_of(home.get("/invitations"))] == [email]
    words = Visitor(home.goatherd).see(link).one("main").text
    assert "Ada Alm invites you to" in words
    assert "You see the project Spring" in words


def test_a_link_to_choose_a_password_is_shown_once(home: Tenant, ada: Person):
    ben = member_of(home, "Ben", role="admin")
    path = f"{PATH}/{ben.id}/password-link"
    made = read(ada.browser.submit(ada.browser.see(f"{PATH}/{ben.id}"), path).text)
    link, visitor = link_of(made), Visitor(home.goatherd)
    # An admin opens the account of no owner, and nobody one that is of others, too.
    offered = ben.browser.see(f"{PATH}/{ada.id}").all("h2", id="link-title")
    of_owner = send(ben.browser, f"{PATH}/{ada.id}/password-link")
    changed = visitor.submit(visitor.see(link), link, password=PASSWORD)
    elsewhere = home.goatherd.tenant().organization_id
    home.goatherd.append(elsewhere, e.MemberAdded(person_id=ben.id, role="viewer"))
    home.goatherd.catch_up()
    refused = ada.browser.submit(ada.browser.see(f"{PATH}/{ben.id}"), path)

    assert link.startswith("/password/")
    assert link.rpartition("/")[2] not in ada.browser.get(f"{PATH}/{ben.id}").text
    assert (offered, of_owner) == ([], 403)
    assert changed.status_code == 303
    assert ben.browser.get("/creators").status_code == 303
    assert visitor.get(link).status_code == 410
    assert refused.status_code == 409
    assert "belongs to another organization" in refused.text
    words = [one["summary"] for one in data_of(home.get("/audit"))]
    assert "Link to choose a password made for Ben by Ada Alm." in words
    links = "SELECT FROM password_links WHERE person_id IN (%s, %s)"
    assert home.goatherd.query(links, ada.id, ben.id) == []


def test_payments_are_given_and_taken_with_a_box(home: Tenant, ada: Person):
    invite(ada.browser, email := an_address(), role="viewer", money="yes")
    invite(ada.browser, other := an_address(), role="viewer")
    money = {one["email"]: one["money"] for one in data_of(home.get("/invitations"))}
    ben = member_of(home, "Ben", role="viewer", money=True)
    form = ada.browser.see(f"{PATH}/{ben.id}").one("form", id="rights")
    box = form.one("input", name="money")
    rows = people(ada.browser.see(PATH))
    page = ada.browser.see(f"{PATH}/{ben.id}")
    saved = ada.browser.submit(page, f"{PATH}/{ben.id}", money="")

    assert money == {email: True, other: False}
    assert "checked" in box.attributes
    assert rows[0][1] == "Viewer and payments"
    assert saved.status_code == 303
    assert data_of(home.get(f"{PATH}/{ben.id}"))["money"] is False


def test_wrong_invitations_are_refused_at_their_field(home: Tenant, ada: Person):
    email = an_address()
    invite(ada.browser, email)
    refused = {
        "no address": invite(ada.browser, "ben").one("p", id="h-email").text,
        "no role": invite(ada.browser, an_address(), role="king")
        .one("p", class_="problem")
        .text,
        "no project": invite(ada.browser, an_address(), projects="some")
        .one("p", class_="problem")
        .text,
        "twice": invite(ada.browser, email).one("p", class_="refusal").text,
        "a member": invite(ada.browser, ada.email).one("p", class_="refusal").text,
    }

    assert len(data_of(home.get("/invitations"))) == 1
    assert {what: text[:24] for what, text in refused.items()} == {
        "no address": "Must be an email address",
        "no role": "Choose a role.",
        "no project": "Choose at least one proj",
        "twice": "This address has an open",
        "a member": "A member has this addres",
    }


def test_a_new_link_ends_the_old_one_and_a_withdrawn_one_is_over(
    home: Tenant, ada: Person
):
    old = link_of(invite(ada.browser, an_address()))
    (invitation,) = data_of(home.get("/invitations"))
    path = f"{PATH}/invitations/{invitation['id']}"
    csrf = ada.browser.csrf_in(PATH)
    stranger = Visitor(home.goatherd)

    new = link_of(read(ada.browser.post(f"{path}/resend", {"csrf": csrf}).text))

    assert new != old
    stranger.see(old, status=410)
    stranger.see(new)
    assert send(ada.browser, f"{path}/withdraw") == 303
    assert "over" in stranger.see(new, status=410).one("h1").text
    page = ada.browser.see(PATH)
    assert people(page, "Invited addresses") == []
    assert "no longer works" in page.one("div", id="flashes").text


def test_rights_are_changed_after_a_question_that_names_the_person(
    home: Tenant, ada: Person
):
    spring = a_project(home, "Spring")
    ben = member_of(home, "Ben")
    path = f"{PATH}/{ben.id}"
    page = ada.browser.see(path)
    assert "Change the rights of Ben ?" in page.one("div", id="sure").text
    version = page.one("input", name="version")["value"]

    def change(**rights: Any) -> int:  # noqa: ANN401 - texts and lists of texts
        csrf = ada.browser.csrf_in(path)
        fields = {"csrf": csrf, "version": version, "projects": "some", **rights}
        return ada.browser.post(path, fields).status_code

    assert change(role="viewer") == 400
    assert change(role="viewer", project_ids=[spring]) == 303
    assert change(role="member", project_ids=[spring]) == 412
    member = data_of(home.get(f"/members/{ben.id}"))
    assert (member["role"], member["project_ids"]) == ("viewer", [spring])
    assert ben.browser.get("/creators").status_code == 303


def test_a_person_is_removed_and_owners_are_protected(home: Tenant, ada: Person):
    ben = member_of(home, "Ben")
    eve = member_of(home, "Eve", role="admin")
    admins = eve.browser

    page = admins.see(PATH)
    assert "Remove Ben?" in page.text
    assert "Remove Ada Alm?" not in page.text
    assert "owner" not in {
        one["value"] for one in page.all("input", name="role", type="radio")
    }
    assert send(admins, f"{PATH}/{ada.id}/remove") == 403
    assert send(ada.browser, f"{PATH}/{ada.id}/remove") == 409
    assert send(admins, f"{PATH}/{ben.id}/remove") == 303
    assert "Ben was removed" in admins.see(PATH).one("div", id="flashes").text
    assert ben.browser.get("/creators").status_code == 303
    assert {one["name"] for one in data_of(home.get("/members"))} == {"Ada Alm", "Eve"}
    # They leave, and are signed out.
    assert send(admins, f"{PATH}/{eve.id}/remove") == 303
    assert admins.get(PATH).status_code == 303


def left_by(home: Tenant, person: Colleague) -> dict[str, str]:
    """The ids of a link, a report that mails to somebody, and a channel, by name."""
    own = home.with_key("read", "write", person_id=person.id)
    link = {"name": "For Tirol", "scope": "project", "scope_id": str(home.project_id)}
    report = {"name": "Monday", "recipients": [person.email]}
    channel = {"kind": "email", "name": "Team", "address": person.email}
    made = (
        own.post("/shares", link),
        home.post("/reports", report),
        home.post("/channels", channel),
    )
    home.goatherd.catch_up()
    return {(one := data_of(each, status=201))["name"]: one["id"] for each in made}


def selects(page: Element) -> dict[str, list[str]]:
    """The choices for each thing on the page of a removal, by its name."""
    labels = {label["for"]: label.text for label in page.all("label")}
    return {
        labels[select["id"]]: [option.text for option in select.all("option")]
        for select in page.all("select", name="choices")
    }


def test_the_page_of_a_removal_lists_what_is_left_with_choices(
    home: Tenant, ada: Person
):
    ben = member_of(home, "Ben")
    ids = left_by(home, ben)
    remove = f"{PATH}/{ben.id}/remove"

    page = read(ada.browser.submit(ada.browser.see(PATH), remove).text)

    goes_on = "Goes on mailing to them"
    assert selects(page) == {
        "For Tirol": ["Goes on", "Hand over to me", "End it"],
        "Monday": [goes_on, "Hand over to me", "Take out"],
        "Team": [goes_on, "End it"],
    }
    assert "Personal keys end, and nobody can take them over: Another key" in page.text
    links = page.one("form", action=remove).all("a")[:-1]
    assert len(links) == 3
    assert all(ada.browser.get(link["href"]).status_code == 200 for link in links)
    assert data_of(home.get(f"{PATH}/{ben.id}"))["id"] == str(ben.id)

    # Somebody else revokes the link meanwhile.
    data_of(home.delete(f"/shares/{ids['For Tirol']}"))
    chosen = [f"end:{ids['For Tirol']}", f"take_out:{ids['Monday']}", ""]
    refused = ada.browser.submit(page, remove, choices=chosen)
    assert refused.status_code == 400
    home.goatherd.catch_up()
    again = read(ada.browser.submit(ada.browser.see(PATH), remove).text)
    assert [*selects(again)] == ["Monday", "Team"]
    kept = read(refused.text).one("select", id=f"c-{ids['Monday']}")
    assert [o["value"] for o in kept.all("option") if "selected" in o.attributes] == [
        f"take_out:{ids['Monday']}"
    ]

    ada.browser.submit(again, remove, choices=[f"hand_over:{ids['Monday']}", ""])
    text = ada.browser.see(PATH).one("div", id="flashes").text
    assert f"These still mail to {ben.email}: channel Team." in text
    home.goatherd.catch_up()
    report = data_of(home.get(f"/reports/{ids['Monday']}"))
    assert report["recipients"] == [ada.email]


def test_an_admin_who_leaves_says_who_gets_their_things(home: Tenant, ada: Person):
    eve = member_of(home, "Eve", role="admin")
    member_of(home, "Vi", role="viewer")
    ids = left_by(home, eve)
    remove = f"{PATH}/{eve.id}/remove"

    page = read(eve.browser.submit(eve.browser.see(PATH), remove).text)

    assert selects(page)["For Tirol"] == ["Goes on", "Hand over", "End it"]
    heirs = page.one("select", id="f-to").all("option")
    assert [one.text for one in heirs] == [f"Ada Alm ({ada.email})"]
    left = eve.browser.submit(
        page, remove, choices=[f"hand_over:{ids['For Tirol']}", "", ""]
    )
    assert left.status_code == 303
    home.goatherd.catch_up()
    things = data_of(home.get(f"{PATH}/{ada.id}/leaves"))["things"]
    assert [one["name"] for one in things] == ["For Tirol"]


def test_members_and_viewers_find_no_members_page(home: Tenant, ada: Person):
    assert ada
    for role in ("member", "viewer"):
        browser = member_of(home, role.title(), role=role).browser
        tabs = browser.see("/settings/organization").one("nav", aria_label="Settings")

        assert "Members" not in [a.text for a in tabs.all("a")], role
        assert browser.get(PATH).status_code in {403, 404}, role
        assert "Invite" not in browser.get("/").text, role


def test_home_says_once_that_people_can_be_invited(home: Tenant):
    by_key = Visitor(home.goatherd)
    by_key.sign_in(home.key)

    def noted(browser: Visitor) -> str:
        home.goatherd.catch_up()
        return " ".join(
            one.text for one in browser.see("/").all("aside", aria_label="Members")
        )

    assert "Make your account" in noted(by_key)
    ada = owner_of(home)
    assert "Invite people" in noted(ada.browser)

    csrf = ada.browser.csrf_in("/")
    assert ada.browser.post("/members/not-now", {"csrf": csrf}).status_code == 303

    assert noted(ada.browser) == ""
    other = Visitor(home.goatherd)
    ada.sign_in(other)
    assert "Invite people" in noted(other)
    # With the first invitation there is nothing to tell.
    invite(ada.browser, an_address())
    assert noted(other) == ""
