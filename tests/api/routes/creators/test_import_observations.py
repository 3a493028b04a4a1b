"""Observations out of a CSV file: a preview that stores nothing, and the import."""

from typing import Any

import httpx
import pytest

from domain import events as e
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import log_of
from workers.sources.recordings import import_recording

LINK = "https://www.tiktok.com/@{}/video/75938206741631009{}"
MAP = "date=date,video=video,views=views"
HEAD = "date,video,views\n"
FILE = HEAD + "".join(
    f"2026-03-0{day},{LINK.format(handle, number)},{views}\n"
    for day, handle, number, views in (
        (1, "ada", 41, "10"),
        (2, "ada", 41, "12"),
        (2, "ada", 41, "12"),
        (3, "ada", 41, "1.2K"),
        (3, "bea", 42, "5"),
    )
)
OVERVIEW = "Date,Video Views,Profile Views,Likes,Comments,Shares\n2026-03-01,9,8,7,6,5"


def sent(home: Tenant, what: str, text: str, **params: str) -> httpx.Response:
    path = f"/projects/{home.project_id}/observations/{what}"
    return home.ask("POST", path, params=params, content=text.encode())


def ends_of_imports(home: Tenant) -> list[str]:
    events = [each.event for each in log_of(home.goatherd.store, e.ImportFinished)]
    return [
        event.outcome
        for event in events
        if isinstance(event, e.ImportFinished)
        and event.organization_id == home.organization_id
    ]


def statuses(shown: dict[str, Any]) -> list[tuple[int, str]]:
    return [(line["line"], line["status"]) for line in shown["lines"]]


def test_each_line_is_previewed_then_stored_once(home: Tenant):
    home.add("ada")
    before = home.goatherd.head

    shown = data_of(sent(home, "preview", FILE, map=MAP))
    refusals = [
        sent(home, "import", FILE, map=MAP),
        sent(home, "import", FILE, map=MAP, skip_bad_lines="true"),
    ]
    after = home.goatherd.head
    choices = {"map": MAP, "skip_bad_lines": "true", "create_creators": "true"}
    first = data_of(sent(home, "import", FILE, **choices))
    home.goatherd.catch_up()
    again = data_of(sent(home, "import", FILE, **choices))
    known = data_of(sent(home, "preview", FILE, map=MAP))

    assert after == before
    assert statuses(shown) == [
        *((2, "new"), (3, "new"), (4, "repeated"), (5, "bad"), (6, "unknown_creator"))
    ]
    assert shown["lines"][3] == shown["bad_lines"][0]
    assert shown["lines"][3]["column"] == "views"
    assert shown["lines"][3]["error"] == "views must be a whole number, not '1.2K'"
    assert shown["unknown_handles"] == ["bea"]
    assert [each.json()["meta"]["fields"][0]["path"] for each in refusals] == [
        *("/5", "/create_creators")
    ]
    assert (first["stored_count"], first["created_handles"]) == (3, ["bea"])
    assert (again["stored_count"], again["there_already_count"]) == (0, 3)
    assert [status for _, status in statuses(known)] == [
        *("known", "known", "repeated", "bad", "known")
    ]


@pytest.mark.parametrize("mapping", ({}, {"map": 'date=Date,views="Video Views"'}))
def test_gains_are_refused_with_the_files_to_export(
    home: Tenant, mapping: dict[str, str]
):
    refused = sent(home, "preview", OVERVIEW, creator="ada", **mapping)

    assert code_of(refused) == (400, "invalid_body")
    assert "Video Views" in refused.json()["error"]
    assert "export Content.csv" in refused.json()["error"]


def test_files_that_are_too_long_are_refused(home: Tenant):
    rows = HEAD + "2026-03-01,1,1\n" * 100_001

    large = sent(home, "import", "a" * 10_000_001)
    long = sent(home, "import", rows, map=MAP, creator="ada")
    text = home.post("/projects", {"name": "a" * 1_000_001})

    assert code_of(large) == code_of(long) == code_of(text) == (413, "body_too_large")
    assert [each.json()["error"] for each in (large, long, text)] == [
        "The body is larger than 10 MB.",
        "The file has more than 100,000 rows: import it in parts.",
        "The body is larger than 1 MB.",
    ]


def test_files_that_cannot_be_read_are_refused(home: Tenant):
    cut = sent(home, "import", FILE + '2026-03-04,"1', map=MAP)

    assert code_of(cut) == (400, "invalid_body")
    assert ends_of_imports(home) == []


@pytest.mark.parametrize(
    ("params", "name"),
    (
        ({"map": "nothing"}, "map"),
        ({"map": "age=date"}, "map"),
        ({"map": "date=Day,video=video,views=views"}, "map"),
        ({"map": MAP, "creator": "not a handle"}, "creator"),
        ({"map": "date=date,followers=views"}, "creator"),
        ({"map": "video=video,views=views"}, "observed_at"),
        ({"map": MAP, "observed_at": "yesterday"}, "observed_at"),
        ({"map": MAP, "last_day": "2026-02-30"}, "last_day"),
        ({"map": MAP, "tz": "Mars/Olympus"}, "tz"),
        ({"map": MAP, "create_creators": "maybe"}, "create_creators"),
    ),
)
def test_a_refusal_names_the_parameter(home: Tenant, params: dict[str, str], name: str):
    refused = sent(home, "preview", FILE, **params)

    assert code_of(refused) == (400, "invalid_query")
    assert refused.json()["meta"]["fields"][0]["path"] == f"/{name}"
    assert "--" not in refused.json()["error"]


def test_a_banned_handle_keeps_the_whole_file_out(home: Tenant):
    home.add("ada")
    data_of(home.ask("PUT", "/admin/bans/never.here"))
    file, before = FILE.replace("@bea", "@never.here"), home.goatherd.head
    choices = {"map": MAP, "create_creators": "true"}

    shown = sent(home, "preview", file, **choices)
    refused = sent(home, "import", file, skip_bad_lines="true", **choices)
    answers = [shown, refused]

    assert [code_of(each) for each in answers] == [(400, "invalid_body")] * 2
    for answer in answers:
        assert "@never.here may not be tracked here" in answer.json()["error"]
    assert home.goatherd.head == before


def test_an_import_that_breaks_off_is_noted_and_continues_later(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    home.add("ada")
    file = HEAD + "".join(
        f"2026-{month:02}-{day:02},{LINK.format('ada', 41)},{month * 30 + day}\n"
        for month in range(1, 10)
        for day in range(1, 29)
    )
    store, batches = import_recording.import_observations, [True]

    def break_off(*args: Any, **named: Any) -> Any:  # noqa: ANN401
        if not batches:
            raise RuntimeError
        batches.pop()
        return store(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(import_recording, "import_observations", break_off)
        patched.setattr(import_recording, "_GROUPS_AT_ONCE", 100)
        broken = sent(home, "import", file, map=MAP)
    again = data_of(sent(home, "import", file, map=MAP))

    assert code_of(broken) == (500, "internal_error")
    assert (again["there_already_count"], again["stored_count"]) == (100, 152)
    assert ends_of_imports(home) == ["interrupted", "stored"]
