"""Settings of a creator: name, tracking, handle, its end and its return."""

from typing import Any

import pytest

from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

SETTINGS: dict[str, Any] = {
    "tracking_mode": "auto",
    "tracking_start_date": "2026-01-31",
    "tracking_end_date": None,
}


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    creator = home.add("goat", **SETTINGS)
    home.goatherd.catch_up()
    return creator


def settings_of(creator: dict[str, Any]) -> str:
    return f"/creators/{creator['id']}/settings"


def fields_of(page: Element, action: str) -> dict[str, str]:
    """The visible fields of a form."""
    form = page.one("form", action=action)
    found = {
        i["name"]: i.attributes.get("value", "")
        for i in form.all("input")
        if i.attributes.get("type") != "hidden"
    }
    for select in form.all("select"):
        (chosen,) = (o for o in select.all("option") if "selected" in o.attributes)
        found[select["name"]] = chosen["value"]
    return found


def problem_at(page: Element, name: str) -> str:
    (control,) = (i for i in page.all("input") if i.attributes.get("aria-invalid"))
    assert control["name"] == name
    return page.one("p", id=control["aria-describedby"]).text


def test_settings_are_changed_and_what_was_left_alone_stays(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    page = visitor.see(path)
    assert fields_of(page, path) == {
        "display_name": "",
        "tags": "",
        "tracking_mode": "auto",
        "tracking_start_date": "2026-01-31",
        "tracking_end_date": "",
    }

    answer = visitor.submit(
        page, path, tracking_mode="selective", tracking_end_date="2026-12-31"
    )

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    now = home.shown(creator["id"])
    assert now == {
        **creator,
        "tracking_mode": "selective",
        "tracking_end_date": "2026-12-31",
        "version": now["version"],
        "updated_at": now["updated_at"],
    }


def test_tags_are_typed_with_commas_and_two_editors_do_not_undo_each_other(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    visitor.submit(visitor.see(path), path, tags=" Spring,, tier A, spring ")
    assert home.shown(creator["id"])["tags"] == ["Spring", "tier A"]
    page = visitor.see(path)
    assert fields_of(page, path)["tags"] == "Spring, tier A"

    other.submit(other.see(path), path, tags="Theirs")
    home.goatherd.catch_up()
    conflicting = visitor.submit(page, path, tags="Mine")
    refused = other.submit(other.see(path), path, tags="x" * 41)

    assert conflicting.status_code == 412
    shown = read(conflicting.text).one("div", class_="conflict")
    assert "Theirs" in shown.text
    assert "Mine" in shown.text
    assert "40" in problem_at(read(refused.text), "tags")
    assert home.shown(creator["id"])["tags"] == ["Theirs"]
    other.submit(other.see(path), path, tags="")
    assert home.shown(creator["id"])["tags"] == []


def test_a_name_set_here_stays_until_it_is_emptied(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    visitor.submit(visitor.see(path), path, display_name="Our Goat")
    home.saw(creator["id"], display_name="Goat on TikTok")
    assert home.shown(creator["id"])["display_name"] == "Our Goat"

    visitor.submit(visitor.see(path), path, display_name="")

    assert home.shown(creator["id"])["display_name"] == "Goat on TikTok"
    head = home.goatherd.head
    visitor.submit(visitor.see(path), path)
    assert home.goatherd.head == head


@pytest.mark.parametrize(
    ("fields", "name"),
    (
        ({"tracking_end_date": "2026-01-01"}, "tracking_end_date"),
        ({"tracking_start_date": "soon"}, "tracking_start_date"),
        ({"display_name": "x" * 201}, "display_name"),
    ),
)
def test_what_cannot_be_is_said_at_its_field(
    visitor: Visitor,
    home: Tenant,
    creator: dict[str, Any],
    fields: dict[str, str],
    name: str,
):
    path, head = settings_of(creator), home.goatherd.head

    answer = visitor.submit(visitor.see(path), path, **fields)

    assert answer.status_code == 400
    page = read(answer.text)
    assert problem_at(page, name)
    assert fields_of(page, path)[name] == fields[name]
    assert home.goatherd.head == head


def test_a_creator_is_renamed_and_keeps_its_id(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)

    answer = visitor.submit(
        visitor.see(path), f"{path}/handle", tiktok_handle="@Kid.And.Kettle"
    )

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert home.shown(creator["id"])["tiktok_handle"] == "kid.and.kettle"
    assert visitor.see(path).one("h1").text == "@kid.and.kettle"


@pytest.mark.parametrize(
    ("handle", "status"), (("taken.goat", 409), ("not a handle", 409), ("@goat", 409))
)
def test_a_handle_that_cannot_be_had_is_said_and_kept(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], handle: str, status: int
):
    home.add("taken.goat")
    home.goatherd.catch_up()
    path, head = settings_of(creator), home.goatherd.head

    answer = visitor.submit(visitor.see(path), f"{path}/handle", tiktok_handle=handle)

    assert answer.status_code == status
    page = read(answer.text)
    form = page.one("form", action=f"{path}/handle")
    assert form.all("p", class_="refusal") or form.all("p", class_="problem")
    assert fields_of(page, f"{path}/handle") == {"tiktok_handle": handle}
    assert home.goatherd.head == head
    current = [a["href"] for a in page.all("a") if a.attributes.get("aria-current")]
    assert path in current


def test_who_saves_second_is_shown_the_field_that_both_changed(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    first, second = visitor.see(path), other.see(path)
    visitor.submit(
        first, path, tracking_start_date="2026-03-01", tracking_mode="selective"
    )
    home.goatherd.catch_up()
    head = home.goatherd.head

    answer = other.submit(
        second, path, tracking_start_date="2026-02-01", display_name="Our Goat"
    )

    assert answer.status_code == 412
    assert home.goatherd.head == head
    page = read(answer.text)
    (row,) = page.one("div", class_="conflict").one("tbody").all("tr")
    assert row.text.startswith("First day 2026-03-01")
    assert "just now" in row.text
    assert "2026-02-01" in row.text
    # Mine where I changed something, the stored where I did not.
    assert fields_of(page, path) == {
        "display_name": "Our Goat",
        "tags": "",
        "tracking_mode": "selective",
        "tracking_start_date": "2026-02-01",
        "tracking_end_date": "",
    }

    over = other.submit(page, path)

    assert over.status_code == 303
    now = home.shown(creator["id"])
    assert now["tracking_start_date"] == "2026-02-01"
    assert (now["tracking_mode"], now["display_name"]) == ("selective", "Our Goat")


def test_a_field_can_be_given_up_and_the_rest_kept(
    other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    page = other.see(path)
    home.patch(f"/creators/{creator['id']}", {"tracking_start_date": "2026-03-01"})
    home.goatherd.catch_up()
    fields = {"tracking_start_date": "2026-02-01", "display_name": "Our Goat"}
    page = read(other.submit(page, path, **fields).text)
    head = home.goatherd.head

    answer = other.submit(page, path, take="tracking_start_date")

    assert answer.status_code == 200
    assert home.goatherd.head == head
    page = read(answer.text)
    assert fields_of(page, path)["tracking_start_date"] == "2026-03-01"
    assert fields_of(page, path)["display_name"] == "Our Goat"
    assert other.submit(page, path).status_code == 303
    now = home.shown(creator["id"])
    assert now["tracking_start_date"] == "2026-03-01"
    assert now["display_name"] == "Our Goat"


def test_different_fields_of_one_form_are_both_kept_and_that_is_said(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    first, second = visitor.see(path), other.see(path)
    visitor.submit(first, path, tracking_mode="selective")
    home.goatherd.catch_up()

    answer = other.submit(second, path, display_name="Our Goat")

    assert answer.status_code == 303
    now = home.shown(creator["id"])
    assert (now["tracking_mode"], now["display_name"]) == ("selective", "Our Goat")
    notice = other.see(path).one("div", id="flashes").text
    assert "together with what somebody else changed meanwhile" in notice
    assert "reviewed first" in notice


def test_two_who_rename_at_once_do_not_undo_each_other(
    visitor: Visitor, other: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    first, second = visitor.see(path), other.see(path)
    visitor.submit(first, f"{path}/handle", tiktok_handle="kid")
    home.goatherd.catch_up()

    answer = other.submit(second, f"{path}/handle", tiktok_handle="kettle")

    assert answer.status_code == 412
    page = read(answer.text)
    (row,) = page.one("div", class_="conflict").one("tbody").all("tr")
    assert row.text.startswith("Handle kid")
    assert home.shown(creator["id"])["tiktok_handle"] == "kid"
    assert other.submit(page, f"{path}/handle").status_code == 303
    assert home.shown(creator["id"])["tiktok_handle"] == "kettle"


def test_a_creator_is_removed_by_its_name_and_comes_back(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    page = visitor.see(path)
    assert "Yes, remove @goat" in page.one("form", action=f"{path}/remove").text

    visitor.submit(page, f"{path}/remove")

    assert home.shown(creator["id"])["status"] == "removed"
    page = visitor.see(path)
    offered = [f["action"] for f in page.one("main").all("form")]
    proof = f"/creators/{creator['id']}/proof.json"
    assert offered == [f"{path}/return", proof, f"{path}/erase"]

    visitor.submit(page, f"{path}/return", tracking_mode="selective")

    now = home.shown(creator["id"])
    assert (now["status"], now["tracking_mode"]) == ("active", "selective")
    assert now["tracking_start_date"] == "2026-01-31"
    assert "@goat is tracked again" in visitor.see(path).text


@pytest.mark.parametrize(
    ("history", "taken"),
    (("whole", "all numbers"), ("stay", "the numbers gained from now on")),
)
def test_a_creator_moves_with_all_its_numbers_or_leaves_those_until_now(
    visitor: Visitor,
    home: Tenant,
    creator: dict[str, Any],
    history: str,
    taken: str,
):
    new = home.post("/projects", {"name": "Summer"}).json()["data"]["id"]
    report = {"name": "Goat", "scope": {"type": "creator", "id": creator["id"]}}
    data_of(home.post("/reports", report), status=201)
    home.goatherd.catch_up()
    path = settings_of(creator)
    page = visitor.see(path)
    form = page.one("form", action=f"{path}/move")
    assert "The numbers until now stay" in form.text
    assert "These reports about the creator stop" in form.text
    assert "Goat" in [link.text for link in form.all("a")]

    visitor.submit(page, f"{path}/move", history=history)

    assert home.shown(creator["id"])["project_id"] == new
    shown = visitor.see(path)
    assert f"@goat is in Summer now, with all videos and {taken}" in shown.text
    links = shown.one("div", id="creator").all("a")
    assert (f"/projects/{new}", "Summer") in [(a["href"], a.text) for a in links]


def test_a_creator_does_not_come_back_with_a_window_that_ends_before_it_starts(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    visitor.submit(visitor.see(path), f"{path}/remove")
    home.goatherd.catch_up()
    page = visitor.see(path)

    answer = visitor.submit(page, f"{path}/return", tracking_end_date="2026-01-01")

    assert answer.status_code == 400
    page = read(answer.text)
    assert problem_at(page, "tracking_end_date")
    assert home.shown(creator["id"])["status"] == "removed"


def test_a_disabled_creator_says_why_and_gets_another_try(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    home.disable(creator["id"])
    home.goatherd.catch_up()
    path = settings_of(creator)
    page = visitor.see(path)
    assert "Three scrapes in a row found a private account" in page.text

    visitor.submit(page, f"{path}/reenable")

    assert home.shown(creator["id"])["status"] == "active"
    assert "two scrapes are queued" in visitor.see(path).text
    home.disable(creator["id"])
    home.goatherd.catch_up()
    visitor.submit(visitor.see(path), f"{path}/reenable")
    assert home.shown(creator["id"])["status"] == "disabled"
    assert "Nothing was done" in visitor.see(path).text


def test_a_creator_is_disabled_and_enabled_from_its_settings(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)

    done = visitor.submit(visitor.see(path), f"{path}/disable")

    assert done.status_code == 303
    assert home.shown(creator["id"])["disabled_reason"] == "by_hand"
    page = visitor.see(path)
    assert "is disabled. Scrapes have stopped." in page.text
    assert "Somebody disabled this creator" in page.text
    assert "Once in 24 hours" not in page.text
    assert not page.all("form", action=f"{path}/disable")
    overview = visitor.see(f"/creators/{creator['id']}").text
    assert "Somebody disabled this creator, and scrapes have stopped." in overview
    changes = visitor.see(f"/creators/{creator['id']}/changes").text
    assert "Disabled by" in changes

    for _ in range(2):
        visitor.submit(visitor.see(path), f"{path}/reenable")
        assert home.shown(creator["id"])["status"] == "active"
        visitor.submit(visitor.see(path), f"{path}/disable")
        home.goatherd.catch_up()


def test_settings_outlive_the_removal_of_the_creator(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    page = visitor.see(path)
    home.delete(f"/creators/{creator['id']}")
    home.goatherd.catch_up()

    answer = visitor.submit(page, path, display_name="Our Goat")

    assert answer.status_code == 409
    page = read(answer.text)
    assert fields_of(page, path)["display_name"] == "Our Goat"


def test_who_may_read_only_sees_the_settings_without_forms(
    goatherd: Goatherd, home: Tenant, creator: dict[str, Any]
):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    page = reader.see(settings_of(creator))

    assert page.one("main").all("form") == []
    assert "2026-01-31" in page.text
    answer = reader.post(f"{settings_of(creator)}/remove")
    assert answer.status_code == 403
    assert home.shown(creator["id"])["status"] == "active"


@pytest.mark.parametrize(
    "spoiled", ({"original": "x"}, {"version": "x"}, {"original": ""})
)
def test_a_form_that_is_not_ours_stores_nothing(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], spoiled: dict[str, str]
):
    path, head = settings_of(creator), home.goatherd.head
    page = visitor.see(path)

    answer = visitor.submit(page, path, **{"display_name": "x", **spoiled})

    assert answer.status_code == 400
    assert home.goatherd.head == head


# Erasing


def test_a_person_is_erased_and_no_page_offers_it_any_more(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    home.found(creator["id"])
    home.goatherd.catch_up()
    page = visitor.see(path)
    section = page.one("section", **{"aria-labelledby": "t-erase"})
    assert "1 creator" in section.text
    assert "1 video" in section.text

    wrong = visitor.submit(page, f"{path}/erase", confirm="another", figures="drop")
    kept = home.shown(creator["id"])
    again = read(wrong.text)
    done = visitor.submit(again, f"{path}/erase", confirm="@goat", figures="anonymous")
    home.goatherd.catch_up()

    assert wrong.status_code == 400
    assert problem_at(read(wrong.text), "confirm").startswith("Must be the creator")
    assert kept["status"] == "active"
    proof = f"/creators/{creator['id']}/erased"
    assert (done.status_code, done.headers["location"]) == (303, proof)
    assert "The person was erased" in visitor.see(proof).text
    for part in ("", "/videos", "/changes", "/notes", "/settings"):
        gone = visitor.see(f"/creators/{creator['id']}{part}", status=410)
        assert "was erased" in gone.text
        assert "@goat" not in gone.text
    for status in ("erased", "all"):
        row = visitor.see(f"/creators?status={status}").one(
            "tr", **{"data-row": creator["id"]}
        )
        assert "erased-" in row.text
        assert not row.all("button")
        assert not row.all("input")
    assert creator["id"] not in str(visitor.get("/creators").text)


def test_a_person_who_is_erased_with_a_ban_is_never_tracked_again(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    page = visitor.see(path)

    form = {"confirm": "goat", "figures": "anonymous", "ban": "yes"}
    done = visitor.submit(page, f"{path}/erase", **form)
    home.goatherd.catch_up()

    assert done.status_code == 303
    again = home.post(home.creators, {"tiktok_handle": "goat"})
    assert code_of(again) == (409, "erased_and_banned")


def test_only_admins_are_offered_to_erase(other: Visitor, creator: dict[str, Any]):
    assert "Erase this person" not in other.see(settings_of(creator)).text


def test_a_contact_address_is_saved_refused_and_hidden_from_readers(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = settings_of(creator)
    form = f"{path}/contact"

    saved = visitor.submit(visitor.see(path), form, contact_email="ada@herd.example")
    page = visitor.see(path)
    refused = visitor.submit(page, form, contact_email="ada at home")
    visitor.submit(page, form, contact_email="")

    assert saved.status_code == 303
    assert fields_of(page, form) == {"contact_email": "ada@herd.example"}
    assert "be an email address" in problem_at(read(refused.text), "contact_email")
    assert fields_of(visitor.see(path), form) == {"contact_email": ""}
    reader = Visitor(home.goatherd)
    reader.sign_in(home.with_key("read").key)
    assert not reader.see(path).all("form", action=form)
