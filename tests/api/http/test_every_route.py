"""The conventions, asked of every operation that Goatherd really has."""

import re
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY as SPECIFICATIONS
from litestar import Litestar
from litestar.testing import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31
from referencing.jsonschema import DRAFT202012

from api.operations import Operation, operations_of
from tests.kit.documented import assembled, documented

A_UUID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"


@pytest.fixture(scope="module")
def app() -> Litestar:
    return assembled()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return documented().document


@pytest.fixture
def operations(app: Litestar) -> list[Operation]:
    return list(operations_of(app))


@pytest.fixture
def stranger(app: Litestar) -> TestClient[Litestar]:
    """A client without a key, of an application whose start-up did not run."""
    return TestClient(app)


class _SpecValidator(OpenAPIV31SpecValidator):
    """The validator of OpenAPI 3.1 with a schema whose anchors were looked up before.

    A registry that knows no anchor yet searches the schema for each of its references,
    4,500 times for this document.
    """

    schema_validator = Draft202012Validator(
        schema_v31,
        registry=SPECIFICATIONS.with_resource(
            schema_v31["$id"], DRAFT202012.create_resource(schema_v31)
        ).crawl(),
    )


def test_the_document_is_valid_openapi_3_1(described: dict[str, Any]):
    errors = list(_SpecValidator(described).iter_errors())

    assert errors == []


def test_every_example_of_a_body_is_accepted(
    operations: list[Operation], described: dict[str, Any]
):
    read = 0
    for operation in operations:
        if operation.route.body is None:
            continue
        body = described["paths"][operation.path][operation.method.lower()]
        content = body["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            operation.route.body.read(msgspec.json.encode(example["value"]))
            read += 1

    assert read


def test_every_example_of_an_answer_is_what_its_schema_says(described: dict[str, Any]):
    checked = 0
    for path in described["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/json", {})
                if "example" not in content:
                    continue
                schema = {**described, **content["schema"]}
                Draft202012Validator(schema).validate(content["example"])
                checked += 1

    assert checked


def test_nothing_is_answered_without_a_key_but_what_needs_none(
    operations: list[Operation], stranger: TestClient[Litestar]
):
    refused: set[str] = set()
    scoped: set[str] = set()
    for operation in operations:
        if operation.route.scope is None:
            continue
        scoped.add(operation.id)
        numbered = operation.path.replace("{position}", "1")
        path = re.sub(r"{\w+}", A_UUID, numbered)
        if stranger.request(operation.method, path).status_code == 401:
            refused.add(operation.id)

    assert refused == scoped
    assert scoped


def test_reading_needs_read_and_changing_needs_more(operations: list[Operation]):
    needs = {
        (operation.method == "GET", operation.route.scope)
        for operation in operations
        if operation.route.scope not in {None, "admin"}
        # Everybody may change what is about themselves.
        and not operation.path.startswith(
            ("/api/v1/me/", "/api/v1/invitations/", "/api/v1/notifications/")
        )
        # A preview stores nothing.
        and not operation.path.endswith("/alert-rules/preview")
        and operation.path != "/api/v1/me"
        # An address of a person is for those who may change it.
        and not operation.path.endswith("/contact")
        # A link opens a page for somebody else, so the list is for those who make them.
        and not (
            operation.method == "GET" and operation.path.startswith("/api/v1/shares")
        )
    }

    assert needs == {(True, "read"), (False, "write")}


def test_only_admin_operations_need_admin(operations: list[Operation]):
    admin = {o.path for o in operations if o.route.scope == "admin"}

    assert {path for path in admin if "/admin/" not in path} <= {
        "/api/v1/api-keys",
        "/api/v1/api-keys/{key_id}",
        "/api/v1/audit",
        *("/api/v1/members", "/api/v1/members/{person_id}", "/api/v1/invitations"),
        *(f"/api/v1/members/{{person_id}}/{of}" for of in ("leaves", "password-link")),
        "/api/v1/invitations/{invitation_id}",
        "/api/v1/invitations/{invitation_id}/resend",
        *(
            f"/api/v1/{thing}/forget-texts"
            for thing in (
                *("organization", "api-keys/{key_id}"),
                *("campaigns/{campaign_id}", "projects/{project_id}"),
                *("views/{view_id}", "shares/{share_id}", "reports/{report_id}"),
                *("alert-rules/{rule_id}", "channels/{channel_id}"),
            )
        ),
        "/api/v1/creators/{creator_id}/erase",
        "/api/v1/creators/{creator_id}/erase/remains",
        "/api/v1/creators/{creator_id}/personal-data",
        "/api/v1/creators/{creator_id}/proof",
        "/api/v1/organization",
        *("/api/v1/webhooks", "/api/v1/webhooks/{webhook_id}"),
        *("/api/v1/channels", "/api/v1/channels/{channel_id}"),
        "/api/v1/channels/{channel_id}/test",
        *(
            f"/api/v1/webhooks/{{webhook_id}}/{act}"
            for act in (
                *("rotate-secret", "replay", "test", "deliveries"),
                "deliveries/{delivery_id}/retry",
            )
        ),
        "/api/v1/sources",
        "/api/v1/sources/check",
        "/api/v1/sources/requests",
    }
