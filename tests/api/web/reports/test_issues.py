"""Issues as PDF files, and issues about a month."""

import io
from datetime import date

import pytest
from pypdf import PdfReader

from api.routes.reports import routes
from api.web.reports import pages
from tests.api.routes.test_reports import a_posting_creator, made, of_project, sent
from tests.kit.application import Goatherd, code_of, data_of
from tests.kit.pictures import png
from tests.kit.visitor import Visitor


def test_an_issue_is_a_pdf_file_where_the_extra_is_installed(
    goatherd: Goatherd, monkeypatch: pytest.MonkeyPatch
):
    home = goatherd.tenant()
    a_posting_creator(home, "goat")
    home.patch(f"/projects/{home.project_id}", {"client": "Alm & Co"})
    home.ask("PUT", f"/projects/{home.project_id}/logo", content=png(60, 20))
    report = made(home, **of_project(home))
    sent(home, report)
    visitor, stranger = Visitor(goatherd), Visitor(goatherd)
    visitor.sign_in(home.key)
    stranger.sign_in(goatherd.tenant().key)
    path = f"/reports/{report['id']}"
    link = f'href="{path}/issues/1.pdf"'

    page = visitor.get(f"{path}/latest").text
    pdf = visitor.get(f"{path}/issues/1.pdf")
    of_api = home.get(f"{path}/issues/1", params={"format": "pdf"})
    monkeypatch.setattr(routes, "can_write_pdf", lambda: False)
    monkeypatch.setattr(pages, "can_write_pdf", lambda: False)
    refused = home.get(f"{path}/latest", params={"format": "pdf"})
    without = visitor.get(f"{path}/latest").text

    assert link in page
    assert pdf.status_code == 200, pdf.text[-900:]
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"].endswith('.pdf"')
    assert "Alm & Co" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert of_api.content == pdf.content
    assert stranger.get(f"{path}/issues/1.pdf").status_code == 404
    assert code_of(refused) == (501, "pdf_not_installed")
    assert "Print the page" in refused.text
    assert link not in without


def test_a_monthly_issue_has_the_days_of_the_month_before(goatherd: Goatherd):
    home = goatherd.tenant()
    a_posting_creator(home, "goat")
    for of in ({}, of_project(home)):
        report = made(home, period="monthly", **of)
        sent(home, report)

        issue = data_of(home.get(f"/reports/{report['id']}/latest"))

        (first, last), (then, until) = (
            (date.fromisoformat(issue[name]) for name in names)
            for names in (("from", "to"), ("compare_from", "compare_to"))
        )
        for chart in issue["charts"]:
            assert len(chart["values"]) == (last - first).days + 1
            assert len(chart["previous"]) == (until - then).days + 1
