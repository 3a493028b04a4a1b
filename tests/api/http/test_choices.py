"""Values outside of an enumeration: the refusal names the allowed ones."""

import re
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.kit.application import Tenant, code_of, data_of
from tests.kit.tiny_app import NOTE_ID

NOTES = "/api/v1/notes"


@pytest.mark.parametrize(
    ("body", "path"),
    (
        ({"text": "milk", "color": "green"}, "/color"),
        ({"notes": [{"text": "a"}, {"text": "b", "color": "green"}]}, "/notes/1/color"),
    ),
)
def test_of_a_body_the_values_that_are_allowed_are_named(
    tiny: TestClient[Litestar], body: dict[str, Any], path: str
):
    answer = tiny.post(NOTES, json=body)

    assert code_of(answer) == (400, "invalid_body")
    assert answer.json()["meta"]["fields"] == [
        {"path": path, "message": "must be one of blue, red, not 'green'"}
    ]


def enumerations(document: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Every query parameter that is one of some values, with its path."""
    found: list[tuple[str, str, list[str]]] = []
    for path, operations in document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            schema = parameter.get("schema", {})
            inner = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
            values = [value for one in inner for value in one.get("enum", ())]
            if parameter.get("in") == "query" and values:
                found.append((path, parameter["name"], values))
    return found


def test_of_every_query_parameter_the_values_that_are_allowed_are_named(home: Tenant):
    document = home.get("/openapi.json").json()
    parameters = enumerations(document)

    for path, name, values in parameters:
        address = re.sub(r"\{\w+\}", str(NOTE_ID), path).removeprefix("/api/v1")
        answer = home.get(address, params={name: "nope"})

        assert code_of(answer) == (400, "invalid_query")
        (problem,) = answer.json()["meta"]["fields"]
        assert problem["path"] == f"/{name}"
        named = problem["message"].removeprefix("must be one of ")
        allowed = named.removesuffix(", not 'nope'").split(", ")
        assert sorted(allowed) == sorted(filter(None, values))
    assert {name for _, name, _ in parameters} >= {"sort", "metric", "entity", "format"}


def test_a_name_of_only_blanks_is_refused_wherever_there_is_one(home: Tenant):
    creator = home.add("named.goat")
    kept = home.goatherd.kept()
    project = f"/projects/{home.project_id}"
    for answer, field in (
        (home.post("/projects", {"name": "  "}), "name"),
        (home.patch(project, {"name": "\u3000"}), "name"),
        (home.post("/api-keys", {"name": "\t"}), "name"),
        (home.patch("/organization", {"name": " \u00a0"}), "name"),
        (
            home.patch(f"/creators/{creator['id']}", {"display_name": "\u2003"}),
            "display_name",
        ),
    ):
        assert code_of(answer) == (400, "invalid_body"), answer.text
        assert answer.json()["meta"]["fields"] == [
            {"path": f"/{field}", "message": "must not be only blanks"}
        ]
    assert home.goatherd.kept() == kept


@pytest.mark.parametrize(
    "char", ("\n", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029")
)
def test_a_name_in_one_line_refuses_control_characters(home: Tenant, char: str):
    creator = home.add("lined.goat")
    kept = home.goatherd.kept()
    name, project = f"Go{char}at", f"/projects/{home.project_id}"
    view = {"name": name, "list": "creators", "query": ""}
    for answer, field in (
        (home.post("/projects", {"name": name}), "name"),
        (home.patch(project, {"name": name}), "name"),
        (home.patch(project, {"client": name}), "client"),
        (home.post(f"{project}/campaigns", {"name": name}), "name"),
        (home.post("/api-keys", {"name": name}), "name"),
        (home.post("/views", view), "name"),
        (home.patch("/organization", {"name": name}), "name"),
        (
            home.patch(f"/creators/{creator['id']}", {"display_name": name}),
            "display_name",
        ),
    ):
        assert code_of(answer) == (400, "invalid_body"), answer.text
        assert answer.json()["meta"]["fields"] == [
            {"path": f"/{field}", "message": "must not have control characters"}
        ]
    assert home.goatherd.kept() == kept
    # Joiners of emoji and of scripts belong to names.
    family = {"name": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u0646\u200c\u0645"}
    assert data_of(home.patch(project, family))["name"] == family["name"]
