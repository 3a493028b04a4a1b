"""/reports: made, changed, sent and read on pages without scripts."""

import pytest

from tests.api.routes.test_reports import a_posting_creator
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import read
from tests.kit.visitor import Visitor

ADA, BO = "ada@example.com", "bo@example.com"


@pytest.fixture
def visitor(goatherd: Goatherd, home: Tenant) -> Visitor:
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    return visitor


def test_a_report_is_made_changed_sent_switched_off_and_removed(
    home: Tenant, visitor: Visitor, goatherd: Goatherd
):
    a_posting_creator(home)
    page = visitor.see("/reports")
    assert "No reports yet" in page.text
    assert "GOATHERD_SMTP_URL" in page.text

    about = f"project:{home.project_id}"
    recipients = f"{ADA}\n{BO}"
    made = visitor.submit(
        page, "/reports", name="Monday", about=about, recipients=recipients
    )
    goatherd.catch_up()
    (report,) = data_of(home.get("/reports"))
    path = f"/reports/{report['id']}"
    assert made.headers["location"] == path
    assert report["scope"] == {"type": "project", "id": str(home.project_id)}
    assert report["recipients"] == [ADA, BO]
    assert "Each Monday, 09:00" in visitor.see("/reports").text

    chosen = ["kpis", "charts", "leaders", "videos"]
    visitor.submit(
        visitor.see(path), path, weekday="friday", hour="16", sections=chosen
    )
    goatherd.catch_up()
    page = visitor.see(path)
    assert "Each Friday, 16:00" in page.text
    assert "No issue yet" in page.text
    stale = visitor.post(path, {"name": "x", "sections": ["kpis"], "version": "1"})
    assert stale.status_code in {409, 412}

    sent = visitor.submit(page, f"{path}/send")
    goatherd.catch_up()
    assert sent.headers["location"] == f"{path}/issues/1"
    for address in (f"{path}/latest", f"{path}/issues/1"):
        issue = visitor.see(address).text
        assert "Leading creators" in issue
        assert "goat" in issue
    file = visitor.get(f"{path}/issues/1.csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert visitor.get(f"{path}/issues/x.csv").status_code == 404

    visitor.submit(visitor.see(path), f"{path}/switch")
    goatherd.catch_up()
    assert data_of(home.get(path))["enabled"] is False
    visitor.submit(visitor.see(path), f"{path}/remove")
    goatherd.catch_up()
    assert data_of(home.get("/reports")) == []
    assert visitor.get(path).status_code == 404


def test_a_wrong_form_is_shown_again_with_its_problem(home: Tenant, visitor: Visitor):
    page = visitor.see("/reports")

    answer = visitor.submit(page, "/reports", name="<b>", recipients="ada", hour="16")

    assert answer.status_code == 400
    assert "must be addresses such as" in answer.text.lower()
    page = read(answer.text)
    recipients = page.one("textarea", name="recipients")
    assert recipients.text.strip() == "ada"
    assert recipients.attributes["aria-invalid"] == "true"
    assert recipients.attributes["aria-describedby"] == "h-recipients"
    name = page.one("input", name="name")
    assert name.attributes["value"] == "<b>"
    assert "aria-invalid" not in name.attributes
    hours = page.one("select", name="hour")
    assert [
        option.attributes["value"]
        for option in hours.all("option")
        if "selected" in option.attributes
    ] == ["16"]
    assert data_of(home.get("/reports")) == []


def test_viewers_read_reports_and_change_nothing(home: Tenant, goatherd: Goatherd):
    report = {"name": "Monday", "recipients": [ADA]}
    report_id = data_of(home.post("/reports", report), status=201)["id"]
    goatherd.catch_up()
    data_of(home.post(f"/reports/{report_id}/send"), status=201)
    goatherd.catch_up()
    viewer = Visitor(goatherd)
    viewer.sign_in(home.with_key("read").key)

    for path in ("/reports", f"/reports/{report_id}"):
        page = viewer.see(path)
        assert ADA not in page.text
        assert not [
            form
            for form in page.all("form", method="post")
            if form.attributes["action"].startswith("/reports")
        ]
    assert viewer.get(f"/reports/{report_id}/latest").status_code == 200
