"""/s/{token} of a report: an issue, for people without an account."""

from typing import Any

import pytest

from tests.api.routes.test_reports import a_posting_creator, of_project, sent
from tests.api.routes.test_reports import made as made_report
from tests.api.routes.test_shares import made, token_of
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.visitor import Visitor


def linked(home: Tenant, report: dict[str, Any], **fields: object) -> str:
    of = {"scope": "report", "scope_id": report["id"], **fields}
    share = made(home, **of)
    assert (share["rolling"], share["from"]) == (None, None)
    return f"/s/{token_of(share)}"


@pytest.fixture
def stranger_visitor(goatherd: Goatherd) -> Visitor:
    return Visitor(goatherd)


def test_a_link_shows_the_newest_issue_or_the_one_of_its_moment(
    home: Tenant, goatherd: Goatherd, stranger_visitor: Visitor
):
    creator_id = a_posting_creator(home)
    report = made_report(home, **of_project(home), sections=["kpis", "leaders"])
    newest = linked(home, report)
    assert stranger_visitor.get(newest).status_code == 410
    first = sent(home, report)
    frozen = linked(home, report, as_of="now")

    shown = [stranger_visitor.see(path) for path in (newest, frozen)]
    assert all("Leading creators" in page.text for page in shown)
    assert all("goat" in page.text for page in shown)
    assert not [
        link
        for page in shown
        for link in page.all("a")
        if link.attributes.get("href", "").startswith(("/creators", "/reports"))
    ]

    data_of(home.patch(f"/reports/{report['id']}", {"sections": ["videos"]}))
    sent(home, report)
    assert "Leading creators" not in stranger_visitor.see(newest).text
    assert "Leading creators" in stranger_visitor.see(frozen).text
    file = stranger_visitor.get(f"{frozen}?format=csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert f"kpis,{first['to']},,,new_views" in file.text

    data_of(home.delete(f"/reports/{report['id']}"))
    goatherd.catch_up()
    assert stranger_visitor.get(newest).status_code == 410
    assert creator_id not in stranger_visitor.get(frozen).text


def test_a_link_finds_its_issue_behind_many_newer_ones(
    home: Tenant, stranger_visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.web.shared.page._ISSUES", 1)
    report = made_report(home, **of_project(home))
    first = sent(home, report)
    frozen = linked(home, report, as_of="now")
    for _ in range(2):
        sent(home, report)

    file = stranger_visitor.get(f"{frozen}?format=csv")

    assert file.status_code == 200
    assert f"kpis,{first['to']},,,new_views" in file.text


def test_links_to_reports_have_no_days_and_show_one_project(home: Tenant):
    report = made_report(home, **of_project(home))
    whole = made_report(home)
    of = {"scope": "report", "scope_id": report["id"]}
    for wrong, field in (
        ({**of, "rolling": "7d"}, "/rolling"),
        ({**of, "from": "2026-03-01"}, "/from"),
        ({"scope": "report", "scope_id": whole["id"]}, "/scope_id"),
    ):
        answer = home.post("/shares", wrong)
        assert code_of(answer) == (400, "invalid_body"), wrong
        assert answer.json()["meta"]["fields"][0]["path"] == field
    unknown = home.post("/shares", {**of, "scope_id": home.add("goat")["id"]})
    assert code_of(unknown) == (404, "not_found")
    share = made(home, **of)
    path = f"/shares/{share['id']}"
    assert data_of(home.patch(path, {"name": "For Ada"}))["rolling"] is None
    assert code_of(home.patch(path, {"rolling": "7d"})) == (400, "invalid_body")
    from_a_day = home.patch(path, {"from": "2026-03-01"})
    assert from_a_day.json()["meta"]["fields"][0]["path"] == "/from"
    assert "from_" not in from_a_day.text
