import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.http.etags import ETagCondition
from tests.kit.tiny_app import NOTE_ID

A_NOTE = f"/api/v1/notes/{NOTE_ID}"
CHANGE = {"text": "eggs"}


def test_a_single_thing_comes_with_its_version(tiny: TestClient[Litestar]):
    answer = tiny.get(A_NOTE)

    assert answer.headers["ETag"] == '"7"'
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("header", ('"7"', 'W/"7"', '"5", "7"', '"x",W/"7"', "*"))
def test_a_client_that_has_the_version_is_not_sent_it_again(
    tiny: TestClient[Litestar], header: str
):
    answer = tiny.get(A_NOTE, headers={"If-None-Match": header})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == '"7"'
    assert answer.headers["X-Request-Id"]
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("header", ('"8"', '"77"', 'W/"8"', '""', '"seven"'))
def test_a_client_that_has_another_version_is_sent_this_one(
    tiny: TestClient[Litestar], header: str
):
    answer = tiny.get(A_NOTE, headers={"If-None-Match": header})

    assert answer.status_code == 200
    assert answer.json()["data"]["version"] == 7


@pytest.mark.parametrize(
    "header", ('"7"', '"5", "7"', "*", ' "7" ', 'W/"7-0a1b"', 'W/"6-0a", W/"7-1b"')
)
def test_the_version_that_was_read_may_be_changed(
    tiny: TestClient[Litestar], header: str
):
    answer = tiny.patch(A_NOTE, json=CHANGE, headers={"If-Match": header})

    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"8"'
    assert answer.headers["Goatherd-Position"] == "42"


@pytest.mark.parametrize(
    "header",
    ('"6"', 'W/"7"', '"5", "6"', '"07"', '"seven"', 'W/"6-0a1b"', '"7-0a1b"', 'W/"7-"'),
)
def test_another_version_than_was_read_may_not(tiny: TestClient[Litestar], header: str):
    answer = tiny.patch(A_NOTE, json=CHANGE, headers={"If-Match": header})

    assert answer.status_code == 412
    assert answer.json()["meta"]["code"] == "version_conflict"
    assert answer.json()["meta"]["currentVersion"] == 7


@pytest.mark.parametrize("header", ("7", "", '"7', '"7" "8"', '"7",', "w/'7'", '**"'))
def test_a_malformed_tag_is_refused_and_named(tiny: TestClient[Litestar], header: str):
    changed = tiny.patch(A_NOTE, json=CHANGE, headers={"If-Match": header})
    read = tiny.get(A_NOTE, headers={"If-None-Match": header})

    assert (changed.status_code, read.status_code) == (400, 400)
    assert changed.json()["meta"]["code"] == "invalid_params"
    assert changed.json()["meta"]["fields"][0]["path"] == "/If-Match"
    assert read.json()["meta"]["fields"][0]["path"] == "/If-None-Match"


@pytest.mark.parametrize(
    ("header", "versions"),
    (
        (b'"7"', {7}),
        (b'"0", "12"', {0, 12}),
        (b'W/"7"', set[int]()),
        (b'"7", W/"8"', {7}),
        (b'"7", W/"8-0a1b"', {7, 8}),
        (b"*", set[int]()),
        (b'"x", "07"', set[int]()),
        (b'"999999999999999999999"', set[int]()),
    ),
)
def test_a_command_can_carry_the_versions_that_are_named(
    header: bytes, versions: set[int]
):
    condition = ETagCondition.parse("If-Match", header)

    assert condition.versions == versions
