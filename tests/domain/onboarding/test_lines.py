"""Given a pasted text, then the creators that its lines name, or why they name none."""

import string
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import asdict

from domain.creator.handle import normalize_handle
from domain.onboarding.errors import (
    NoHandleColumnError,
    TooManyCellsError,
    TooManyLinesError,
)
from domain.onboarding.lines import MOST_LINES, PastedLine, read_pasted


def handles(text: str) -> list[str | None]:
    return [line.creator and line.creator.handle for line in read_pasted(text).lines]


def the_line(text: str, **options: bool) -> PastedLine:
    (line,) = read_pasted(text, **options).lines
    return line


def said(text: str, **options: bool) -> dict[str, Any]:
    creator = the_line(text, **options).creator
    assert creator is not None
    values = asdict(creator).items()
    return {name: value for name, value in values if value not in (UNSET, None)}


@pytest.mark.parametrize(
    ("text", "found"),
    (
        ("", []),
        (" \r\n\t\n", []),
        ("@Ada, https://www.tiktok.com/@bea?lang=en\r\ncleo;dora", list("abcd")),
        ("  @emma @finn ", ["emma", "finn"]),
        ("\ufeff@ada\rbea", ["ada", "bea"]),
        ("Anna Smith\t@anna\t1,200 EUR", ["anna"]),
        ('"Smith, Anna",@anna,"1,200"', ["anna"]),
        ("Bea Jones,https://www.tiktok.com/@bea,@bea,900 EUR", ["bea"]),
        ("@a..b", ["a..b"]),
        ("tiktok.com/@ada\nwww.TikTok.com/@bea?lang=en", ["ada", "bea"]),
        # One line alone is no table.
        ("tags,ada", ["tags", "ada"]),
        ("Handle\nada\nbea", ["ada", "bea"]),
        # No headings: an account may be called so.
        ("tiktok\nada", ["tiktok", "ada"]),
        ("Name;User Name\nAda;ada_l\nBea;@bea", ["ada_l", "bea"]),
        ("name\thandle\r\nAda\tada_l\r\n\r\nBea\tbea", ["ada_l", "bea"]),
        ('Note,Handle\n"two\nlines",ada', ["ada"]),
    ),
)
def test_the_handles_of_a_text_are_found(text: str, found: list[str | None]):
    names = {"a": "ada", "b": "bea", "c": "cleo", "d": "dora"}

    assert handles(text) == [names.get(name or "", name) for name in found]


@pytest.mark.parametrize(
    ("text", "problem"),
    (
        ("@lou lou", "'@lou lou' is not a TikTok handle"),
        ("Lou Lou\t@lou lou\t$450", "'@lou lou' is not a TikTok handle"),
        ("Handle,Fee\n@lou lou,450", "'@lou lou' is not a TikTok handle"),
        ("@ian..ian.", "TikTok lets none end with a dot"),
        ("Bo Ridge\tbo_ridge\tbo@x.com\t$450", "names no handle"),
        ("Carla Goat", "'Carla Goat' is not a TikTok handle"),
        ("https://vm.tiktok.com/ZMabc/", "paste the address of the profile"),
        ("https://vt.tiktok.com/ZMabc", "paste the address of the profile"),
        ("handle\nvm.tiktok.com/ZMabc/", "paste the address of the profile"),
        ("https://www.tiktok.com/@ada/video/71", "the address of a video"),
        ("Anna\t@anna\t@agency", "names several: @anna, @agency"),
        ("Handle,Tags\n,a", "no handle in its column"),
        ('Handle,Tags\nada,"a', "quotation mark"),
        ('Handle,Tags\nada,"a"b', "quotation mark"),
        ("Handle,Fee\nada,1,200", "3 values under 2 headings"),
        ("Handle,Mode\nada,manual", "mode must be auto or selective, not 'manual'"),
        ("Handle,Start date\nada,03/04/2026", "a day like 2026-01-31"),
        ("Handle,Start date\nada,31.02.2026", "a day like 2026-01-31"),
        ("Handle,Metadata\nada,450", "a JSON object"),
        (f"Handle,Tags\nada,{'x' * 41}", "longer than 40 characters"),
    ),
)
def test_a_line_that_names_nobody_says_why(text: str, problem: str):
    line = the_line(text)

    assert line.creator is None
    assert problem in (line.problem or "")


def test_what_columns_say_is_read():
    text = (
        "Name;TikTok username;Tags;Campaign;Mode;Start date;End date;Notes;Metadata\n"
        'Ada;Ada_L;"spring, tier A";Summer;AUTO;2026-03-01;31.12.2026;"Two\nlines";'
        '"{""fee"": 450}"'
    )

    assert said(text) == {
        "handle": "ada_l",
        "tags": ["spring", "tier A"],
        "campaign": "Summer",
        "tracking_mode": "auto",
        "tracking_start_date": date(2026, 3, 1),
        "tracking_end_date": date(2026, 12, 31),
        "readme": "Two\nlines",
        "metadata": {"fee": 450},
    }
    assert said(text, keeps_columns=True)["metadata"] == {"Name": "Ada", "fee": 450}


def test_a_handle_that_stands_twice_counts_once_and_names_the_first_line():
    first, again = read_pasted("@ada\n\nADA").lines

    assert first.creator is not None
    assert (again.line, again.text) == (3, "ADA")
    assert again.problem == "@ada is in line 1 already"


def test_a_broken_quote_costs_one_line():
    lines = read_pasted('Handle,Notes\nada,"open\nbea,fine\n').lines

    assert [(line.line, line.problem is None) for line in lines] == [
        (2, False),
        (3, True),
    ]
    assert lines[0].text == 'ada,"open'


@pytest.mark.parametrize("heading", ("", "handle\n"))
def test_more_lines_than_are_read_at_once_are_refused(heading: str):
    text = "".join(f"ada{n}\n" for n in range(MOST_LINES))

    assert len(read_pasted(heading + text).lines) == MOST_LINES
    with pytest.raises(TooManyLinesError):
        read_pasted(f"{heading}{text}one.more")


@pytest.mark.parametrize(
    "text",
    (
        "Name,Tags\nada,x",
        "Full Name;E-Mail\nAda L;ada@example.com",
        "Tags\tNotes\nx\tMet in May",
    ),
)
def test_a_table_without_a_column_of_handles_names_nobody(text: str):
    with pytest.raises(NoHandleColumnError, match="call that column Handle"):
        read_pasted(text)


@pytest.mark.parametrize(
    "text", ("a," * 10_001, "Handle" + "," * 10_001, "\n@" + "\t" * 10_001)
)
def test_a_line_of_more_cells_than_are_read_at_once_is_refused(text: str):
    with pytest.raises(TooManyCellsError, match=r"10,000 values in line [12]"):
        read_pasted(text)


WORDS = st.sampled_from(
    [
        *("@ada", "@bea", "ada", "lou", "@lou", "Lou", "$450", "450", "a@x.com", "@"),
        *("https://www.tiktok.com/@cleo", "https://vm.tiktok.com/ZM1/", "ian.", '"'),
        *("Handle", "Tags", "Name", "2026-01-31", "auto", " ", "  ", "\t", ",", ";"),
        *("\n", "\r\n", '""', "\ufeff"),
    ]
)
TEXTS = st.lists(WORDS, max_size=25).map("".join) | st.text(max_size=60)


@given(TEXTS)
def test_nobody_is_named_whom_the_line_does_not_name(text: str):
    try:
        lines = read_pasted(text, keeps_columns=True).lines
    except NoHandleColumnError:
        return
    for line in lines:
        assert (line.creator is None) != (line.problem is None)
        assert 1 <= line.line <= 1 + text.count("\n") + text.count("\r")
        if line.creator is None:
            continue
        handle = line.creator.handle
        assert normalize_handle(handle) == handle
        # It stands in the line, and nothing that could belong to it stands beside it.
        written = line.text.lower()
        at = written.find(handle)
        assert at >= 0
        assert any(
            _is_end(written, at - 1) and _is_end(written, at + len(handle))
            for at in range(len(written))
            if written.startswith(handle, at)
        )
        for tag in line.creator.tags or ():
            assert tag in line.text


def _is_end(text: str, at: int) -> bool:
    allowed = string.ascii_lowercase + string.digits + "._-"
    return not 0 <= at < len(text) or text[at] not in allowed


@given(st.lists(st.text("ab _.@", min_size=1, max_size=8), min_size=1, max_size=5))
def test_a_cell_with_a_blank_in_it_is_no_handle(names: list[str]):
    text = "Handle,Fee\n" + "".join(f"{name},1\n" for name in names)

    for line in read_pasted(text).lines:
        if line.creator is not None:
            cell = line.text.rpartition(",")[0].strip()
            assert cell.lower().removeprefix("@") == line.creator.handle


def test_quotes_cost_no_time_that_grows_with_the_square():
    text = "Handle,Notes\n" + 'ada,"a""\n' * 1_900

    assert len(read_pasted(text).lines) <= MOST_LINES
