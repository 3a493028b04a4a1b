import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from api.http.bodies import strict_json
from api.http.bodies.json_body import BodyReader
from api.http.errors import ApiError
from tests.kit.tiny_app import NOTE_ID, NewNote, NewNotes

JSON = {"Content-Type": "application/json"}
NOTES = "/api/v1/notes"
A_NOTE = f"/api/v1/notes/{NOTE_ID}"


def nested(levels: int) -> bytes:
    """A note whose metadata makes the whole body that deep."""
    inner = b"[" * (levels - 2) + b"]" * (levels - 2)
    return b'{"text": "milk", "metadata": {"deep": ' + inner + b"}}"


def field_names(answer: httpx.Response) -> list[str]:
    return [field["path"] for field in answer.json()["meta"]["fields"]]


def test_a_body_arrives_as_the_struct_that_is_declared(tiny: TestClient[Litestar]):
    answer = tiny.patch(A_NOTE, json={"text": "eggs", "count": None})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "form"),
    (
        ({"text": "milk"}, "NewNote"),
        ({"notes": [{"text": "milk"}, {"text": "eggs"}]}, "NewNotes"),
    ),
)
def test_a_body_of_two_forms_is_read_as_the_one_it_names(
    tiny: TestClient[Litestar], body: object, form: str
):
    answer = tiny.post(NOTES, json=body)

    assert answer.status_code == 201
    assert answer.json()["data"]["form"] == form


@pytest.mark.parametrize(
    ("body", "code", "path"),
    (
        # Bodies that are no JSON.
        (b"", "invalid_body", ""),
        (b"   ", "invalid_body", ""),
        (b"{", "invalid_body", ""),
        (b"{'text': 'milk'}", "invalid_body", ""),
        (b'{"text": "milk"} {}', "invalid_body", ""),
        (b'{"text": "milk",}', "invalid_body", ""),
        (b'{"count": NaN}', "invalid_body", ""),
        (b'{"count": -Infinity}', "invalid_body", ""),
        (b'\xef\xbb\xbf{"text": "milk"}', "invalid_body", ""),
        (b'{"text": "mi\x00lk"}', "invalid_body", ""),
        (b'{"text": "mi\nlk"}', "invalid_body", ""),
        (b'{"count": ' + b"9" * 5000 + b"}", "invalid_body", ""),
        # Bodies that are no UTF-8.
        (b'{"text": "\xff"}', "invalid_body", ""),
        (b'{"text": "\xed\xa0\x80"}', "invalid_body", ""),
        ('{"text": "milch"}'.encode("utf-16"), "invalid_body", ""),
        # Bodies that are no object of the operation.
        (b"null", "invalid_body", ""),
        (b"[]", "invalid_body", ""),
        (b'"text"', "invalid_body", ""),
        (b"{}", "invalid_body", "/text"),
        (b'{"text": 7}', "invalid_body", "/text"),
        (b'{"text": null}', "invalid_body", "/text"),
        (b'{"text": ""}', "invalid_body", "/text"),
        (b'{"text": "' + b"m" * 21 + b'"}', "invalid_body", "/text"),
        (b'{"text": "milk", "color": "green"}', "invalid_body", "/color"),
        (b'{"text": "milk", "count": "1"}', "invalid_body", "/count"),
        (b'{"text": "milk", "count": 1.5}', "invalid_body", "/count"),
        (b'{"text": "milk", "count": true}', "invalid_body", "/count"),
        (b'{"text": "milk", "count": -1}', "invalid_body", "/count"),
        (b'{"text": "milk", "count": 9223372036854775808}', "invalid_body", "/count"),
        (b'{"text": "milk", "count": 1e999}', "invalid_body", "/count"),
        (b'{"text": "milk", "metadata": []}', "invalid_body", "/metadata"),
        # Unknown fields, named wherever they are.
        (b'{"text": "milk", "colour": "red"}', "invalid_body", "/colour"),
        (b'{"text": "milk", "a/b~c": 1}', "invalid_body", "/a~1b~0c"),
        (b'{"text": "milk", "notes": []}', "invalid_body", "/notes"),
        (b'{"notes": [{"text": "milk"}, {"txt": 1}]}', "invalid_body", "/notes/1/txt"),
        (b'{"notes": [{"text": "milk"}, {}]}', "invalid_body", "/notes/1/text"),
        (b'{"notes": [{"text": "a"}, {"text": 5}]}', "invalid_body", "/notes/1/text"),
        (b'{"notes": []}', "invalid_body", "/notes"),
        # A key that is given twice.
        (b'{"text": "milk", "text": "eggs"}', "invalid_body", "/text"),
        (b'{"text": "milk", "t\\u0065xt": "eggs"}', "invalid_body", "/text"),
        (
            b'{"text": "milk", "metadata": {"a": [{"b": 1, "b": 1}]}}',
            "invalid_body",
            "/metadata/a/0/b",
        ),
        # Characters that nothing may hold.
        (b'{"text": "mi\\u0000lk"}', "invalid_body", "/text"),
        (b'{"text": "mi\\ud800lk"}', "invalid_body", "/text"),
        (b'{"text": "\\udc00\\ud800"}', "invalid_body", "/text"),
        (b'{"text": "mi\\u202elk"}', "invalid_body", "/text"),
        ('{"text": "mi\u202elk"}'.encode(), "invalid_body", "/text"),
        ('{"text": "mi\u2066lk"}'.encode(), "invalid_body", "/text"),
        (
            b'{"text": "a", "metadata": {"b": ["\\u0000"]}}',
            "invalid_body",
            "/metadata/b/0",
        ),
        (
            b'{"text": "a", "metadata": {"\\u0000": 1}}',
            "invalid_body",
            "/metadata/\ufffd",
        ),
        # Depth, and what only looks like it.
        (nested(65), "body_too_deep", None),
        (b"[" * 100_000, "body_too_deep", None),
        (b'{"a":' * 5_000, "body_too_deep", None),
        (b'{"unknown": ' + b"[" * 2_000 + b"]" * 2_000 + b"}", "body_too_deep", None),
        (b"]" * 100_000 + b"[" * 66, "invalid_body", ""),
        (b'{"text": "' + b"[" * 100_000 + b'"}', "invalid_body", "/text"),
        (b'{"text": "' + b'\\"[' * 100_000 + b'"}', "invalid_body", "/text"),
    ),
)
def test_a_hostile_body_is_refused_and_the_field_is_named(
    tiny: TestClient[Litestar], body: bytes, code: str, path: str | None
):
    answer = tiny.post(NOTES, content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["meta"]["code"] == code
    if path is not None:
        assert field_names(answer) == [path]


@pytest.mark.parametrize(
    "body",
    (
        nested(64),
        nested(64).replace(b"}}", b', "beside": [[], {}, []]}}'),
        b'{"text": "milk", "metadata": {"brackets": "' + b"[{" * 500 + b'"}}',
        b'{"text": "milk", "metadata": {"quote": "\\"' + b"[" * 500 + b'"}}',
        b'{"text": "milk", "metadata": {"backslash\\\\": "' + b"[" * 500 + b'"}}',
        b'{"text": "milk", "metadata": {"many": [' + b"[]," * 500 + b"[]]}}",
        '{"text": "سلام\u200f עולם"}'.encode(),
        b'{"text": "\\ud83d\\udc10"}',
        '{"text": "🐐"}'.encode(),
        b' \n{"text": "milk", "count": 9223372036854775807}\t',
        b'{"text": "milk", "metadata": {"same": 1, "deeper": {"same": 1}}}',
    ),
)
def test_an_unusual_but_sound_body_is_accepted(tiny: TestClient[Litestar], body: bytes):
    answer = tiny.post(NOTES, content=body, headers=JSON)

    assert answer.status_code == 201, answer.text


def test_several_faults_of_one_kind_are_all_named(tiny: TestClient[Litestar]):
    body = b'{"text": "\\u0000", "color": "\\u202e", "color": "red"}'

    answer = tiny.post(NOTES, content=body, headers=JSON)

    assert answer.status_code == 400
    assert set(field_names(answer)) == {"/text", "/color"}


def test_what_is_named_of_an_endless_field_is_cut_short(tiny: TestClient[Litestar]):
    answer = tiny.post(NOTES, json={"text": "milk", "x" * 10_000: 1})

    assert field_names(answer) == ["/" + "x" * 100]


@pytest.mark.parametrize(
    "content_type",
    (
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/vnd.api+json",
    ),
)
def test_a_body_that_does_not_say_it_is_json_is_refused(
    tiny: TestClient[Litestar], content_type: str | None
):
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = tiny.post(NOTES, content=b'{"text": "milk"}', headers=headers)

    assert answer.status_code == 415
    assert answer.json()["meta"]["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "content_type",
    ("application/json", "Application/JSON", 'application/json; charset="UTF-8"'),
)
def test_json_may_be_spelled_in_several_ways(
    tiny: TestClient[Litestar], content_type: str
):
    headers = {"Content-Type": content_type}

    answer = tiny.post(NOTES, content=b'{"text": "milk"}', headers=headers)

    assert answer.status_code == 201


def test_a_body_of_exactly_one_megabyte_is_read(tiny: TestClient[Litestar]):
    body = b'{"text": "milk"}'.ljust(1_000_000)

    answer = tiny.post(NOTES, content=body, headers=JSON)

    assert answer.status_code == 201


def test_a_body_over_one_megabyte_is_too_large(tiny: TestClient[Litestar]):
    body = b'{"text": "milk"}'.ljust(1_000_001)

    answer = tiny.post(NOTES, content=body, headers=JSON)

    assert answer.status_code == 413
    assert answer.json()["meta"]["code"] == "body_too_large"


def test_a_body_without_a_length_is_too_large_as_soon_as_it_is(
    tiny: TestClient[Litestar],
):
    def chunks() -> Iterator[bytes]:
        yield b'{"text": "milk"}'
        yield from [b" " * 100_000] * 10

    answer = tiny.post(NOTES, content=chunks(), headers=JSON)

    assert answer.status_code == 413


def test_a_body_may_be_left_out_where_it_has_a_default(tiny: TestClient[Litestar]):
    without = tiny.put(f"{A_NOTE}/tags")
    with_null = tiny.put(f"{A_NOTE}/tags", content=b"null", headers=JSON)
    with_one = tiny.put(f"{A_NOTE}/tags", json={"text": "milk"})

    assert [without.json()["data"], with_null.json()["data"]] == [True, True]
    assert with_one.json()["data"] is False


def test_a_body_that_is_missing_is_asked_for(tiny: TestClient[Litestar]):
    answer = tiny.patch(A_NOTE)

    assert answer.status_code == 400
    assert answer.json()["error"] == "body: is missing"


@pytest.mark.parametrize("body", (b"", b"{}", b" null "))
def test_an_operation_without_a_body_takes_an_empty_one(
    tiny: TestClient[Litestar], body: bytes
):
    answer = tiny.request("DELETE", A_NOTE, content=body, headers=JSON)

    assert answer.status_code == 200


def test_an_operation_without_a_body_refuses_one_with_fields(
    tiny: TestClient[Litestar],
):
    answer = tiny.request("DELETE", A_NOTE, json={"force": True})

    assert answer.status_code == 400
    assert answer.json()["meta"]["code"] == "invalid_body"


ALLOWED = st.characters(
    exclude_categories=["Cs"],
    exclude_characters="\0\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
)
TEXTS = st.text(ALLOWED)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=30,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(inner) for inner in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(inner) for inner in value), default=0)
    return 0


@given(value=JSON_VALUES, wrapped=st.integers(min_value=0, max_value=70))
def test_depth_is_counted_as_the_json_says_it(value: object, wrapped: int):
    for number in range(wrapped):
        value = [value] if number % 2 else {'"]': value}

    try:
        strict_json.check(json.dumps(value, ensure_ascii=False).encode())
    except ApiError as error:
        refused = str(error.code)
    else:
        refused = ""

    assert refused == ("body_too_deep" if depth(value) > 64 else "")


@given(body=st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_be_refused(body: bytes):
    reader = BodyReader(NewNote | NewNotes)

    try:
        found = reader.read(body)
    except ApiError as error:
        found = error.status

    assert found == 400 or isinstance(found, NewNote | NewNotes)
