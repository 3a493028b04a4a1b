"""Messages about single values use no programmer's words."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from api.http.plain_words import plain


def said(annotation: object, sent: str) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(sent, type=annotation)
    return plain(str(caught.value))


@pytest.mark.parametrize(
    ("annotation", "sent", "message"),
    (
        (int, '"many"', "must be a whole number, not text"),
        (int | None, '"many"', "must be a whole number, not text"),
        (int | str, "true", "must be a whole number or text, not true or false"),
        (str, "null", "must be text, not null"),
        (list[int], "{}", "must be a list, not an object"),
        (date | None, "5", "must be a date, not a whole number"),
        (date, '"soon"', "must be a date, such as 2026-11-24"),
        (datetime, '"soon"', "must be a time, such as 2026-11-24T09:30:00Z"),
        (UUID, '"x"', "must be a UUID"),
        (Annotated[int, Meta(ge=1)], "0", "must be at least 1"),
        (Annotated[int, Meta(le=90)], "91", "must be at most 90"),
        (Annotated[float, Meta(gt=0)], "0", "must be more than 0.0"),
        (Annotated[str, Meta(min_length=1)], '""', "must not be empty"),
        (
            Annotated[str, Meta(max_length=2)],
            '"abc"',
            "must be at most 2 characters long",
        ),
        (Annotated[list[int], Meta(min_length=1)], "[]", "must not be empty"),
        (
            Annotated[list[int], Meta(max_length=1)],
            "[1, 2]",
            "must have at most 1 entry",
        ),
    ),
)
def test_a_message_is_in_plain_words(annotation: object, sent: str, message: str):
    assert said(annotation, sent) == message
