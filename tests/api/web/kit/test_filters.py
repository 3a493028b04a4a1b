"""How pages write numbers."""

from api.http.error_codes import Code
from api.http.errors import ApiError, FieldProblem, field_error, fields_error
from api.web.kit.filters import in_words


def test_an_error_about_fields_names_them_as_a_form_does():
    error = fields_error(
        Code.INVALID_QUERY,
        [
            FieldProblem("/from", "must not be after 2026-03-05"),
            FieldProblem("/items/0/tiktok_handle", "must not be empty"),
        ],
    )

    assert in_words(error) == (
        "From must not be after 2026-03-05. Handle must not be empty."
    )


def test_an_error_that_is_a_sentence_already_stays_as_it_is():
    said = "@goat is taken in this project."
    problems = [FieldProblem("/tiktok_handle", said)]

    assert (
        in_words(ApiError(Code.HANDLE_TAKEN, said, meta={"fields": problems})) == said
    )
    assert in_words(field_error(Code.INVALID_BODY, "", "must be an object")) == (
        "The form must be an object."
    )
