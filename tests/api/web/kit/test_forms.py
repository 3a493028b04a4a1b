"""Fields of a page's form: checked as strictly as the API checks JSON."""

from typing import Any

import pytest

from api.http.bodies.json_body import MAX_BODY_BYTES
from tests.kit.application import Tenant
from tests.kit.markup import read
from tests.kit.visitor import Visitor

FORM = "application/x-www-form-urlencoded"


def sent(visitor: Visitor, body: str | bytes, media_type: str = FORM) -> Any:  # noqa: ANN401
    """The answer to a body sent as it is, with the session's token before it."""
    raw = body if isinstance(body, bytes) else body.encode()
    token = f"csrf={visitor.csrf}".encode()
    headers = {"Content-Type": media_type} if media_type else {}
    return visitor.ask(
        "POST",
        "/tiny/echo",
        content=b"&".join((token, raw)) if raw else token,
        headers=headers,
    )


@pytest.mark.parametrize(
    ("body", "read_as"),
    (
        ("text=", {"text": ""}),
        ("text=a+b%2Bc", {"text": "a b+c"}),
        ("text=a%3Db%26c", {"text": "a=b&c"}),
        ("text=a=b;c", {"text": "a=b;c"}),
        ("text=%F0%9F%90%90", {"text": "\N{GOAT}"}),
        ("text=%3Cscript%3E", {"text": "<script>"}),
        ("text=a%0D%0Ab%0Ac", {"text": "a\nb\nc"}),
        ("text=a&many=1&many=2&many=", {"text": "a", "many": ["1", "2", ""]}),
        ("text=a&ticked=on", {"text": "a", "ticked": True}),
        ("text=a&ticked=yes", {"text": "a", "ticked": False}),
        ("text=a&idempotency_key=abc", {"text": "a"}),
        ("text=%00a%E2%80%AAb%E2%80%AE", {"text": "ab"}),
        ("text=a&many=%E2%81%A6a%E2%81%A9&many=b", {"text": "a", "many": ["a", "b"]}),
        ("text=a%0D%00%0Ab", {"text": "a\nb"}),
        ("text=%D8%9C%E2%80%8E%E2%80%8F", {"text": "\u061c\u200e\u200f"}),
    ),
)
def test_a_form_is_read_as_browsers_write_it(
    tiny_visitor: Visitor, body: str, read_as: dict[str, object]
):
    answer = sent(tiny_visitor, body)

    untouched = {"text": "", "note": "", "many": [], "ticked": False}
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**untouched, **read_as}


@pytest.mark.parametrize("media_type", (FORM.upper(), f"{FORM}; charset=UTF-8"))
def test_its_type_is_read_as_browsers_write_it(tiny_visitor: Visitor, media_type: str):
    assert sent(tiny_visitor, "text=a", media_type).status_code == 200


@pytest.mark.parametrize(
    "media_type", ("", "application/json", "multipart/form-data; boundary=x", "text/a")
)
def test_what_is_no_form_is_refused_by_its_type(tiny_visitor: Visitor, media_type: str):
    assert sent(tiny_visitor, "text=a", media_type).status_code == 415


@pytest.mark.parametrize(
    ("body", "message"),
    (
        ("", "`text`"),
        ("note=a", "`text`"),
        ("text=a&other=1", "`other`"),
        ("text=a&text=b", "Text is there twice"),
        ("text=a&ticked=on&ticked=on", "Ticked is there twice"),
        ("text=a&csrf=b", "Csrf is there twice"),
        ("text=%", "is no form"),
        ("text=%zz", "is no form"),
        ("text=%C3", "is no form"),
        ("text=%FF%FE", "is no form"),
        ("text=%ED%A0%80", "is no form"),
        ("text", "is no form"),
        ("text=a&&", "is no form"),
        ("text=\N{GOAT}", "is no form"),
        ("a%00%3Cscript%3E=1", "A\ufffd<script> must not contain NUL"),
        ("&".join(["many=1"] * 1_001), "is no form"),
        ('{"text": "a"}', "is no form"),
        ("text=a&__class__=x", "__class__"),
    ),
)
def test_a_form_that_is_not_right_is_refused_and_told_of(
    tiny_visitor: Visitor, body: str, message: str
):
    answer = sent(tiny_visitor, body)

    assert answer.status_code == 400
    assert message in read(answer.text).one("h1").text
    assert "<script>" not in answer.text.replace("<script src", "")


def test_a_body_that_is_too_large_is_refused(tiny_visitor: Visitor):
    answer = sent(tiny_visitor, "text=" + "a" * MAX_BODY_BYTES)

    assert answer.status_code == 413


def test_nothing_of_a_refused_form_is_stored(tiny_visitor: Visitor, tiny_home: Tenant):
    before = tiny_home.goatherd.kept()

    for body in ("name=a&name=b", "name=a&other=1", "%00=a", "notice=a", "name="):
        answer = tiny_visitor.ask(
            "POST",
            "/tiny",
            content=f"csrf={tiny_visitor.csrf}&{body}",
            headers={"Content-Type": FORM},
        )
        assert answer.status_code == 400

    assert tiny_home.goatherd.kept() == before
