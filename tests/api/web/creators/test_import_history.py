"""/creators/import: a CSV file, its preview line by line, and the import of it."""

import httpx
import pytest

from domain import events as e
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.builders import log_of
from tests.kit.markup import Element, read
from tests.kit.people import member_of
from tests.kit.visitor import Visitor

PATH = "/creators/import"
LINK = "https://www.tiktok.com/@{}/video/7593820674163100941"
CONTENT = (
    "Time,Video title,Video link,Post time,Total likes,Total comments,Total shares,"
    "Total views\n"
    f"2026-03-02,Hay,{LINK.format('ada')},2026-03-01 10:00,3,2,1,900\n"
    f"2026-03-03,Hay,{LINK.format('ada')},2026-03-01 10:00,4,2,1,1.2K\n"
)
OTHER = f'Tag,Link,"Views, ""all"""\n2026-03-02,{LINK.format("ada")},900\n'
MAPPED = ["date=Tag", "video=Link", 'views=Views, "all"', ""]
OVERVIEW = "Date,Video Views,Profile Views,Likes,Comments,Shares\n2026-03-01,9,8,7,6,5"
FOLLOWERS = "Date,Followers,Difference in followers from previous day\nMarch 2,100,1\n"


def the_form(visitor: Visitor, query: str = "") -> Element:
    # The list of projects comes from a read model.
    visitor.goatherd.catch_up()
    return visitor.see(PATH + query)


def sent(
    visitor: Visitor, page: Element, *, status: int = 200, **fields: str | list[str]
) -> Element:
    answer = visitor.submit(page, PATH, **fields)
    assert answer.status_code == status, answer.text
    return read(answer.text)


def upload(visitor: Visitor, content: bytes, **fields: str) -> httpx.Response:
    """Choose a file in the form, as a browser sends it."""
    given = {"csrf": visitor.csrf, "tz": "UTC", **fields}
    parts = [(name, (None, value.encode())) for name, value in given.items()]
    return visitor.ask(
        "POST", PATH, files=[*parts, ("file", ("Content.csv", content, "text/csv"))]
    )


def rows_of(page: Element, heading: str) -> list[list[str]]:
    section = page.one("section", **{"aria-labelledby": heading})
    return [
        [cell.text for cell in row.inside() if cell.tag in {"th", "td"}]
        for row in section.one("tbody").all("tr")
    ]


def buttons(page: Element) -> list[str]:
    return [each.text for each in page.one("form", action=PATH).all("button")]


def stored(home: Tenant) -> list[int]:
    """The views of videos that the log has of the organization."""
    events = [
        each.event for each in log_of(home.goatherd.store, e.VideoStatsSnapshotRecorded)
    ]
    return [
        views
        for event in events
        if isinstance(event, e.VideoStatsSnapshotRecorded)
        and event.organization_id == home.organization_id
        for views in event.view_counts
        if views is not None
    ]


def test_each_line_is_shown_before_it_is_stored_and_bad_lines_are_left_out(
    visitor: Visitor, home: Tenant
):
    home.add("ada")

    preview = sent(visitor, the_form(visitor), text=CONTENT)
    head = home.goatherd.head
    done = sent(visitor, preview, step="import")
    again = sent(visitor, the_form(visitor), text=CONTENT)

    bad = [["3", "Total views", "Total views must be a whole number, not '1.2K'."]]
    assert "1 observation is new" in preview.text
    assert "Content.csv of TikTok Studio" in preview.text
    assert rows_of(preview, "t-bad") == bad
    assert "Time (day or time), Video title (title)" in preview.text
    assert [row[-1] for row in rows_of(preview, "t-good")] == ["is imported"]
    assert buttons(preview) == ["Change the file", "Import 1 observation"]
    assert home.goatherd.head > head
    assert "1 observation was stored" in done.text
    assert rows_of(done, "t-bad") == bad
    assert stored(home) == [900]
    assert "There is nothing new to import." in again.text
    assert buttons(again) == ["Change the file"]


def test_creators_are_tracked_only_when_somebody_says_so(
    visitor: Visitor, home: Tenant
):
    first = sent(visitor, the_form(visitor), text=CONTENT)
    head = home.goatherd.head
    second = sent(visitor, first, step="track")
    before = home.goatherd.head
    done = sent(visitor, second, step="import")

    assert buttons(first) == ["Change the file", "Track 1 creator, too"]
    assert "cannot be stored: @ada." in first.text
    assert before == head
    assert "The import begins to track @ada" in second.text
    assert "Tracked from now on: @ada" in done.text
    assert stored(home) == [900]


def test_columns_of_other_files_are_chosen_and_stay_chosen(
    visitor: Visitor, home: Tenant
):
    home.add("ada")

    mapping = sent(visitor, the_form(visitor), text=OTHER, status=400)
    preview = sent(visitor, mapping, mapped=MAPPED)
    changed = sent(visitor, preview, step="change", mapped=MAPPED)
    done = sent(visitor, preview, step="import", mapped=MAPPED)

    field = mapping.one("fieldset", class_="columns-of-file bad")
    options = [each.text for each in field.all("select")[0].all("option")]
    assert options == ["No column", "Tag", "Link", 'Views, "all"']
    assert "Choose the columns" in field.text
    assert "1 observation is new" in preview.text
    chosen = [
        option["value"]
        for select in changed.all("select", name="mapped")
        for option in select.all("option")
        if "selected" in option.attributes
    ]
    assert chosen == MAPPED[:3]
    assert "1 observation was stored" in done.text


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    (
        (OVERVIEW, "f-text", "export Content.csv"),
        ("video,views\n", "f-columns", "Choose the columns"),
        (FOLLOWERS, "f-creator", "Write the handle"),
        ("", "f-text", "Choose a CSV file"),
    ),
)
def test_a_file_that_is_refused_stays_in_the_form_with_the_reason_at_its_field(
    visitor: Visitor, home: Tenant, text: str, field: str, problem: str
):
    home.add("ada")

    refused = sent(visitor, the_form(visitor), text=text, status=400)

    by_id = {each.attributes.get("id"): each for each in refused.inside()}
    assert problem in by_id[by_id[field]["aria-describedby"]].text
    assert refused.one("textarea", name="text").text == " ".join(text.split())


def test_days_without_a_year_and_wrong_zones_are_refused_at_their_fields(
    visitor: Visitor, home: Tenant
):
    home.add("ada")

    dayless = sent(visitor, the_form(visitor), text=FOLLOWERS, creator="@ada")
    zone = {"text": FOLLOWERS, "creator": "@ada", "tz": "Mars/Olympus"}
    refused = sent(visitor, the_form(visitor), status=400, **zone)
    named = {"text": FOLLOWERS, "creator": "@ada", "last_day": "2026-03-02"}
    read_ = sent(visitor, the_form(visitor), status=200, **named)

    assert "the last day of the file" in rows_of(dayless, "t-bad")[0][2]
    assert "Choose a time zone" in refused.one("p", id="h-tz").text
    assert "1 observation is new" in read_.text


def test_an_uploaded_file_is_kept_until_another_takes_its_place(
    visitor: Visitor, home: Tenant
):
    home.add("ada")
    home.goatherd.catch_up()
    fields = {"project_id": str(home.project_id)}

    mapping = read(upload(visitor, b"\xef\xbb\xbf" + OTHER.encode(), **fields).text)
    kept = sent(visitor, mapping, mapped=MAPPED)
    other = upload(visitor, CONTENT.encode(), is_kept="on", text=OTHER, **fields)
    both = upload(visitor, CONTENT.encode(), text=OTHER, **fields)

    assert "Your file of 2 lines is still here." in mapping.text
    assert "1 observation is new" in kept.text
    assert "Content.csv of TikTok Studio" in read(other.text).text
    assert both.status_code == 400
    assert "Paste rows or choose a file, not both." in read(both.text).text


def test_files_that_are_no_csv_or_too_long_are_refused(visitor: Visitor, home: Tenant):
    home.add("ada")
    home.goatherd.catch_up()
    fields = {"project_id": str(home.project_id), "creator": "ada"}
    rows = b"date,views\n" + b"2026-03-01,1\n" * 800_000

    picture = upload(visitor, b"\x89PNG\r\n\x1a\n\xff\xfe\x00", **fields)
    long = upload(visitor, rows[:10_000_001], **fields)
    longer = upload(visitor, rows + rows, **fields)

    assert (picture.status_code, long.status_code, longer.status_code) == (
        400,
        413,
        413,
    )
    assert "File must be text in UTF-8" in read(picture.text).text
    shown = read(long.text).one("p", id="h-text").text
    assert shown == "The body is larger than 10 MB."
    assert "a large file can be imported in parts" in read(longer.text).text


def test_readers_have_no_form(goatherd: Goatherd, home: Tenant):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    assert reader.get(PATH).status_code == 403
    assert reader.post(PATH, {"text": CONTENT}).status_code == 403


def test_a_member_imports_into_their_own_projects_only(home: Tenant):
    foreign = data_of(home.post("/projects", {"name": "Foreign"}), status=201)["id"]
    member = member_of(home, project_ids=[str(home.project_id)]).browser
    head = home.goatherd.head

    page = the_form(member)
    refused = sent(
        member, page, status=404, text=CONTENT, project_id=foreign, step="import"
    )
    preview = member.submit(page, PATH, text=CONTENT, project_id=foreign)

    assert "Foreign" not in page.text
    assert refused.one("p", role="alert").text == "No such project."
    assert preview.status_code == 404
    assert home.goatherd.head == head


def test_columns_that_are_not_read_are_named_once_for_each_reason(
    visitor: Visitor, home: Tenant
):
    home.add("ada")
    with_followers = (
        "Date,Video Views,Profile Views,Likes,Followers\n2026-03-01,9,8,7,6\n"
    )

    page = sent(visitor, the_form(visitor), text=with_followers, creator="ada")

    (unread,) = [
        each.text for each in page.all("p", class_="hint") if "Not read" in each.text
    ]
    assert unread.startswith("Not read: Video Views , Profile Views , Likes (daily")
    assert "2 columns are read" in page.one("details").text
