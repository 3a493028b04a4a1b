"""The AsyncAPI document: made from the table of types, like the page and the routes."""

import re
from typing import Any

from jsonschema import Draft202012Validator

from domain.feed.types import TYPES
from tests.kit.application import BASE, Tenant, data_of
from tests.kit.paths import ROOT


def everything_in(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(document, list):
        return [each for item in document for each in everything_in(item)]
    if not isinstance(document, dict):
        return []
    return [document, *(o for v in document.values() for o in everything_in(v))]


def test_the_document_has_the_types_of_the_page_and_of_the_api(home: Tenant):
    answer = home.goatherd.client.get(f"{BASE}/asyncapi.json")
    document = answer.json()

    messages = document["components"]["messages"]
    rows = {row["type"]: row for row in data_of(home.get("/event-types"))}
    page = (ROOT / "docs" / "events.md").read_text()
    headings = re.findall(r"^### `(.+)`$", page, re.MULTILINE)
    assert answer.headers["Content-Type"] == "application/json"
    assert document["asyncapi"] == "3.0.0"
    assert [*messages] == [*rows] == headings == [each.name for each in TYPES]
    for name, message in messages.items():
        row = rows[name]
        assert message["examples"][0]["payload"] == row["example"]
        assert message["x-text-fields"] == row["text_fields"]
        assert message["x-filters"] == row["filters"]
        assert message["x-in-wildcard"] == row["in_wildcard"]


def test_every_reference_leads_somewhere_and_every_example_fits(home: Tenant):
    document = home.goatherd.client.get(f"{BASE}/asyncapi.json").json()

    for reference in (o["$ref"] for o in everything_in(document) if "$ref" in o):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    for message in document["components"]["messages"].values():
        schema = {**message["payload"], "components": document["components"]}
        Draft202012Validator(schema).validate(message["examples"][0]["payload"])
