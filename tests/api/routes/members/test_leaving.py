"""Things of a removed member are listed, and handed over, ended or kept."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.people import Colleague, Person, member_of, owner_of
from tests.kit.visitor import Visitor

CONDITION = {"type": "creator_disabled"}


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


def left_by(ben: Colleague) -> dict[str, dict[str, Any]]:
    """Things of every kind that are a member's, by kind; the link is not protected."""
    home = ben.tenant
    own = home.with_key("read", "write", person_id=ben.id)
    project = {"scope": "project", "scope_id": str(home.project_id)}
    view = {"name": "Best", "list": "creators"}
    made = {
        "link": own.post("/shares", project),
        "view": own.post("/views", view),
        "rule": own.post("/alert-rules", {"name": "Fell", "condition": CONDITION}),
        "report": home.post(
            "/reports", {"name": "Monday", "recipients": [ben.email, "x@example.com"]}
        ),
        "channel": home.post(
            "/channels",
            {"kind": "email", "name": "Team", "address": ben.email.upper()},
        ),
    }
    things = {kind: data_of(answer, status=201) for kind, answer in made.items()}
    data_of(own.post("/views", {**view, "name": "Mine", "for": "me"}), status=201)
    home.goatherd.catch_up()
    return things


def listed(tenant: Tenant, person_id: UUID) -> list[tuple[str, str]]:
    """The kinds and names of the things that somebody leaves."""
    found = data_of(tenant.get(f"/members/{person_id}/leaves"))["things"]
    return [(one["kind"], one["name"]) for one in found]


def removed(tenant: Tenant, person_id: UUID, **choices: object) -> Any:  # noqa: ANN401
    """The answer to a removal with choices."""
    return tenant.ask("DELETE", f"/members/{person_id}", json=choices)


def page_of(link: dict[str, Any], tenant: Tenant) -> int:
    """The status of the page behind a link, for somebody without an account."""
    path = "/" + link["url"].split("/", 3)[3]
    return Visitor(tenant.goatherd).get(path).status_code


def test_a_removal_without_choices_ends_the_keys_and_hides_nothing(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben", role="member")
    things = left_by(ben)

    before = data_of(home.get(f"/members/{ben.id}/leaves"))
    answer = data_of(home.delete(f"/members/{ben.id}"))

    assert before["id"] == str(ben.id)
    assert [(one["kind"], one["name"]) for one in before["things"]] == [
        ("link", "First project"),
        ("view", "Best"),
        ("rule", "Fell"),
        ("report", "Monday"),
        ("channel", "Team"),
        ("key", "Another key"),
    ]
    assert [one["choices"] for one in before["things"]] == [
        ["hand_over", "end"],
        ["hand_over", "end"],
        ["hand_over", "end"],
        ["hand_over", "take_out"],
        ["end"],
        [],
    ]
    assert answer["things"] == before["things"][:-1]
    home.goatherd.catch_up()
    assert page_of(things["link"], home) == 200
    paths = {"link": "shares", "view": "views", "rule": "alert-rules"}
    for kind, path in {**paths, "report": "reports", "channel": "channels"}.items():
        rows = data_of(home.get(f"/{path}"))
        assert things[kind]["id"] in {row["id"] for row in rows}, kind
        changed = home.patch(f"/{path}/{things[kind]['id']}", {"name": "Kept"})
        assert data_of(changed)["name"] == "Kept", kind
    assert data_of(home.get("/reports"))[0]["recipients"] == [
        ben.email,
        "x@example.com",
    ]
    assert code_of(home.get(f"/members/{ben.id}/leaves")) == (404, "not_found")


def test_things_are_handed_over_to_a_member_whom_a_key_names(ada: Person):
    home = ada.tenant
    ben, cleo = member_of(home, "Ben"), member_of(home, "Cleo")
    things = left_by(ben)
    head = home.goatherd.head
    given = [things[kind]["id"] for kind in ("link", "view", "rule", "report")]

    answer = removed(home, ben.id, to=str(cleo.id), hand_over=given)

    kept = data_of(answer)["things"]
    assert [(one["kind"], one["name"]) for one in kept] == [("channel", "Team")]
    stored = [each.event for each in home.goatherd.since(head)]
    assert stored[2] == e.ThingsHandedOver(
        person_id=ben.id,
        to_person_id=cleo.id,
        share_ids=(UUID(given[0]),),
        view_ids=(UUID(given[1]),),
        rule_ids=(UUID(given[2]),),
        report_ids=(UUID(given[3]),),
    )
    assert isinstance(stored[3], e.MemberRemoved)
    home.goatherd.catch_up()
    assert page_of(things["link"], home) == 200
    assert data_of(home.get(f"/views/{given[1]}"))["owner_id"] == str(cleo.id)
    assert data_of(home.get(f"/reports/{given[3]}"))["recipients"] == [
        "x@example.com",
        cleo.email,
    ]
    assert listed(home, cleo.id) == [
        ("link", "First project"),
        ("view", "Best"),
        ("rule", "Fell"),
        ("report", "Monday"),
    ]
    (row,) = data_of(home.get("/audit?event=things_handed_over"))
    assert row["summary"].startswith(
        "1 link, 1 view, 1 alert rule and 1 report handed over from Ben to Cleo by key "
    )


def test_things_end_and_mails_stop_together_with_the_removal(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben")
    things = left_by(ben)
    ids = {kind: thing["id"] for kind, thing in things.items()}

    answer = removed(
        home,
        ben.id,
        end=[ids["link"], ids["view"], ids["rule"], ids["channel"]],
        take_out=[ids["report"]],
    )

    assert data_of(answer) == {"id": str(ben.id), "removed": True, "things": []}
    home.goatherd.catch_up()
    assert page_of(things["link"], home) == 410
    assert data_of(home.get(f"/shares/{ids['link']}"))["status"] == "revoked"
    for path in ("views", "alert-rules", "channels"):
        kind = {"views": "view", "alert-rules": "rule", "channels": "channel"}[path]
        assert code_of(home.get(f"/{path}/{ids[kind]}")) == (404, "not_found")
    report = data_of(home.get(f"/reports/{ids['report']}"))
    assert report["recipients"] == ["x@example.com"]
    addresses = "SELECT sealed FROM channel_addresses WHERE channel_id = %s"
    assert home.goatherd.query(addresses, UUID(ids["channel"])) == []


def test_a_wrong_choice_refuses_all_of_it(ada: Person, stranger: Tenant):
    home = ada.tenant
    ben, viewer = member_of(home, "Ben"), member_of(home, "Vi", role="viewer")
    things = left_by(ben)
    link, view = things["link"]["id"], things["view"]["id"]
    shared = {"scope": "project", "scope_id": str(home.project_id)}
    others = data_of(home.post("/shares", shared), status=201)["id"]
    away = {"scope": "project", "scope_id": str(stranger.project_id)}
    foreign = data_of(stranger.post("/shares", away), status=201)["id"]
    head = home.goatherd.head
    cases: tuple[tuple[dict[str, object], str], ...] = (
        ({"end": [link, others]}, "/end/1"),
        ({"end": [foreign]}, "/end/0"),
        ({"end": [str(uuid4())]}, "/end/0"),
        ({"end": ["nothing"]}, "/end/0"),
        ({"end": [things["report"]["id"]]}, "/end/0"),
        ({"take_out": [link]}, "/take_out/0"),
        ({"hand_over": [link]}, "/to"),
        ({"hand_over": [link], "to": str(ben.id)}, "/to"),
        ({"hand_over": [link], "to": str(viewer.id)}, "/to"),
        ({"hand_over": [link], "to": str(uuid4())}, "/to"),
        ({"hand_over": [link, link], "to": str(ada.id)}, "/hand_over/1"),
        ({"end": [view], "hand_over": [view], "to": str(ada.id)}, "/end/0"),
        ({"to": str(ada.id)}, "/to"),
        ({"revoke": [link]}, "/revoke"),
    )
    for choices, path in cases:
        answer = removed(home, ben.id, **choices)

        assert code_of(answer) == (400, "invalid_body"), choices
        assert [one["path"] for one in answer.json()["meta"]["fields"]] == [path]
    assert home.goatherd.since(head) == []
    assert page_of(things["link"], home) == 200


def test_only_those_who_may_remove_and_write_see_and_choose(ada: Person):
    home = ada.tenant
    ben, cleo = member_of(home, "Ben"), member_of(home, "Cleo", role="admin")
    link = left_by(ben)["link"]["id"]
    choices = {"end": [link]}

    for key, code in (
        (home.with_key("read", "write"), (403, "insufficient_scope")),
        (home.with_key("read", person_id=ben.id), (403, "insufficient_scope")),
        (home.with_key("read", "admin"), (403, "insufficient_scope")),
        (
            home.with_key("read", "write", "admin", person_id=cleo.id),
            (403, "recent_proof_required"),
        ),
    ):
        assert code_of(removed(key, ben.id, **choices)) == code
    own = home.with_key("read", "write", person_id=ben.id)
    assert code_of(own.get(f"/members/{ben.id}/leaves")) == (403, "insufficient_scope")
    limited = member_of(home, "Lou", project_ids=[str(home.project_id)])
    lou = home.with_key("read", "write", person_id=limited.id)
    assert code_of(removed(lou, limited.id, **choices)) == (404, "not_found")
    assert data_of(removed(own, ben.id))["things"] == []


def test_the_person_who_asks_gets_things_unless_another_is_named(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben")
    link = left_by(ben)["link"]["id"]
    removal = {"csrf": ada.browser.csrf_in("/members"), "confirmed": "yes"}

    ada.browser.post(
        f"/members/{ben.id}/remove", {**removal, "choices": f"hand_over:{link}"}
    )

    home.goatherd.catch_up()
    assert listed(home, ada.id)[0] == ("link", "First project")


def test_a_link_that_ended_meanwhile_is_no_choice_any_more(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben")
    link = left_by(ben)["link"]["id"]
    data_of(home.delete(f"/shares/{link}"))

    assert code_of(removed(home, ben.id, end=[link])) == (400, "invalid_body")
    home.goatherd.catch_up()
    assert ("link", "First project") not in listed(home, ben.id)
