"""The page of jobs: what waits, runs and failed, and trying it again."""

from uuid import UUID

import pytest

from domain.streams import retry_stream
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.visitor import Visitor


@pytest.fixture
def failed(home: Tenant) -> str:
    """The id of a scrape that failed, of @lost.goat."""
    creator_id = home.add("lost.goat")["id"]
    answer = home.post(f"/creators/{creator_id}/scrape")
    scrape_id: str = data_of(answer, status=202)["scrape_id"]
    home.failed(scrape_id)
    home.goatherd.catch_up()
    return scrape_id


def retry_path(scrape_id: str) -> str:
    return f"/system/jobs/{scrape_id}/retry"


def test_what_waits_is_listed_with_its_creator_and_kind(home: Tenant, visitor: Visitor):
    creator_id = home.add("waiting.goat")["id"]
    home.goatherd.catch_up()

    page = visitor.see("/system/jobs")

    rows = page.one("tbody").all("tr")
    assert [row.all("td")[0].text for row in rows] in (
        ["Profile added", "New videos added"],
        ["New videos added", "Profile added"],
    )
    assert rows[0].one("a")["href"] == f"/creators/{creator_id}"
    assert rows[0].one("a").text == "@waiting.goat"
    assert "2 waiting" in page.text
    assert not page.all("form", action=retry_path(creator_id))


def test_where_nothing_failed_that_is_said(visitor: Visitor):
    page = visitor.see("/system/jobs?show=failed")

    assert page.one("h2").text == "Nothing failed"


def test_what_failed_says_why_and_can_be_tried_again(
    home: Tenant, visitor: Visitor, failed: str
):
    page = visitor.see("/system/jobs?show=failed")
    (row,) = page.one("tbody").all("tr")

    answer = visitor.submit(page, retry_path(failed))

    assert "The source refused the scrape." in row.text
    assert "TikTok sent us away." in row.text
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/system/jobs?show=failed"
    again = home.goatherd.events(retry_stream(UUID(failed)))
    assert len(again) == 1
    home.goatherd.catch_up()
    after = visitor.see("/system/jobs?show=failed")
    assert "A new scrape of the same kind was requested." in after.text


def test_a_second_try_of_the_same_scrape_is_told_and_asks_for_nothing(
    home: Tenant, visitor: Visitor, failed: str
):
    visitor.submit(visitor.see("/system/jobs?show=failed"), retry_path(failed))
    home.goatherd.catch_up()
    head = home.goatherd.head

    visitor.submit(visitor.see("/system/jobs?show=failed"), retry_path(failed))

    reported = visitor.see("/system/jobs?show=failed").one("div", id="flashes").text
    assert "was retried before" in reported
    assert home.goatherd.head == head


def test_a_scrape_that_cannot_be_tried_again_is_told_on_the_page(
    home: Tenant, visitor: Visitor, failed: str
):
    page = visitor.see("/system/jobs?show=failed")
    creator_id = data_of(home.get("/creators"))[0]["id"]
    home.delete(f"/creators/{creator_id}")

    answer = visitor.submit(page, retry_path(failed))

    assert answer.status_code == 409
    assert "The creator was removed" in answer.text


def test_what_is_quarantined_has_a_list_of_its_own(
    home: Tenant, visitor: Visitor, failed: str
):
    home.goatherd.query(
        "UPDATE scrape_job SET state = 'quarantined' WHERE scrape_id = %s",
        UUID(failed),
    )

    page = visitor.see("/system/jobs?show=quarantined")

    (row,) = page.one("tbody").all("tr")
    assert "quarantined" in row.text
    assert "1 of them quarantined" in page.text
    assert page.one("form", action=retry_path(failed))


def test_who_may_only_read_has_no_button_to_try_again(
    goatherd: Goatherd, home: Tenant, failed: str
):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    page = reader.see("/system/jobs?show=failed")
    refused = reader.post(retry_path(failed))

    assert len(page.one("tbody").all("tr")) == 1
    assert not page.all("form", action=retry_path(failed))
    assert refused.status_code == 403


def test_a_sort_of_jobs_that_there_is_not_is_refused(visitor: Visitor):
    assert visitor.get("/system/jobs?show=goats").status_code == 400


def test_jobs_are_shown_page_by_page(home: Tenant, visitor: Visitor):
    creator_id = home.add("busy.goat")["id"]
    for _ in range(50):
        home.post(f"/creators/{creator_id}/scrape")
    home.goatherd.catch_up()

    first = visitor.see("/system/jobs")
    (more,) = [a for a in first.all("a") if a.text == "Older ones"]
    second = visitor.see(more["href"])

    assert len(first.one("tbody").all("tr")) == 50
    assert len(second.one("tbody").all("tr")) == 2


def test_all_that_failed_are_tried_again_at_once(home: Tenant, visitor: Visitor):
    runs: list[str] = []
    for name in ("ada", "bea"):
        creator_id = home.add(name)["id"]
        answer = home.post(f"/creators/{creator_id}/scrape")
        runs.append(data_of(answer, status=202)["scrape_id"])
        home.failed(runs[-1])
    home.goatherd.catch_up()
    page = visitor.see("/system/jobs?show=failed")
    form = page.one("form", action="/system/jobs/retry")
    ids = [field["value"] for field in form.all("input", name="scrape_ids")]

    answer = visitor.submit(page, "/system/jobs/retry", scrape_ids=ids)

    assert sorted(ids) == sorted(runs)
    assert answer.headers["Location"] == "/system/jobs?show=failed"
    assert [len(home.goatherd.events(retry_stream(UUID(run)))) for run in runs] == [
        1,
        1,
    ]
    home.goatherd.catch_up()
    after = visitor.see("/system/jobs?show=failed")
    assert "2 scrapes were asked for." in after.text


def test_that_a_recording_has_nothing_of_a_creator_looks_like_no_failure(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("lost.goat")["id"]
    scrape_id = data_of(home.post(f"/creators/{creator_id}/scrape"), status=202)
    home.failed(scrape_id["scrape_id"], outcome="not_in_recording")
    home.goatherd.catch_up()

    page = visitor.see("/system/jobs?show=failed")

    (row,) = page.one("tbody").all("tr")
    assert row.one("span", class_="badge ").text == "not in the recording"
    assert "TikTok was not asked" in row.text
