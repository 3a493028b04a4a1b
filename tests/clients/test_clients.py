"""Clients in two languages from the document, which only ``make full`` generates.

``make clients`` generates four, and uses one.
"""

from typing import Any

import msgspec
import pytest

from api.openapi.document import json_alone
from tests.clients.generated import HEY_API, SMALL, SPECTRAL, failed_steps
from tests.kit.documented import documented

pytestmark = [pytest.mark.full, pytest.mark.timeout(1_200)]


def in_json() -> dict[str, Any]:
    """The document as ``media=json`` gives it, to be changed at will."""
    return msgspec.json.decode(msgspec.json.encode(json_alone(documented().document)))


def test_generators_and_linters_accept_the_document():
    assert failed_steps(msgspec.json.encode(in_json()), SMALL, {}) == []


def test_a_mistake_in_the_document_is_found():
    steps = (HEY_API, SPECTRAL)
    wrong_example, dead_link = in_json(), in_json()
    answer = wrong_example["paths"]["/api/v1/projects"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["example"]["data"][0]["name"] = 7
    schemas = dead_link["components"]["schemas"]
    schemas["Creator"]["properties"]["tags"] = {"$ref": "#/components/schemas/Nothing"}

    assert failed_steps(msgspec.json.encode(wrong_example), steps, {}) == ["spectral"]
    assert "openapi-ts" in failed_steps(msgspec.json.encode(dead_link), steps, {})
