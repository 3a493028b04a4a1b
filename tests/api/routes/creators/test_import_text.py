"""Creators out of a text: a preview that stores nothing, and the import."""

from typing import Any

import pytest

from domain import events as e
from tests.kit.application import Goatherd, Tenant, code_of, data_of

TEXT = """Handle;Tags;Mode;Start date;Notes;Metadata;Campaign;Fee
ada;"Spring, tier A";selective;2026-03-01;Met in May;"{""a"": 1}";Summer;450
taken;;;;;;;
gone;;;;;;;
@lou lou;;;;;;;
late;;;;;;;
"""


def ask(home: Tenant, what: str, text: str, **settings: object) -> dict[str, Any]:
    body = {"text": text, **settings}
    return data_of(home.post(f"{home.creators}/{what}", body))


def a_campaign(home: Tenant, name: str) -> str:
    campaign_id = home.campaign(name)
    home.goatherd.catch_up()
    return campaign_id


def items_of(home: Tenant, campaign_id: str) -> set[str]:
    home.goatherd.catch_up()
    rows = data_of(home.get(f"/campaigns/{campaign_id}/items"))
    return {row["item_id"] for row in rows}


def test_creators_are_put_into_the_campaign_that_their_lines_name(home: Tenant):
    summer, ete = a_campaign(home, "Summer"), a_campaign(home, "Été")
    old = home.add("old")["id"]
    item = {"item_type": "creator", "item_id": old}
    home.post(f"/campaigns/{summer}/items", item)
    home.delete(f"/creators/{old}")
    text = "Handle,Campaign\nada,SUMMER\nbea,éTÉ\ncleo,\nold,summer\ndora,Winter"

    shown = ask(home, "preview", text)
    before = items_of(home, summer), items_of(home, ete)
    done = ask(home, "import", text)

    statuses = [line["status"] for line in done["lines"]]
    assert statuses == ["created", "created", "created", "reactivated", "failed"]
    assert [line["status"] for line in shown["lines"]] == statuses
    assert before == ({old}, set())
    ada, bea, *_ = (line["creator_id"] for line in done["lines"])
    assert items_of(home, summer) == {ada, old}
    assert items_of(home, ete) == {bea}
    refused = done["lines"][-1]
    assert "'Winter' is not in this project: create it first" in refused["error"]
    assert shown["lines"][-1] == refused


def test_the_column_email_becomes_the_contact_address(home: Tenant):
    gone = home.add("gone")["id"]
    home.delete(f"/creators/{gone}")
    text = "Handle,E-Mail\nada, ada@example.com\ngone,g@x.org\nbea,\ncleo,cleo at x"

    shown = ask(home, "preview", text)
    before = home.goatherd.head
    done = ask(home, "import", text, keep_columns=True)
    home.goatherd.catch_up()

    addresses = ["ada@example.com", "g@x.org", None, None]
    for read in (shown, done):
        assert [line["contact_email"] for line in read["lines"]] == addresses
        assert read["columns"][1] == {"heading": "E-Mail", "field": "contact_email"}
        assert read["lines"][3]["error"] == (
            "email must be an email address, such as ada@example.com, not 'cleo at x'"
        )
    ids = [line["creator_id"] for line in done["lines"][:3]]
    assert [
        data_of(home.get(f"/creators/{id_}/contact"))["contact_email"] for id_ in ids
    ] == addresses[:3]
    assert data_of(home.get(f"/creators/{ids[0]}"))["metadata"] == {}
    noted = [
        recorded.event.has_address
        for recorded in home.goatherd.since(before)
        if isinstance(recorded.event, e.CreatorContactChanged)
    ]
    assert noted == [True, True]


def test_a_name_of_two_campaigns_or_of_another_project_is_no_campaign(
    home: Tenant, stranger: Tenant
):
    a_campaign(home, "Twice")
    a_campaign(home, "twice")
    a_campaign(stranger, "Theirs")
    deleted = a_campaign(home, "Gone")
    home.delete(f"/campaigns/{deleted}")
    home.goatherd.catch_up()

    done = ask(
        home, "import", "Handle,Campaign\nada,TWICE\nbea,Theirs\ncleo,Gone\ndora,\n"
    )

    errors = [line["error"] for line in done["lines"]]
    assert "is the name of 2 campaigns" in errors[0]
    assert "is not in this project" in errors[1]
    assert "is not in this project" in errors[2]
    assert errors[3] is None


def test_a_campaign_without_room_for_all_adds_none(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    a_campaign(home, "Small")
    head = home.goatherd.head
    text = "Handle,Campaign\n" + "".join(f"ada{n},Small\n" for n in range(4))

    answers = [
        home.post(f"{home.creators}/{what}", {"text": text})
        for what in ("preview", "import")
    ]

    assert [code_of(answer) for answer in answers] == [(402, "limit_reached")] * 2
    assert home.goatherd.head == head


def test_the_preview_says_what_the_import_then_does(home: Tenant):
    home.add("taken")
    home.delete(f"/creators/{home.add('gone')['id']}")
    a_campaign(home, "Summer")
    head = home.goatherd.head

    shown = ask(home, "preview", TEXT)

    assert home.goatherd.head == head
    done = ask(home, "import", TEXT)
    assert [line["status"] for line in shown["lines"]] == [
        *("created", "failed", "reactivated", "failed", "created"),
    ]
    assert [{**line, "creator_id": None} for line in done["lines"]] == [
        {**line, "creator_id": None} for line in shown["lines"]
    ]
    assert {**done, "lines": []} == {**shown, "lines": []}
    assert (done["created_count"], done["reactivated_count"]) == (2, 1)
    assert done["failed_count"] == 2
    ada, taken, gone, lou, _ = shown["lines"]
    assert (ada["line"], ada["creator_id"]) == (2, None)
    assert (ada["tags"], ada["campaign"]) == (["Spring", "tier A"], "Summer")
    assert (taken["code"], lou["code"]) == ("handle_taken", None)
    assert gone["creator_id"] == done["lines"][2]["creator_id"]
    creator = home.shown(done["lines"][0]["creator_id"])
    assert creator["tags"] == ["Spring", "tier A"]
    assert (creator["tracking_mode"], creator["readme"]) == ("selective", "Met in May")
    assert (creator["tracking_start_date"], creator["metadata"]) == (
        "2026-03-01",
        {"a": 1},
    )


def test_settings_apply_where_a_line_says_nothing(home: Tenant):
    text = "Handle,Tags,Mode\nada,own,auto\nbea,,"

    done = ask(
        home,
        "import",
        text,
        tags=["all"],
        tracking_mode="selective",
        tracking_start_date=None,
    )

    ada, bea = [home.shown(line["creator_id"]) for line in done["lines"]]
    assert (ada["tags"], ada["tracking_mode"]) == (["own"], "auto")
    assert (bea["tags"], bea["tracking_mode"]) == (["all"], "selective")
    assert ada["tracking_start_date"] is bea["tracking_start_date"] is None


@pytest.mark.parametrize(
    ("cells", "error"),
    (
        ({"Metadata": '{"a": "\\u0000"}'}, "metadata"),
        ({"Metadata": '{"a": "' + "x" * 16_000 + '"}'}, "metadata"),
        ({"Description": "x" * 5_001}, "5000"),
        ({"Notes": "\N{GOAT}" * 16_001}, "readme"),
        ({"Start date": "2026-03-02", "End date": "2026-03-01"}, "tracking_end_date"),
    ),
)
def test_a_line_with_what_cannot_be_fails_alone(
    home: Tenant, cells: dict[str, str], error: str
):
    quoted = [f'"{cell.replace(chr(34), 2 * chr(34))}"' for cell in cells.values()]
    text = f"Handle,{','.join(cells)}\nada,{','.join(quoted)}\nbea\n"

    shown = ask(home, "preview", text)
    done = ask(home, "import", text)

    assert [line["status"] for line in done["lines"]] == ["failed", "created"]
    assert [line["status"] for line in shown["lines"]] == ["failed", "created"]
    assert error in shown["lines"][0]["error"]
    assert "$" not in shown["lines"][0]["error"]


@pytest.mark.parametrize("what", ("preview", "import"))
def test_too_many_lines_are_refused_by_name(home: Tenant, what: str):
    text = "\n".join(f"ada{n}" for n in range(2_001))

    answer = home.post(f"{home.creators}/{what}", {"text": text})

    assert code_of(answer) == (400, "invalid_body")
    assert answer.json()["meta"]["fields"][0]["path"] == "/text"


def test_two_thousand_creators_are_added_at_once(goatherd: Goatherd):
    home = goatherd.tenant()
    text = "\n".join(f"ada{n}" for n in range(2_000))

    done = ask(home, "import", text)

    assert done["created_count"] == 2_000
    assert home.counted == 2_000


@pytest.mark.parametrize("what", ("preview", "import"))
@pytest.mark.parametrize(
    ("settings", "path"),
    (
        ({"tags": ["a,b"]}, "/tags"),
        (
            {"tracking_start_date": "2026-03-02", "tracking_end_date": "2026-03-01"},
            "/tracking_end_date",
        ),
        ({"text": "Name,Tags\nada,x"}, "/text"),
        ({"text": "a," * 10_001}, "/text"),
    ),
)
def test_settings_and_texts_that_cannot_be_are_refused_by_name(
    home: Tenant, what: str, settings: dict[str, object], path: str
):
    answer = home.post(f"{home.creators}/{what}", {"text": "ada", **settings})

    assert code_of(answer) == (400, "invalid_body")
    assert [field["path"] for field in answer.json()["meta"]["fields"]] == [path]


def test_a_plan_without_room_adds_none(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    head = home.goatherd.head

    answer = home.post(f"{home.creators}/import", {"text": "a,b,c,d,e,f"})

    assert code_of(answer) == (402, "limit_reached")
    assert home.goatherd.head == head


def test_a_banned_handle_is_told_in_the_preview(home: Tenant):
    home.ask("PUT", "/admin/bans/bad.goat")

    (line,) = ask(home, "preview", "@bad.goat")["lines"]

    assert (line["status"], line["code"]) == ("failed", "creator_banned")
    home.ask("DELETE", "/admin/bans/bad.goat")


def test_each_line_of_an_import_is_an_event(home: Tenant):
    head = home.goatherd.head

    ask(home, "import", "@ada\n@bea")

    added = [r.event for r in home.goatherd.since(head)]
    assert [one.handle for one in added if isinstance(one, e.CreatorAdded)] == [
        "ada",
        "bea",
    ]


def test_a_project_of_others_is_not_found(home: Tenant, stranger: Tenant):
    for what in ("preview", "import"):
        answer = stranger.post(f"{home.creators}/{what}", {"text": "ada"})

        assert code_of(answer) == (404, "not_found")
