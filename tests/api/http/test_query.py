from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from api.http.errors import ApiError
from api.http.query import QueryRules
from domain.letter_case import FORBIDDEN
from tests.kit.tiny_app import NOTE_ID

NOTES = "/api/v1/notes"


@pytest.mark.parametrize(
    ("query", "field"),
    (
        # Numbers.
        ("limit=0", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=101", "/limit"),
        ("limit=1e1", "/limit"),
        ("limit=1e9", "/limit"),
        ("limit=5.0", "/limit"),
        ("limit=%2B5", "/limit"),
        ("limit=+5", "/limit"),
        ("limit=", "/limit"),
        ("limit", "/limit"),
        ("limit=0x10", "/limit"),
        ("limit=007", "/limit"),
        ("limit=null", "/limit"),
        ("limit=1_0", "/limit"),
        ("limit=%D9%A5", "/limit"),
        ("limit=99999999999999999999", "/limit"),
        ("limit=true", "/limit"),
        # Other types.
        ("of=7", "/of"),
        ("of=null", "/of"),
        ("of=NULL", "/of"),
        # Unknown, in any spelling.
        ("sorting=up", "/sorting"),
        ("Limit=5", "/Limit"),
        ("limit%20=5", "/limit "),
        ("limit[]=5", "/limit[]"),
        ("=5", "/"),
        ("%00=5", "/%00"),
        ("a;limit=5", "/a;limit"),
        # Repeated.
        ("limit=5&limit=5", "/limit"),
        ("limit=5&search=a&limit=6", "/limit"),
        ("search=a&se%61rch=b", "/search"),
        # Characters that no text may have.
        ("search=%00", "/search"),
        ("search=a%00b", "/search"),
        ("search=%ff", "/search"),
        ("search=%C3", "/search"),
        ("search=%ED%A0%80", "/search"),
        ("search=%E2%80%AE", "/search"),
        ("%ff=a", "/%ff"),
    ),
)
def test_a_hostile_query_is_refused_and_the_parameter_is_named(
    tiny: TestClient[Litestar], query: str, field: str
):
    answer = tiny.get(f"{NOTES}?{query}")

    assert answer.status_code == 400
    assert answer.json()["meta"]["code"] == "invalid_query"
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == [field]


@pytest.mark.parametrize(
    ("query", "found"),
    (
        ("search=milk", 1),
        ("search=m%69lk&limit=1", 1),
        ("search=milk&", 1),
        ("&&search=milk", 1),
        ("search=oat+milk", 0),
        ("search=", 0),
        ("search=%F0%9F%90%90", 0),
        ("search=a%3Db%26c", 0),
        ("search=null", 0),
        (f"of={NOTE_ID}", 1),
        ("", 1),
    ),
)
def test_an_ordinary_query_is_read_once_and_as_it_was_meant(
    tiny: TestClient[Litestar], query: str, found: int
):
    answer = tiny.get(f"{NOTES}?{query}")

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) == found


@pytest.mark.parametrize(
    ("written", "meant"),
    (
        ("oat+milk", "oat milk"),
        ("oat%20milk", "oat milk"),
        ("1%2B1", "1+1"),
        ("a%3Db%26c%3d%25", "a=b&c=%"),
        ("a=b", "a=b"),
        ("%F0%9F%90%90", "\N{GOAT}"),
        ("%zz%", "%zz%"),
        ("null", "null"),
    ),
)
def test_a_text_is_read_as_it_was_meant(
    tiny: TestClient[Litestar], written: str, meant: str
):
    answer = tiny.get(f"{NOTES}/found?text={written}")

    assert answer.json()["data"]["texts"] == [meant]


def test_a_page_says_where_the_next_one_begins(tiny: TestClient[Litestar]):
    answer = tiny.get(NOTES, params={"limit": 3})

    assert answer.json()["meta"] == {"nextCursor": "x", "limit": 3}
    assert answer.json()["error"] is None


def test_a_parameter_that_must_be_given_is_asked_for(tiny: TestClient[Litestar]):
    answer = tiny.get("/api/v1/notes/found")

    assert answer.status_code == 400
    assert answer.json()["error"] == "/text: is required"


def test_an_operation_without_parameters_refuses_any(tiny: TestClient[Litestar]):
    answer = tiny.delete(f"{NOTES}/{NOTE_ID}?force=1")

    assert answer.status_code == 400
    assert answer.json()["meta"]["fields"] == [
        {
            "path": "/force",
            "message": "is unknown; this operation has no query parameters",
        }
    ]


@pytest.mark.parametrize("text", ("a%00b", "%E2%80%AE", "%ff"))
def test_text_in_a_path_may_not_hold_what_no_name_can(
    tiny: TestClient[Litestar], text: str
):
    answer = tiny.put(f"/api/v1/names/{text}")

    assert answer.status_code == 400
    assert answer.json()["meta"]["code"] == "invalid_params"
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == ["/name"]


@pytest.mark.parametrize("identifier", ("7", "x", "%00", f"{NOTE_ID}0", "%ff"))
def test_an_id_that_is_no_uuid_is_not_found(
    tiny: TestClient[Litestar], identifier: str
):
    answer = tiny.get(f"{NOTES}/{identifier}")

    assert answer.status_code == 404
    assert answer.json()["meta"]["code"] == "not_found"


RULES = QueryRules(names=frozenset("ab"), numbers=frozenset("b"), texts=frozenset("a"))


@given(value=st.text().filter(lambda text: not FORBIDDEN.search(text)))
def test_every_text_survives_the_query(value: str):
    raw = b"a=" + quote_from_bytes(value.encode()).encode()

    found = RULES.read(raw)

    assert found == (("a", value),)


LISTS = QueryRules(
    names=frozenset("ab"),
    texts=frozenset("b"),
    lists=frozenset("a"),
    choices={"a": ("x", "y", "z")},
)


def test_only_lists_are_divided_at_commas():
    assert LISTS.read(b"a=z,x&b=x,z") == (("a", "z"), ("a", "x"), ("b", "x,z"))


@pytest.mark.parametrize("value", ("x,", ",x", "x,x", "x,%2Cy", "x;y", "x, y", ""))
def test_a_list_has_some_of_its_values_each_once(value: str):
    with pytest.raises(ApiError) as refused:
        LISTS.read(b"a=" + value.encode())

    assert list(refused.value.problems) == ["a"]


@given(raw=st.binary(max_size=100))
def test_no_query_at_all_does_more_than_be_refused(raw: bytes):
    try:
        found = RULES.read(raw)
    except ApiError as error:
        outcome = {str(error.code)}
    else:
        outcome = {name for name, _ in found}

    assert outcome <= {"a", "b"} or outcome == {"invalid_query"}
