"""The meanings of fields: each one is described, and each row of the table is used."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from api import routes
from api.controllers import controllers_below, entities_of
from api.main import assemble
from api.openapi.asyncapi import asyncapi_document
from api.openapi.meanings import ANY, PARAMETERS, meanings, row_of, row_of_parameter
from api.openapi.paths import Types
from api.openapi.schemas import give_meanings, schemas_of, structs_in
from api.operations import operations_of, plain, prose
from domain.feed.types import TYPES, schemas_of_types, typed
from infra.settings import Settings
from tests.kit.application import Tenant, data_of
from tests.kit.documented import Json, documented

_LONGEST = 140
_ENTITIES = entities_of(controllers_below(routes))


def undescribed(part: Any, place: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    """The places of properties without a description, however deep, not in examples."""
    inner: dict[Any, Any] = {}
    if isinstance(part, dict):
        for name, field in schema_properties(part).items():
            # The schemas behind a reference, or the response, describe these two.
            is_of_envelope = place.endswith("/schema") and name in {"data", "meta"}
            if "description" not in field and not is_of_envelope:
                yield f"{place}: {name}"
        inner = {k: v for k, v in part.items() if k not in {"example", "examples"}}
    elif isinstance(part, list):
        inner = dict(enumerate(part))
    for key, value in inner.items():
        yield from undescribed(value, f"{place}/{key}")


def may_be_null(schema: Json) -> bool:
    return (
        "null" in schema.get("type", ())
        or None in schema.get("enum", ())
        or any(may_be_null(form) for form in schema.get("anyOf", ()))
    )


def schema_properties(part: Json) -> Json:
    """The properties of a schema; another object may have a field of that name."""
    found = part.get("properties")
    return found if part.get("type") == "object" and isinstance(found, dict) else {}


@cache
def used_rows() -> frozenset[tuple[str, str]]:
    """The rows of the table whose text is in a document."""
    settings = Settings(database_url="postgresql://nowhere", secret="-" * 32)
    operations = list(operations_of(assemble(settings)))
    events = [typed(each) for each in TYPES]
    _, named_of_events = schemas_of_types("{name}")
    give_meanings(named_of_events, events)
    types = [*Types(operations).types, *_ENTITIES.values()]
    _, named = schemas_of(types)
    found: set[tuple[str, str]] = set()
    for schemas, of in ((named, types), (named_of_events, events)):
        for info in structs_in(of):
            for name, field in schemas[info.cls.__name__]["properties"].items():
                row = row_of(info.cls, name)
                if row and field["description"] == prose(meanings()[row[0]][name]):
                    found.add(row)
    for path in documented().document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                row = row_of_parameter(parameter.get("name", ""))
                if row and parameter["description"] == meanings()[row[0]][row[1]]:
                    found.add(row)
    return frozenset(found)


def test_every_property_of_an_answer_and_a_body_has_a_description():
    document = documented().document

    missing = [*undescribed(document)]

    assert len(document["components"]["schemas"]) > 200
    assert not missing


def test_every_property_of_a_public_event_has_a_description(home: Tenant):
    in_document = [*undescribed(asyncapi_document("0"))]
    in_answer = [*undescribed(data_of(home.get("/event-types")))]

    assert not in_document
    assert not in_answer


def test_a_property_that_may_be_null_says_when():
    """A few are left out then, and say that."""
    documents = (documented().document, asyncapi_document("0"))

    silent = [
        f"{name}.{field}"
        for document in documents
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if may_be_null(described)
        and not re.search(r"\b[Nn]ull\b|left out", described["description"])
    ]

    assert not silent


def test_every_parameter_has_a_description():
    missing = [
        f"{method} {path}: {parameter['name']}"
        for path, methods in documented().document["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if "$ref" not in parameter and not parameter.get("description")
    ]

    assert not missing


def test_the_schema_of_entities_has_the_texts_of_the_document(
    home: Tenant, subtests: pytest.Subtests
):
    described = data_of(home.get("/schema"))["entities"]
    schemas = documented().document["components"]["schemas"]

    for name, entity in _ENTITIES.items():
        with subtests.test(name):
            properties = schemas[entity.__name__]["properties"]
            assert {
                field: text["description"]
                for field, text in described[name]["fields"].items()
            } == {
                field: plain(schema["description"])
                for field, schema in properties.items()
            }


def test_every_row_of_the_table_is_used():
    rows = {(section, name) for section, rows in meanings().items() for name in rows}

    assert rows == used_rows()


def test_a_row_of_a_struct_says_something_else_than_the_one_for_all():
    table = meanings()

    doubles = [
        f"{section}.{name}"
        for section, rows in table.items()
        for name, text in rows.items()
        if section not in {ANY, PARAMETERS} and table[ANY].get(name) == text
    ]

    assert not doubles


def test_a_meaning_is_one_short_text_in_whole_sentences():
    texts = {text for rows in meanings().values() for text in rows.values()}

    assert not [text for text in texts if len(text) > _LONGEST]
    assert all(text[0].isupper() or text[0] == "`" for text in texts)
    assert all(text.endswith(".") and "\n" not in text for text in texts)
