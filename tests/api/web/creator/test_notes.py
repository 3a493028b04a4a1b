"""Notes of a creator: read, edited in place, and edited by two at a time."""

from typing import Any

import pytest

from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    creator = home.add(
        "goat",
        readme="# Terms\n\n* two posts a month",
        description="Climbs.\nAnd bleats.",
        metadata={"agency": "Hill & Vale", "tags": ["goat", None], "n": {"a": 1.5}},
    )
    home.goatherd.catch_up()
    return creator


def notes_of(creator: dict[str, Any]) -> str:
    return f"/creators/{creator['id']}/notes"


def kept(home: Tenant, creator: dict[str, Any]) -> dict[str, Any]:
    return home.shown(creator["id"])


def typed(page: Element) -> str:
    """The text in the textarea."""
    text = "".join(page.one("textarea").texts())
    assert text.startswith("\n")
    return text[1:]


def test_notes_are_shown_as_they_are_meant(visitor: Visitor, creator: dict[str, Any]):
    page = visitor.see(notes_of(creator))

    assert len(page.all("h1")) == 1
    assert [h.text for h in page.all("h3")] == ["Terms"]
    assert "two posts a month" in page.one("section", id="card-readme").text
    assert "Climbs. And bleats." in page.one("section", id="card-description").text
    rows = page.one("section", id="card-metadata").one("tbody").all("tr")
    assert rows[0].text == "agency Hill & Vale"
    assert page.all("textarea") == []


@pytest.mark.parametrize("field", ("readme", "description", "metadata"))
def test_one_card_is_open_at_a_time_with_ids_of_its_own(
    visitor: Visitor, creator: dict[str, Any], field: str
):
    page = visitor.see(f"{notes_of(creator)}?edit={field}")

    ids = [e["id"] for e in page.inside() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    area = page.one("section", id=f"card-{field}").one("textarea")
    assert (area["id"], area["aria-describedby"]) == (f"f-{field}", f"h-{field}")
    assert len(page.all("textarea")) == 1
    links = [a for a in page.one("main").all("a") if a.text == "Edit"]
    assert len(links) == 2
    # Followed as any link is, so that unsaved text is asked about.
    assert all("hx-get" not in a.attributes for a in links)


@pytest.mark.parametrize("field", ("readme", "description", "metadata"))
def test_a_part_is_edited_in_place(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], field: str
):
    path = notes_of(creator)
    page = visitor.see(f"{path}?edit={field}")
    text = '{"a": 1}' if field == "metadata" else "Knows\n\nhow."

    answer = visitor.submit(page, path, text=text)

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    after = {**creator, field: {"a": 1} if field == "metadata" else text}
    now = kept(home, creator)
    assert now == {**after, "version": 2, "updated_at": now["updated_at"]}
    assert "Saved." in visitor.see(path).text


@pytest.mark.parametrize("field", ("readme", "description", "metadata"))
def test_an_emptied_part_is_cleared(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], field: str
):
    path = notes_of(creator)

    visitor.submit(visitor.see(f"{path}?edit={field}"), path, text="")

    assert not kept(home, creator)[field]
    assert visitor.see(f"{path}?edit={field}").all("textarea")


@pytest.mark.parametrize("field", ("readme", "description", "metadata"))
def test_a_part_that_nobody_touched_is_not_stored_again(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], field: str
):
    path, head = notes_of(creator), home.goatherd.head
    page = visitor.see(f"{path}?edit={field}")
    as_browsers_send_it = typed(page).replace("\n", "\r\n")

    answer = visitor.submit(page, path, text=as_browsers_send_it)

    assert answer.status_code == 303
    assert home.goatherd.head == head
    assert "Nothing was changed." in visitor.see(path).text


@pytest.mark.parametrize(
    "text",
    (
        "\n\nbegins and ends with lines\n\n",
        "  blanks  and\ttabs \n trailing ",
        "\N{GOAT}\N{ZERO WIDTH JOINER}\N{SNOWFLAKE}\N{VARIATION SELECTOR-16} e\u0301",
        "\u202bright\u200f to left".replace("\u202b", "\u200f"),
        "</textarea><script>alert(1)</script>&amp;&#10;",
        "\N{GOAT}" * 16_000,
        ("line of notes\n" * 5_000)[:64_000],
    ),
)
def test_text_is_kept_to_the_byte(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], text: str
):
    path = notes_of(creator)
    page = visitor.see(f"{path}?edit=readme")

    answer = visitor.submit(page, path, text=text.replace("\n", "\r\n"))

    assert answer.status_code == 303
    assert kept(home, creator)["readme"] == text
    assert typed(visitor.see(f"{path}?edit=readme")) == text


def test_notes_that_are_too_long_are_not_stored_and_not_lost(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, head = notes_of(creator), home.goatherd.head
    text = "\N{GOAT}" * 16_001

    answer = visitor.submit(visitor.see(f"{path}?edit=readme"), path, text=text)

    assert answer.status_code == 400
    page = read(answer.text)
    assert typed(page) == text
    assert "64000" in page.one("p", id="h-readme").text
    assert home.goatherd.head == head


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ('{"a": 1,}', "line 1, column"),
        ('{\n  "a": nothing\n}', "line 2, column"),
        ("[1]", "JSON object"),
        ('"a"', "JSON object"),
        ('{"a": 1, "a": 2}', "only once"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "JSON object"),
        ("{" + '"a":{' * 70 + "}" * 71, "nested"),
    ),
)
def test_metadata_that_is_no_json_object_is_told_where(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], text: str, message: str
):
    path, head = notes_of(creator), home.goatherd.head

    answer = visitor.submit(visitor.see(f"{path}?edit=metadata"), path, text=text)

    assert answer.status_code == 400
    page = read(answer.text)
    assert message in page.one("section", id="card-metadata").text
    assert typed(page) == text
    assert home.goatherd.head == head


def test_notes_are_seen_before_they_are_saved(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, head = notes_of(creator), home.goatherd.head
    page = visitor.see(f"{path}?edit=readme")

    answer = visitor.submit(page, path, text="# New\n\n**bold**", preview="yes")

    assert answer.status_code == 200
    shown = read(answer.text)
    assert shown.one("div", class_="preview").one("strong").text == "bold"
    assert typed(shown) == "# New\n\n**bold**"
    assert home.goatherd.head == head


def test_who_saves_second_is_shown_both_and_loses_nothing(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    first, second = (v.see(f"{path}?edit=readme") for v in (visitor, other))
    visitor.submit(first, path, text="# Terms\n\n* three posts a month")
    home.goatherd.catch_up()
    head = home.goatherd.head
    mine = "\n# Terms\n\n* two posts a month\n* and a story \N{GOAT}\n"

    answer = other.submit(second, path, text=mine)

    assert answer.status_code == 412
    assert home.goatherd.head == head
    page = read(answer.text)
    conflict = page.one("div", class_="conflict")
    assert "key" in conflict.text
    assert "just now" in conflict.text
    assert conflict.one("pre").text == "# Terms * three posts a month"
    lines = [p.text for p in conflict.one("div", class_="diff").all("p")]
    assert "\N{MINUS SIGN} Stored: * three posts a month" in lines
    assert "+ Yours: * and a story \N{GOAT}" in lines
    assert typed(page) == mine
    assert path in [a["href"] for a in page.all("a") if "stored" in a.text]

    over = other.submit(page, path)

    assert over.status_code == 303
    assert kept(home, creator)["readme"] == mine


def test_who_saves_over_what_changed_yet_again_is_told_again(
    other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    page = other.see(f"{path}?edit=readme")
    home.patch(f"/creators/{creator['id']}", {"readme": "one"})
    home.goatherd.catch_up()
    page = read(other.submit(page, path, text="mine").text)
    home.patch(f"/creators/{creator['id']}", {"readme": "two"})
    home.goatherd.catch_up()

    answer = other.submit(page, path)

    assert answer.status_code == 412
    assert read(answer.text).one("pre").text == "two"
    assert kept(home, creator)["readme"] == "two"


def test_the_same_text_typed_twice_is_no_conflict(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    first, second = (v.see(f"{path}?edit=readme") for v in (visitor, other))
    visitor.submit(first, path, text="the same")
    home.goatherd.catch_up()

    answer = other.submit(second, path, text="the same")

    assert answer.status_code == 303
    assert kept(home, creator)["version"] == 2


def test_changes_of_different_parts_are_both_kept(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    first = visitor.see(f"{path}?edit=readme")
    second = other.see(f"{path}?edit=metadata")
    visitor.submit(first, path, text="Mine.")
    home.goatherd.catch_up()

    answer = other.submit(second, path, text='{"b": 2}')

    assert answer.status_code == 303
    now = kept(home, creator)
    assert (now["readme"], now["metadata"]) == ("Mine.", {"b": 2})
    notice = other.see(path).one("div", id="flashes").text
    assert "together with what somebody else changed meanwhile" in notice
    assert "changed by" in notice.lower()


def test_a_scrape_in_between_is_no_conflict(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    page = visitor.see(f"{path}?edit=readme")
    home.saw(creator["id"], follower_count=1_000, display_name="Goat")
    home.goatherd.catch_up()

    answer = visitor.submit(page, path, text="Mine.")

    assert answer.status_code == 303
    home.goatherd.catch_up()
    assert visitor.see(path).one("div", id="flashes").text == "Saved."


def test_text_outlives_the_removal_of_its_creator(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    page = visitor.see(f"{path}?edit=readme")
    home.delete(f"/creators/{creator['id']}")
    home.goatherd.catch_up()

    answer = visitor.submit(page, path, text="Mine, and long.")

    assert answer.status_code == 409
    assert typed(read(answer.text)) == "Mine, and long."
    assert "removed" in read(answer.text).one("p", class_="refusal").text


def test_who_may_read_only_is_shown_no_form(
    goatherd: Goatherd, home: Tenant, creator: dict[str, Any]
):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    page = reader.see(f"{notes_of(creator)}?edit=readme")

    assert page.all("textarea") == []
    assert [a.text for a in page.one("main").all("a") if a.text == "Edit"] == []
    answer = reader.post(
        notes_of(creator),
        {"field": "readme", "text": "x", "version": "1", "original": "x"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "spoiled", ({"version": "x"}, {"version": "-1"}, {"field": "id"}, {"more": "x"})
)
def test_a_form_that_is_not_ours_stores_nothing(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], spoiled: dict[str, str]
):
    path, head = notes_of(creator), home.goatherd.head
    page = visitor.see(f"{path}?edit=readme")

    answer = visitor.submit(page, path, **{"text": "x", **spoiled})

    assert answer.status_code == 400
    assert home.goatherd.head == head


def test_a_stranger_finds_nothing(
    goatherd: Goatherd, stranger: Tenant, creator: dict[str, Any]
):
    visitor = Visitor(goatherd)
    visitor.sign_in(stranger.key)

    visitor.see(notes_of(creator), status=404)
    visitor.see(f"/creators/{creator['id']}/settings", status=404)
