"""The page of compatibility says what the routes say."""

import re
from uuid import uuid4

import pytest

from tests.kit.application import Tenant
from tests.kit.documented import documented
from tests.kit.paths import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
BASE = "/api/v1"
# The document does not describe its own address.
UNDOCUMENTED = {"GET /openapi.json"}
_ROW = re.compile(r"^\| `([A-Z]+ /[^`]+)` \| (.+?) \| ?(.*?) ?\|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    """The state and the remark of each operation in the tables."""
    found = _ROW.findall(PAGE.read_text())
    assert len({operation for operation, _, _ in found}) == len(found)
    return {operation: (state, remark) for operation, state, remark in found}


def test_every_operation_in_the_table_is_there_unless_it_is_called_missing():
    there = {
        f"{operation.method} {operation.path.removeprefix(BASE)}"
        for operation in documented().operations.values()
    } | UNDOCUMENTED
    states = {operation: state for operation, (state, _) in rows().items()}

    assert len(states) > 50
    assert set(states.values()) == {"as there", "differs", "missing"}
    provided = {name for name, state in states.items() if state != "missing"}
    assert provided - there == set()
    assert (set(states) - provided) & there == set()


def test_every_operation_of_creators_that_the_page_has_is_in_the_table():
    page = PAGE.read_text().split("## ")[1]

    assert len(_ROW.findall(page)) == 8


def test_what_differs_is_said():
    silent = [
        name for name, (state, remark) in rows().items()
        if state == "differs" and not remark
    ]  # fmt: skip

    assert silent == []


def test_what_is_missing_is_not_found_and_what_is_gone_is_410(
    home: Tenant, subtests: pytest.Subtests
):
    for operation, (state, remark) in rows().items():
        method, _, path = operation.partition(" ")
        if state != "missing" and not remark.startswith("410"):
            continue
        with subtests.test(operation):
            address = re.sub(r"\{\w+\}", str(uuid4()), path)
            answer = home.ask(method, address)
            expected = {404, 405} if state == "missing" else {410}
            assert answer.status_code in expected
