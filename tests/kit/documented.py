"""The promises of the OpenAPI document: the answers that may come, and the requests."""

import re
from functools import cache
from typing import Any

import httpx
import msgspec
from jsonschema import Draft202012Validator
from litestar import Litestar

from api.main import assemble
from api.openapi.document import document
from infra.settings import Settings

Json = dict[str, Any]

_ERROR = 400
_JSON = "application/json"
_CSV = "text/csv"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as the document has it."""

    id: str
    method: str
    path: str
    details: Json

    @property
    def needs_key(self) -> bool:
        return bool(self.details["security"])

    @property
    def codes(self) -> set[str]:
        """The codes that an operation may fail with."""
        return {
            code
            for status, response in self.details["responses"].items()
            if int(status) >= _ERROR
            for code in response["content"][_JSON]["examples"]
        }

    @property
    def bodies(self) -> list[Json]:
        """The examples of its body; none where it has no body."""
        body = self.details.get("requestBody")
        if body is None:
            return []
        examples = body["content"].get(_JSON, {}).get("examples", {})
        return [e["value"] for e in examples.values()]

    @property
    def takes_file(self) -> bool:
        """True for an operation with a file as its body."""
        body = self.details.get("requestBody")
        return body is not None and _JSON not in body["content"]

    @property
    def takes_table(self) -> bool:
        """True for an operation with a CSV file as its body."""
        return self.takes_file and _CSV in self.details["requestBody"]["content"]

    def ids(self, place: str) -> list[str]:
        """The names of the ids it takes, in the path or the query."""
        return [
            parameter["name"]
            for parameter in self.details.get("parameters", [])
            if parameter.get("in") == place
            and parameter["schema"].get("format") == "uuid"
        ]


class Documented:
    """The document of an application: its operations and their answers."""

    def __init__(self, app: Litestar) -> None:
        written = msgspec.json.encode(document(app, version="0"))
        self.document: Json = msgspec.json.decode(written)
        self.operations = {
            details["operationId"]: Described(
                id=details["operationId"],
                method=method.upper(),
                path=path,
                details=details,
            )
            for path, methods in self.document["paths"].items()
            for method, details in methods.items()
        }
        self._patterns = {
            operation.id: re.compile(re.sub(r"\{\w+\}", "[^/]+", operation.path))
            for operation in self.operations.values()
        }
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def check(self, answer: httpx.Response) -> None:
        """Assert that the document foresees this answer, down to every field."""
        operation = self._described(answer.request)
        if operation is None:
            return
        status = str(answer.status_code)
        response = operation.details["responses"].get(status)
        assert response is not None, f"{operation.id} does not document {status}"
        content = response.get("content", {}).get(_JSON)
        if content is None or answer.headers["Content-Type"] != _JSON:
            return
        validator = self._validators.get((operation.id, status))
        if validator is None:
            schema = {**self.document, **content["schema"]}
            validator = Draft202012Validator(schema)
            self._validators[operation.id, status] = validator
        body = answer.json()
        rows = body["data"]
        # A few rows of a page speak for the rest.
        validator.validate(
            {**body, "data": rows[:2]} if isinstance(rows, list) else body
        )
        if answer.status_code >= _ERROR:
            code = body["meta"]["code"]
            assert code in operation.codes, f"{operation.id} does not document {code}"

    def _described(self, request: httpx.Request) -> Described | None:
        for operation in self.operations.values():
            pattern = self._patterns[operation.id]
            if operation.method == request.method and pattern.fullmatch(
                request.url.path
            ):
                return operation
        return None


@cache
def assembled() -> Litestar:
    """The real application, to be read and never started: no setting changes routes."""
    # Nothing connects before the application is started.
    nowhere = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/x", secret="x" * 32
    )
    return assemble(nowhere)


@cache
def documented() -> Documented:
    """The document of the real application."""
    return Documented(assembled())
