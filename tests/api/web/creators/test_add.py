"""/creators/add: pasted lines, their results, and lines that are left to mend."""

from datetime import UTC, datetime

import httpx
import pytest

from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

PATH = "/creators/add"


def the_form(visitor: Visitor, query: str = "") -> Element:
    # Which projects there are comes from a read model.
    visitor.goatherd.catch_up()
    return visitor.see(PATH + query)


def preview(visitor: Visitor, form: Element, **fields: str) -> Element:
    """The page that the preview shows before anything is added."""
    answer = visitor.submit(form, PATH, **fields)
    assert answer.status_code == 200, answer.text
    return read(answer.text)


def add(visitor: Visitor, form: Element, **fields: str) -> httpx.Response:
    """Fill in the form, and confirm the preview."""
    return visitor.submit(preview(visitor, form, **fields), PATH, step="add")


def lines(page: Element, heading: str) -> dict[str, str]:
    """The last cells of a preview's table, by the text or handle of each line."""
    section = page.one("section", **{"aria-labelledby": heading})
    return {
        row.one("th").text: row.all("td")[-1].text
        for row in section.one("tbody").all("tr")
    }


def results(page: Element) -> dict[str, str]:
    """The page's result for each line."""
    return {
        row.one("th").text: row.one("td").text for row in page.one("tbody").all("tr")
    }


def tracked(home: Tenant) -> dict[str, dict[str, str]]:
    home.goatherd.catch_up()
    found = home.get("/creators", params={"limit": "100"}).json()["data"]
    return {creator["tiktok_handle"]: creator for creator in found}


def box(page: Element) -> str:
    return page.one("textarea", name="handles").text


def test_handles_and_urls_are_told_apart_by_lines_and_commas(
    visitor: Visitor, home: Tenant
):
    pasted = (
        "@Ada, https://www.tiktok.com/@bea?lang=en\r\ncleo;dora\r\n\r\n  @emma @finn "
    )

    answer = add(visitor, the_form(visitor), handles=pasted)

    handles = ("ada", "bea", "cleo", "dora", "emma", "finn")
    page = read(answer.text)
    assert answer.status_code == 200
    assert results(page) == {f"@{handle}": "added" for handle in handles}
    assert "All are tracked" in page.text
    assert box(page) == ""
    assert tracked(home).keys() == {*handles}


def test_who_adds_one_is_back_at_the_list(visitor: Visitor, home: Tenant):
    answer = add(visitor, the_form(visitor), handles="@ada")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/creators")
    home.goatherd.catch_up()
    assert "1 creator added." in visitor.see("/creators").text


def test_of_a_spreadsheets_rows_only_handles_are_tracked(
    visitor: Visitor, home: Tenant
):
    pasted = (
        "Creator\tHandle\tFee\n"
        "Anna Smith\tanna.smith.goat\t1,200 EUR\n"
        "Bea Jones\thttps://www.tiktok.com/@bea\t900 EUR\n"
        "Carla Goat"
    )

    answer = add(visitor, the_form(visitor), handles=pasted)

    page = read(answer.text)
    assert results(page)["@anna.smith.goat"] == results(page)["@bea"] == "added"
    assert "Has no handle in its column." in results(page)["Carla Goat"]
    assert box(page) == "Creator Handle Fee Carla Goat"
    assert tracked(home).keys() == {"anna.smith.goat", "bea"}


def test_who_comes_back_is_tracked_as_before_unless_something_else_is_chosen(
    visitor: Visitor, home: Tenant
):
    for handle in ("gone", "gone.too"):
        removed = home.add(
            handle, tracking_mode="selective", tracking_start_date="2026-01-31"
        )
        home.delete(f"/creators/{removed['id']}")
    home.goatherd.catch_up()

    add(visitor, the_form(visitor), handles="gone")
    add(visitor, the_form(visitor), handles="gone.too", since="today")

    now = tracked(home)
    settings = ("tracking_mode", "tracking_start_date")
    today = str(datetime.now(UTC).date())
    assert [now["gone"][name] for name in settings] == ["selective", "2026-01-31"]
    assert [now["gone.too"][name] for name in settings] == ["selective", today]


@pytest.mark.parametrize("line", ("@lou lou", "Lou Lou\t@lou lou\t$450"))
def test_a_handle_with_a_blank_in_it_is_refused_and_nobody_else_is_added(
    visitor: Visitor, home: Tenant, line: str
):
    answer = add(visitor, the_form(visitor), handles=f"Bea\t@bea\n{line}")

    shown = results(read(answer.text))
    assert shown["@bea"] == "added"
    assert "'@lou lou' is not a TikTok handle" in shown[" ".join(line.split())]
    assert tracked(home).keys() == {"bea"}


def test_a_handle_that_ends_with_a_dot_is_refused_with_the_reason(
    visitor: Visitor, home: Tenant
):
    answer = add(visitor, the_form(visitor), handles="@ian..ian.\n@bea")

    shown = results(read(answer.text))
    assert "TikTok lets none end with a dot" in shown["@ian..ian."]
    assert tracked(home).keys() == {"bea"}


def test_what_failed_stays_and_is_told_line_by_line(visitor: Visitor, home: Tenant):
    home.add("taken")
    removed = home.add("gone")
    home.delete(f"/creators/{removed['id']}")

    answer = add(
        visitor, the_form(visitor), handles="@new\n@taken\nno/handle\ngone\nNew"
    )

    page = read(answer.text)
    assert answer.status_code == 200
    shown = results(page)
    # Lines to correct come before added creators.
    assert [*shown] == ["@taken", "no/handle", "New", "@new", "@gone"]
    assert "2 creators were added, and 3 lines failed." in page.text
    assert (shown["@new"], shown["@gone"]) == ("added", "brought back")
    assert shown["@taken"].startswith("failed")
    assert "is taken in this project" in shown["@taken"]
    assert "not a TikTok handle" in shown["no/handle"]
    assert shown["New"].startswith("failed")
    assert box(page) == "@taken no/handle New"
    assert tracked(home).keys() == {"taken", "new", "gone"}


def test_mode_and_first_day_are_those_that_were_chosen(visitor: Visitor, home: Tenant):
    form = the_form(visitor)
    chosen = {"tracking_mode": "selective", "since": "day", "first_day": "2026-01-31"}
    add(visitor, form, handles="a", **chosen)
    add(visitor, the_form(visitor), handles="b")
    add(visitor, the_form(visitor), handles="c", since="today")
    table = "Handle,Start date\n@d,2026-02-01\n@e,\n"
    add(visitor, the_form(visitor), handles=table)
    home.add("of.the.api")

    found = tracked(home)

    assert (found["a"]["tracking_mode"], found["a"]["tracking_start_date"]) == (
        "selective",
        "2026-01-31",
    )
    assert (found["b"]["tracking_mode"], found["b"]["tracking_start_date"]) == (
        "auto",
        None,
    )
    firsts = {handle: one["tracking_start_date"] for handle, one in found.items()}
    today = str(datetime.now(UTC).date())
    assert (firsts["d"], firsts["e"]) == ("2026-02-01", None)
    assert (firsts["c"], firsts["of.the.api"]) == (today, today)


def test_the_project_is_the_chosen_one(visitor: Visitor, home: Tenant):
    other = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    home.goatherd.catch_up()

    page = the_form(visitor, f"?project_id={other}")
    add(visitor, page, handles="ada")

    assert tracked(home)["ada"]["project_id"] == other


@pytest.mark.parametrize(
    ("sent", "field", "problem"),
    (
        ({"handles": " \n, "}, "handles", "at least one"),
        (
            {"handles": ",".join(f"goat{n}" for n in range(2_001))},
            "handles",
            "more than 2,000 lines of creators: add them in parts",
        ),
        ({"handles": "ada", "tags": "x" * 41}, "tags", "at most 40"),
        ({"handles": "ada", "since": "day"}, "first-day", "date"),
        ({"handles": "ada", "project_id": "x"}, "project", "one of your projects"),
    ),
)
def test_what_is_amiss_is_told_at_its_field_and_nothing_is_stored(
    visitor: Visitor, home: Tenant, sent: dict[str, str], field: str, problem: str
):
    home.post("/projects", {"name": "Autumn"})
    home.goatherd.catch_up()
    page = the_form(visitor)
    kept = home.goatherd.kept()

    answer = visitor.submit(page, PATH, **sent)

    assert answer.status_code == 400
    again = read(answer.text)
    assert problem in again.one("p", class_=_class_of(field), id=f"h-{field}").text
    assert box(again) == " ".join(sent["handles"].split())
    assert home.goatherd.kept() == kept


def _class_of(field: str) -> str:
    return "problem theirs" if field == "handles" else "problem"


@pytest.mark.parametrize(
    ("amount", "message"),
    (
        (4, "after this, 1 more can be added"),
        (6, "0 are tracked: only 5 of these can be added."),
    ),
)
def test_the_preview_says_what_the_plan_has_room_for(
    goatherd: Goatherd, amount: int, message: str
):
    home = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    handles = ", ".join(f"goat{n}" for n in range(amount))

    page = preview(visitor, the_form(visitor), handles=handles)

    assert message in page.text
    offered = [b["value"] for b in page.one("main").all("button", name="step")]
    assert offered == (["change", "add"] if amount <= 5 else ["change"])


def test_a_plan_without_room_adds_none_and_keeps_what_was_typed(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    handles = ", ".join(f"goat{n}" for n in range(6))

    answer = add(visitor, the_form(visitor), handles=handles)

    page = read(answer.text)
    assert answer.status_code == 402
    refusal = page.one("p", class_="refusal").text
    assert "room for 5 creators, and 0 are tracked" in refusal
    assert box(page) == handles
    assert tracked(home) == {}


def test_a_campaign_without_room_is_told_before_anything_is_added(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    home.campaign("Small")
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    handles = "Handle,Campaign\n" + "".join(f"ada{n},Small\n" for n in range(4))

    answer = visitor.submit(the_form(visitor), PATH, handles=handles)

    refusal = read(answer.text).one("p", class_="refusal").text
    assert answer.status_code == 402
    assert "room for 3 items in a campaign" in refusal


def test_a_form_that_is_sent_twice_adds_once(visitor: Visitor, home: Tenant):
    page = preview(visitor, the_form(visitor), handles="ada")

    first = visitor.submit(page, PATH, step="add")
    again = visitor.submit(page, PATH, step="add")

    assert (first.status_code, again.status_code) == (303, 303)
    assert home.counted == 1


def test_a_form_of_nobodys_session_adds_nothing(visitor: Visitor, home: Tenant):
    answer = visitor.submit(the_form(visitor), PATH, handles="ada", csrf="x")

    assert answer.status_code == 400
    assert tracked(home) == {}


def test_nothing_is_added_before_it_is_confirmed(visitor: Visitor, home: Tenant):
    home.add("taken")
    removed = home.add("gone")
    home.delete(f"/creators/{removed['id']}")
    form = the_form(visitor)
    kept = home.goatherd.head
    text = "@new\ntaken\n@gone\n@lou lou\nhttps://vm.tiktok.com/ZMabc/\nNEW"

    page = preview(visitor, form, handles=text)

    assert home.goatherd.head == kept
    assert lines(page, "t-good") == {"@new": "is added", "@gone": "comes back"}
    bad = lines(page, "t-bad")
    assert bad["taken"].startswith("@taken is taken in this project")
    assert bad["NEW"] == "@new is in line 1 already."
    assert "not a TikTok handle" in bad["@lou lou"]
    assert "paste the address of the profile" in bad["https://vm.tiktok.com/ZMabc/"]
    assert "2 creators are ready , of which 1 comes back." in page.text
    changed = read(visitor.submit(page, PATH, step="change").text)
    assert box(changed) == " ".join(text.split())


def test_the_columns_of_a_file_are_read_and_the_rest_is_kept_if_asked_for(
    visitor: Visitor, home: Tenant
):
    form = the_form(visitor)
    fields = {
        "csrf": visitor.csrf,
        "project_id": str(home.project_id),
        "keep_columns": "on",
        "tags": "all, of them",
    }
    sheet = (
        "Name;Handle;Tags;Mode;Fee\r\nZoë;zoe.goat;Spring;selective;450\r\nX;x;;;\r\n"
    )
    assert form.one("form", action=PATH).attributes["enctype"] == "multipart/form-data"

    answer = visitor.ask(
        "POST",
        PATH,
        data=fields,
        files={"file": ("creators.csv", sheet.encode("utf-16"), "text/csv")},
    )

    page = read(answer.text)
    assert "Handle , Tags , Mode . Kept as metadata: Name, Fee ." in page.text
    visitor.submit(page, PATH, step="add")
    found = tracked(home)
    zoe = found["zoe.goat"]
    assert (zoe["tags"], zoe["tracking_mode"]) == (["Spring"], "selective")
    assert zoe["metadata"] == {"Name": "Zoë", "Fee": "450"}
    assert found["x"]["tags"] == ["all", "of them"]


def test_a_file_that_is_no_text_is_refused(visitor: Visitor, home: Tenant):
    the_form(visitor)

    answer = visitor.ask(
        "POST",
        PATH,
        data={"csrf": visitor.csrf, "project_id": str(home.project_id)},
        files={"file": ("creators.xlsx", b"PK\x03\x04\xff\xfe", "application/zip")},
    )

    assert answer.status_code == 400
    assert "save the sheet as CSV UTF-8" in read(answer.text).text


def test_a_list_and_a_file_at_once_are_refused(visitor: Visitor, home: Tenant):
    form = the_form(visitor)

    answer = visitor.submit(form, PATH, handles="ada", file="bea")

    assert answer.status_code == 400
    assert "not both" in read(answer.text).text
    assert tracked(home) == {}
