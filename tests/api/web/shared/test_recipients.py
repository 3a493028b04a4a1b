"""/s/{token} in a mail of a report: its issue, for a recipient without an account."""

from typing import Any
from uuid import UUID

from application.mail.recipients import mails_subject
from application.shares import issue_links
from infra.keys.digests import digest_of
from tests.api.routes.test_reports import a_posting_creator, of_project
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.mail_server import html_of
from tests.kit.mailing import PUBLIC_URL, Mailing
from tests.kit.pictures import png
from tests.kit.visitor import Visitor

ADA, BO = "ada@client.example", "bo@client.example"


def a_mailed_issue(
    mailing: Mailing, *recipients: str, **fields: object
) -> tuple[Tenant, dict[str, Any]]:
    """A report of a creator @goat, whose first issue was sent to these addresses."""
    home = mailing.goatherd.tenant()
    a_posting_creator(home)
    home.ask("PUT", f"/projects/{home.project_id}/logo", content=png(60, 20))
    body = {"name": "Monday", "recipients": recipients, **of_project(home), **fields}
    report = data_of(home.post("/reports", body), status=201)
    send(home, report)
    return home, report


def send(home: Tenant, report: dict[str, Any]) -> None:
    home.goatherd.catch_up()
    data_of(home.post(f"/reports/{report['id']}/send"), status=201)
    home.goatherd.catch_up()


def status_of(mailing: Mailing, link: str) -> int:
    mailing.goatherd.catch_up()
    return Visitor(mailing.goatherd).get(link).status_code


def test_each_recipient_opens_the_issue_of_their_mail_by_a_link_of_their_own(
    mailing: Mailing,
):
    ada, bo = f"own.{ADA}", f"own.{BO}"
    home, report = a_mailed_issue(mailing, ada, bo, sections=["kpis", "leaders"])
    first = mailing.link_to(ada, "/s/")
    # A later issue is another page, behind another link.
    data_of(home.patch(f"/reports/{report['id']}", {"sections": ["kpis"]}))
    send(home, report)
    links = [first, mailing.link_to(ada, "/s/"), mailing.link_to(bo, "/s/")]
    stranger = Visitor(mailing.goatherd)

    pages = [stranger.get(link) for link in links]

    assert len({*links}) == 3
    assert [page.status_code for page in pages] == [200] * 3
    assert ["Leading creators" in page.text for page in pages] == [True, False, False]
    (mail, _) = mailing.mails_to(ada)
    assert f'href="{PUBLIC_URL}{first}"' in html_of(mail)
    assert "/reports/" not in html_of(mail)
    for page in pages:
        assert page.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "private, no-store"
        assert 'href="/reports' not in page.text
        assert 'href="/creators' not in page.text
    file = stranger.get(f"{first}?format=csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert "kpis," in file.text
    logo = stranger.get(f"{first}?format=logo")
    assert logo.headers["content-type"].startswith("image/")
    # The link opens no other door.
    token = first.rpartition("/")[2]
    refused = home.goatherd.client.get(
        "/api/v1/reports", headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 401


def test_the_link_is_stored_as_a_digest_and_the_address_as_a_keyed_hash(
    mailing: Mailing,
):
    ada = f"digest.{ADA}"
    home, report = a_mailed_issue(mailing, ada)
    token = mailing.link_to(ada, "/s/").rpartition("/")[2]
    goatherd = mailing.goatherd

    (row,) = goatherd.query(
        "SELECT digest, recipient, until - now() > interval '89 days', "
        "issue_links::text FROM issue_links WHERE organization_id = %s",
        home.organization_id,
    )

    of = mails_subject(goatherd.store.names, UUID(report["id"]), ada)
    assert row[:3] == (digest_of(token), of, True)
    assert token not in row[3]
    assert ada not in row[3]


def test_a_link_ends_with_its_recipient_and_not_with_unsubscribing(mailing: Mailing):
    ada, bo = f"gone.{ADA}", f"gone.{BO}"
    home, report = a_mailed_issue(mailing, ada, bo)
    links = [mailing.link_to(each, "/s/") for each in (ada, bo)]
    path = f"/reports/{report['id']}"
    ends = mailing.link_to(ada, "/unsubscribe/")

    mailing.goatherd.client.post(ends, data={"List-Unsubscribe": "One-Click"})
    unsubscribed = [status_of(mailing, link) for link in links]
    data_of(home.patch(path, {"recipients": []}))
    taken_out = [status_of(mailing, link) for link in links]
    data_of(home.patch(path, {"recipients": [bo]}))
    again = [status_of(mailing, link) for link in links]

    assert unsubscribed == [200, 200]
    assert taken_out == again == [200, 410]
    rows = mailing.goatherd.query(
        "SELECT count(*) FROM issue_links WHERE organization_id = %s "
        "AND recipient IS NULL",
        home.organization_id,
    )
    assert rows == [(1,)]


def test_a_link_ends_with_its_report_and_after_90_days(mailing: Mailing):
    ada = f"ends.{ADA}"
    goatherd = mailing.goatherd
    home, report = a_mailed_issue(mailing, ada)
    link = mailing.link_to(ada, "/s/")
    of = home.organization_id

    def lasts(days: int) -> int:
        goatherd.query(
            "UPDATE issue_links SET until = now() + make_interval(days => %s) "
            "WHERE organization_id = %s", days, of,
        )  # fmt: skip
        issue_links.prune(goatherd.store.pool)
        return status_of(mailing, link)

    assert (lasts(90), lasts(0), lasts(-89)) == (200, 410, 410)
    assert lasts(1) == 200
    data_of(home.delete(f"/reports/{report['id']}"))
    assert status_of(mailing, link) == 410
    assert lasts(-91) == 404
    assert goatherd.query(
        "SELECT count(*) FROM issue_links WHERE organization_id = %s", of
    ) == [(0,)]


def test_a_link_to_the_whole_organization_shows_its_issue_and_nothing_else(
    mailing: Mailing,
):
    ada = f"whole.{ADA}"
    _, _ = a_mailed_issue(mailing, ada, scope={"type": "org"})
    link = mailing.link_to(ada, "/s/")
    stranger = Visitor(mailing.goatherd)

    page = stranger.get(link)

    assert page.status_code == 200
    assert "@goat" in page.text
    assert stranger.get(f"{link}?format=logo").status_code in {404, 410}


def test_an_erased_creator_has_no_name_behind_a_link(mailing: Mailing):
    ada = f"erased.{ADA}"
    home, _ = a_mailed_issue(mailing, ada)
    link = mailing.link_to(ada, "/s/")
    (creator,) = data_of(home.get("/creators"))
    assert "@goat" in Visitor(mailing.goatherd).get(link).text

    data_of(home.post(f"/creators/{creator['id']}/erase", {"confirm": "goat"}))

    mailing.goatherd.catch_up()
    page = Visitor(mailing.goatherd).get(link)
    assert page.status_code == 200
    assert "@goat" not in page.text


def test_a_creator_who_moves_takes_nothing_of_the_new_project_to_a_link(
    mailing: Mailing,
):
    ada = f"moved.{ADA}"
    home, _ = a_mailed_issue(mailing, ada)
    link = mailing.link_to(ada, "/s/")
    (creator,) = data_of(home.get("/creators"))
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]

    body = {"project_id": other, "history": "stay"}
    data_of(home.post(f"/creators/{creator['id']}/move", body))

    mailing.goatherd.catch_up()
    page = Visitor(mailing.goatherd).get(link)
    assert page.status_code == 200
    assert "@goat" not in page.text


def test_a_link_that_is_opened_too_often_waits(mailing: Mailing):
    ada = f"often.{ADA}"
    a_mailed_issue(mailing, ada)
    link = mailing.link_to(ada, "/s/")
    stranger = Visitor(mailing.goatherd)

    codes = [stranger.get(link).status_code for _ in range(61)]
    files = [stranger.get(f"{link}?format=csv").status_code for _ in range(31)]

    assert codes == [200] * 60 + [429]
    assert files == [200] * 30 + [429]


def test_a_link_takes_no_password_and_unknown_ones_are_not_there(mailing: Mailing):
    ada = f"post.{ADA}"
    home, _ = a_mailed_issue(mailing, ada)
    link = mailing.link_to(ada, "/s/")
    stranger = Visitor(mailing.goatherd)

    assert stranger.get(f"{link}0").status_code == 404
    posted = stranger.post(link, {"password": "let me in"})
    assert (posted.status_code, posted.headers["location"]) == (303, link)
    # It is no shared link, so that nobody finds it in their list.
    assert data_of(home.get("/shares")) == []
    assert code_of(home.get(f"/shares/{home.project_id}")) == (404, "not_found")
