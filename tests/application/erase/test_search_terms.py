"""Erased values are found as whole words, and short ones only where a value stands."""

import json
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from application.erase.search.terms import CELL_END, SearchTerms, own_words
from application.erase.values import KINDS, NO_KINDS, ErasedValue
from domain.events import STORED_NAMES
from domain.letter_case import folded
from domain.subjects import personal_fields

HANDLES = st.text(
    string.ascii_lowercase + string.digits + "._", min_size=2, max_size=24
)
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=12, max_size=80
)


def is_found(kind: str, value: str, text: str) -> bool:
    return bool(SearchTerms([ErasedValue(kind, value)]).found_in(text))


@pytest.mark.parametrize(
    ("value", "text"),
    (
        ("wanted.goat", "about Wanted.Goat, who"),
        ("wanted.goat", "the end of wanted.goat."),
        ("wanted_goat", "https://www.tiktok.com/@wanted_goat/video/7"),
        ("ada", '{"handle": "ada"}'),
        ("ada", f"1{CELL_END}Ada{CELL_END}x"),
        ("ada", "handle=ada status=404"),
        ("ada", "https://www.tiktok.com/@ada"),
        ("ada", "{ada,bob}"),
        ("wanted.goat", "return=https%3A%2F%2Fwww.tiktok.com%2F%40Wanted.Goat%3Fa"),
        ("ada", "/sign-in?next=%2Fsearch%3Fq%3D%40ADA"),
        ("ada", "ada"),
    ),
)
def test_a_handle_is_found(value: str, text: str) -> None:
    assert is_found("handle", value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    (
        ("wanted.goat", "unwanted.goat wanted.goats wanted.goat.2 my.wanted.goat"),
        ("wanted.goat", "wanted goat, wantedxgoat"),
        ("ada", "go to ada now"),
        ("ada", "ada.lovelace @adam canada"),
        ("12345", "position=123456 123451234512345"),
        ("active", f"{CELL_END}active{CELL_END}"),
    ),
)
def test_other_words_are_not_taken_for_a_handle(value: str, text: str) -> None:
    assert not is_found("handle", value, text)


def test_a_text_is_found_however_it_is_written() -> None:
    title = 'Goats "climb"\nup — the \\ wall 🐐'

    for text in (title, json.dumps({"title": title}), title.upper()):
        assert is_found("title", title, f"so: {text}!")
    assert not is_found("title", title, "Goats climb up the walls")
    assert not is_found("title", "Day 1", "On day 1 he slept")
    assert is_found("title", "Day 1", '["Day 1"]')


def test_an_address_is_found_whoever_signed_it() -> None:
    address = "https://p16.tiktokcdn.com/tos/abc123~c5.jpeg?x-expires=1&sig=A%2B"

    assert is_found("picture", address, "https://p77.tiktokcdn.com/tos/abc123~c5.jpeg")
    assert not is_found("picture", address, "https://p16.tiktokcdn.com/tos/abc124~c5")


@given(handle=HANDLES)
def test_every_handle_is_found_as_a_value_or_said_not_to_be(handle: str) -> None:
    terms = SearchTerms([ErasedValue("handle", handle)])

    found = terms.found_in(json.dumps({"a": handle}))

    assert bool(found) != bool(terms.unsearched)
    if terms.unsearched:
        assert handle in own_words() or not handle.strip("._")


@given(text=TEXTS)
@example(text="0000000000\\f")
def test_every_text_is_found_in_json_or_said_not_to_be(text: str) -> None:
    assume(len(folded(text)) >= 12)
    terms = SearchTerms([ErasedValue("title", text)])

    for written in (json.dumps({"a": text}, ensure_ascii=False), text):
        assert bool(terms.found_in(written)) != bool(terms.unsearched)


def test_every_personal_field_has_a_kind_or_is_left_out_on_purpose() -> None:
    fields = {name for kind in STORED_NAMES.values() for name in personal_fields(kind)}

    assert fields == KINDS.keys() | NO_KINDS
