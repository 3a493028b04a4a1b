"""How pages write numbers."""

import pytest

from api.http.error_codes import Code
from api.http.errors import ApiError, FieldProblem, field_error, fields_error
from api.web.kit.filters import UNKNOWN, in_words, short, signed


@pytest.mark.parametrize(
    ("value", "shown"),
    (
        (None, UNKNOWN),
        (0, "0"),
        (999, "999"),
        (1_000, "1K"),
        (1_009, "1K"),
        (1_050, "1.05K"),
        (84_120, "84.1K"),
        (100_000, "100K"),
        (3_960_019, "3.96M"),
        (-3_960_019, "-3.96M"),
        (1_149_999_999, "1.14B"),
        (2 * 10**15, "2000T"),
        (12.5, "12.5"),
        (1_234.5, "1.23K"),
    ),
)
def test_a_number_in_short_has_three_digits(value: float | None, shown: str):
    assert short(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), ((9_999, "9.99K"), (99_999, "99.9K"), (999_999, "999K"))
)
def test_a_number_in_short_has_not_reached_what_it_has_not(value: int, shown: str):
    assert short(value) == shown


def test_a_change_has_its_sign():
    assert [signed(value) for value in (4_110, 0, -4_110)] == ["+4.11K", "0", "-4.11K"]


def test_an_error_about_fields_names_them_as_a_form_does():
    error = fields_error(
        Code.INVALID_QUERY,
        [
            FieldProblem("/from", "must not be after 2026-03-05"),
            FieldProblem("/items/0/tiktok_handle", "must not be empty"),
        ],
    )

    assert in_words(error) == (
        "From must not be after 2026-03-05. Tiktok handle must not be empty."
    )


def test_an_error_that_is_a_sentence_already_stays_as_it_is():
    said = "@goat is tracked in this project, or was moved from it."
    problems = [FieldProblem("/tiktok_handle", said)]

    assert (
        in_words(ApiError(Code.HANDLE_TAKEN, said, meta={"fields": problems})) == said
    )
    assert in_words(field_error(Code.INVALID_BODY, "", "must be an object")) == (
        "The form must be an object."
    )
