"""Bulk actions on the selected creators of the list, and the result for each."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

pytestmark = pytest.mark.usefixtures("followed")

# The form that holds the list goes to the first of its buttons.
FORM, SCRAPE = "/creators/remove", "/creators/scrape"


def statuses(home: Tenant) -> dict[str, str]:
    home.goatherd.catch_up()
    requested = {"status": "all", "limit": "100"}
    found = home.get("/creators", params=requested).json()["data"]
    return {creator["tiktok_handle"]: creator["status"] for creator in found}


def press(
    visitor: Visitor, path: str, *creators: dict[str, Any] | str, **fields: str
) -> httpx.Response:
    """Press a button of the list with these creators selected."""
    form = visitor.see("/creators?status=all").one("form", id="selection")
    given = {
        field["name"]: field["value"] for field in form.all("input", type="hidden")
    }
    ids = [one if isinstance(one, str) else one["id"] for one in creators]
    return visitor.post(path, {**given, "creator_ids": ids, **fields})


def results(page: Element) -> dict[str, str]:
    return {
        row.one("th").text: row.one("td").text for row in page.one("tbody").all("tr")
    }


@pytest.fixture
def three(home: Tenant) -> list[dict[str, Any]]:
    found = [home.add(name) for name in ("ada", "bea", "cleo")]
    home.goatherd.catch_up()
    return found


def test_removing_asks_first_and_then_removes(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    requested = press(visitor, FORM, *three[:2])
    page = read(requested.text)
    assert requested.status_code == 200
    assert page.one("h1").text == "Remove 2 creators?"
    assert [item.text for item in page.all("li")] == ["@ada", "@bea"]
    assert set(statuses(home).values()) == {"active"}
    fields = [(f["name"], f["value"]) for f in page.all("input", name="creator_ids")]

    done = visitor.submit(page, FORM, creator_ids=[value for _, value in fields])

    assert done.status_code == 303
    assert done.headers["Location"] == "/creators?status=all"
    assert statuses(home) == {"ada": "removed", "bea": "removed", "cleo": "active"}
    assert "2 creators removed." in visitor.see("/creators").text


def test_what_was_not_removed_is_told_with_its_reason(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]], stranger: Tenant
):
    home.delete(f"/creators/{three[0]['id']}")
    home.goatherd.catch_up()
    foreign, nobody = stranger.add("theirs")["id"], str(uuid4())

    answer = press(visitor, FORM, *three[:2], foreign, nobody, confirmed="yes")

    page = read(answer.text)
    assert page.one("h1").text == "1 creator removed"
    assert results(page)["@ada"] == "skipped already removed"
    assert results(page)[foreign].replace(foreign, nobody) == results(page)[nobody]
    assert results(page)[nobody].startswith("failed")
    assert statuses(stranger) == {"theirs": "active"}


def test_a_selection_may_be_of_several_projects(visitor: Visitor, home: Tenant):
    other = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    ada = home.add("ada")
    bea = home.post(f"/projects/{other}/creators", {"tiktok_handle": "bea"})
    home.goatherd.catch_up()

    answer = press(visitor, FORM, ada, bea.json()["data"], confirmed="yes")

    assert answer.status_code == 303
    assert statuses(home) == {"ada": "removed", "bea": "removed"}


def test_creators_are_disabled_and_the_list_says_by_whom(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    bar = visitor.see("/creators").one("div", id="bar")
    assert bar.one("button", formaction="/creators/disable")["data-for"] == "active"

    done = press(visitor, "/creators/disable", *three[:2])

    assert done.status_code == 303
    assert statuses(home) == {"ada": "disabled", "bea": "disabled", "cleo": "active"}
    page = visitor.see("/creators")
    assert "2 creators disabled." in page.text
    assert page.text.count("disabled: by hand") == 2
    again = read(press(visitor, "/creators/disable", *three[1:]).text)
    assert again.one("h1").text == "1 creator disabled"
    assert results(again) == {"@bea": "skipped already disabled"}
    only_disabled = visitor.see("/creators?status=disabled").one("div", id="bar")
    assert not only_disabled.all("button", formaction="/creators/disable")


def test_those_that_were_disabled_get_another_try(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    home.disable(three[0]["id"])
    home.goatherd.catch_up()

    answer = press(visitor, "/creators/reenable", *three[:2])

    assert statuses(home)["ada"] == "active"
    assert read(answer.text).one("h1").text == "1 creator re-enabled"
    assert results(read(answer.text)) == {"@bea": "skipped not auto-disabled"}


def test_those_that_were_removed_come_back_tracked_as_they_were(
    visitor: Visitor, home: Tenant
):
    ada = home.add("ada", tracking_mode="selective", tracking_start_date="2026-01-31")
    home.delete(f"/creators/{ada['id']}")
    home.goatherd.catch_up()

    answer = press(visitor, "/creators/bring-back", ada)

    assert answer.status_code == 303
    now = home.shown(ada["id"])
    assert (now["status"], now["tracking_mode"], now["tracking_start_date"]) == (
        "active",
        "selective",
        "2026-01-31",
    )


def test_sixty_come_back_although_fifty_are_added_at_once(
    visitor: Visitor, home: Tenant
):
    handles = [f"goat{n:02}" for n in range(60)]
    for part in (handles[:50], handles[50:]):
        home.post(home.creators, {"creators": [{"tiktok_handle": h} for h in part]})
    home.goatherd.catch_up()
    requested = {"limit": "100"}
    ids = [c["id"] for c in home.get("/creators", params=requested).json()["data"]]
    home.post(f"{home.creators}/bulk-remove", {"creator_ids": ids})
    home.goatherd.catch_up()

    answer = press(visitor, "/creators/bring-back", *ids)

    assert answer.status_code == 303
    assert set(statuses(home).values()) == {"active"}
    assert "60 creators brought back." in visitor.see("/creators").text


def test_one_form_sent_again_with_others_is_another_command(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    # As after going back to the list in the browser, which asks for nothing anew.
    same = {"idempotency_key": uuid4().hex, "confirmed": "yes"}
    press(visitor, FORM, three[0], **same)

    answer = press(visitor, FORM, three[1], **same)

    assert answer.status_code == 303
    assert statuses(home) == {"ada": "removed", "bea": "removed", "cleo": "active"}


def test_one_form_sent_again_with_other_tags_is_another_command(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    same = {"idempotency_key": uuid4().hex}
    press(visitor, "/creators/tag", three[0], tags="spring", **same)

    answer = press(visitor, "/creators/tag", three[0], tags="hooks", **same)

    home.goatherd.catch_up()
    assert answer.status_code == 303
    assert home.shown(three[0]["id"])["tags"] == ["spring", "hooks"]


def test_a_row_asks_for_a_scrape_of_its_own(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    before = len(home.get(f"/creators/{three[0]['id']}/scrapes").json()["data"])

    answer = press(visitor, SCRAPE, three[1], only=three[0]["id"])

    home.goatherd.catch_up()
    scrapes = home.get(f"/creators/{three[0]['id']}/scrapes").json()["data"]
    assert (answer.status_code, len(scrapes)) == (303, before + 1)
    assert "on its way" in visitor.see("/creators").text


def test_a_scrape_that_the_plan_refuses_is_told(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    ada = home.add("ada")
    home.goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    press(visitor, SCRAPE, only=ada["id"])

    answer = press(visitor, SCRAPE, only=ada["id"])

    assert answer.status_code == 303
    home.goatherd.catch_up()
    notice = visitor.see("/creators").one("p", class_="flash").text
    assert " by hand a day, and there " in notice


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "path",
    (FORM, SCRAPE, "/creators/disable", "/creators/reenable", "/creators/bring-back"),
)
def test_nothing_selected_is_told_and_nothing_done(
    visitor: Visitor, home: Tenant, path: str
):
    answer = press(visitor, path, confirmed="yes")

    assert answer.status_code == 303
    assert "Select at least one" in visitor.see("/creators").text
    assert set(statuses(home).values()) == {"active"}


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("ids", (["x"], [str(uuid4()) for _ in range(101)]))
def test_what_is_no_selection_is_refused(
    visitor: Visitor, home: Tenant, ids: list[str]
):
    answer = press(visitor, FORM, *ids, confirmed="yes")

    assert answer.status_code == 400
    assert set(statuses(home).values()) == {"active"}


@pytest.mark.parametrize(
    "back", ("https://elsewhere.example/", "//elsewhere.example", "/creators\n?x")
)
def test_a_form_leads_back_to_the_list_and_nowhere_else(
    visitor: Visitor, three: list[dict[str, Any]], back: str
):
    answer = press(visitor, FORM, three[0], confirmed="yes", back=back)

    assert answer.headers["Location"] == "/creators"


def test_who_may_only_read_changes_nothing(
    goatherd: Goatherd, home: Tenant, three: list[dict[str, Any]]
):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    others = ("disable", "reenable", "bring-back")
    for path in (FORM, SCRAPE, *(f"/creators/{name}" for name in others)):
        fields = {"creator_ids": [three[0]["id"]], "only": three[0]["id"]}
        assert reader.post(path, {**fields, "confirmed": "yes"}).status_code == 403

    assert statuses(home)["ada"] == "active"


def test_chosen_creators_get_tags_besides_their_own(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    bea = home.add("dora", tags=["Spring", "tier a"])
    home.goatherd.catch_up()

    answer = press(visitor, "/creators/tag", *three[:2], bea, tags="spring, hooks")

    home.goatherd.catch_up()
    assert answer.status_code == 303
    assert home.shown(three[0]["id"])["tags"] == ["spring", "hooks"]
    assert home.shown(bea["id"])["tags"] == ["Spring", "tier a", "hooks"]
    assert home.shown(three[2]["id"])["tags"] == []
    assert "3 creators tagged." in visitor.see("/creators").text
    again = read(press(visitor, "/creators/tag", three[0], tags="Hooks").text)
    assert results(again) == {"@ada": "skipped tags stay the same"}
    assert press(visitor, "/creators/tag", three[0], tags=" ,").status_code == 303
    assert "Type a tag first." in visitor.see("/creators").text


def test_chosen_creators_join_a_campaign_of_their_own_project(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    path = f"/projects/{home.project_id}/campaigns"
    campaign = home.post(path, {"name": "Launch"}).json()["data"]["id"]
    autumn = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    added = home.post(f"/projects/{autumn}/creators", {"tiktok_handle": "zoe"})
    home.goatherd.catch_up()
    zoe = added.json()["data"]
    target = "/creators/add-to-campaign"

    answer = press(visitor, target, *three[:2], zoe, campaign_id=campaign)

    home.goatherd.catch_up()
    items = home.get(f"/campaigns/{campaign}/items").json()["data"]
    assert {one["item_id"] for one in items} == {one["id"] for one in three[:2]}
    page = read(answer.text)
    assert page.one("h1").text == "2 creators added to the campaign"
    reason = "skipped is in another project than the campaign"
    assert results(page) == {"@zoe": reason}


def test_a_move_asks_first_if_reports_stop(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    autumn = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    for name, one in (("Bea weekly", three[1]), ("Cleo weekly", three[2])):
        report = {"name": name, "scope": {"type": "creator", "id": one["id"]}}
        data_of(home.post("/reports", report), status=201)
    home.goatherd.catch_up()

    answer = press(visitor, "/creators/move", *three[:2], project_id=autumn)
    page = read(answer.text)
    assert [item.text for item in page.all("li")] == ["Bea weekly"]
    assert page.one("h1").text == "Move 2 creators?"
    home.goatherd.catch_up()
    assert home.shown(three[0]["id"])["project_id"] != autumn

    ids = [field["value"] for field in page.all("input", name="creator_ids")]
    done = visitor.submit(page, "/creators/move", creator_ids=ids)
    home.goatherd.catch_up()
    assert done.status_code == 303
    places = [home.shown(one["id"])["project_id"] for one in three]
    assert places == [autumn, autumn, str(home.project_id)]


def test_chosen_creators_move_to_a_project(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    autumn = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    home.goatherd.catch_up()

    answer = press(visitor, "/creators/move", *three[:2], project_id=autumn)

    home.goatherd.catch_up()
    assert answer.status_code == 303
    places = [home.shown(one["id"])["project_id"] for one in three]
    assert places == [autumn, autumn, str(home.project_id)]
    assert "2 creators moved." in visitor.see("/creators").text


def test_chosen_creators_are_scraped_compared_and_downloaded(
    visitor: Visitor, three: list[dict[str, Any]]
):
    first, second = (one["id"] for one in three[:2])

    scraped = press(visitor, SCRAPE, first, second)
    assert "2 creators waiting for a scrape." in visitor.see("/creators").text
    compared = press(visitor, "/creators/compare", first, second)
    file = press(visitor, "/creators/chosen.csv", first, second)

    assert scraped.status_code == 303
    assert compared.headers["location"] == (
        f"/compare?entity=creator&ids={first},{second}"
    )
    completed = visitor.get(compared.headers["location"]).headers["location"]
    page = visitor.see(completed).text
    assert "@ada" in page
    assert "@bea" in page
    assert file.headers["content-type"].startswith("text/csv")
    assert "attachment" in file.headers["content-disposition"]
    lines = file.text.splitlines()
    assert len(lines) == 3
    assert not any(",cleo," in line for line in lines)
    nobody = press(visitor, "/creators/compare")
    assert nobody.headers["location"] == "/creators?status=all"


def test_bulk_actions_leave_creators_of_others_alone(
    visitor: Visitor, home: Tenant, stranger: Tenant
):
    foreign = stranger.add("theirs")["id"]
    home.add("ada")
    stranger.goatherd.catch_up()
    home.goatherd.catch_up()
    head = home.goatherd.head
    project = str(home.project_id)

    for path, fields in (
        ("/creators/tag", {"tags": "mine"}),
        ("/creators/move", {"project_id": project}),
        (SCRAPE, {}),
    ):
        page = read(press(visitor, path, foreign, **fields).text)
        assert results(page)[foreign].startswith("failed"), path
    file = press(visitor, "/creators/chosen.csv", foreign)
    assert "theirs" not in file.text
    assert home.goatherd.head == head


def test_tags_are_taken_from_those_that_have_them(
    visitor: Visitor, home: Tenant, three: list[dict[str, Any]]
):
    ada, bea, _ = three
    for one, tags in ((ada, ["Spring", "tier A"]), (bea, ["spring"])):
        home.patch(f"/creators/{one['id']}", {"tags": tags})
    home.goatherd.catch_up()

    done = press(visitor, "/creators/untag", ada, bea, tags="SPRING, unknown")
    home.goatherd.catch_up()
    again = press(visitor, "/creators/untag", *three, tags="tier a")
    home.goatherd.catch_up()
    nothing = press(visitor, "/creators/untag", ada, tags=" , ")

    assert done.status_code == 303
    assert "1 creator without the tag" in again.text
    assert results(read(again.text)) == {
        "@bea": "skipped tags stay the same",
        "@cleo": "skipped tags stay the same",
    }
    assert home.shown(ada["id"])["tags"] == home.shown(bea["id"])["tags"] == []
    assert nothing.status_code == 303
    assert "Type a tag first." in visitor.see("/creators").text
