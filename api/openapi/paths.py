"""One operation in the OpenAPI document: its parameters and its answers."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from litestar.typing import FieldDefinition

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.bodies.json_body import forms_of
from api.openapi import components
from api.openapi.components import reference
from api.openapi.links import Links
from api.openapi.meanings import meaning_at, row_of_parameter
from api.openapi.schemas import Schema, complete, example, schemas_of
from api.operations import Operation, Parameter

_JSON, _CSV, _PDF = "application/json", "text/csv", "application/pdf"
_EVENTS = "text/event-stream"
_NO_ERROR = {"type": "null", "description": "Null, because the request succeeded."}
_NO_META = {"type": "null", "description": "Null, because the data say everything."}
_CONSTRAINTS = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "description": "description",
}


class Types:
    """The schemas of all types that the operations read and answer, made together."""

    def __init__(self, operations: list[Operation]) -> None:
        bodies = [form for op in operations for form in op.body_forms]
        answers = [
            form
            for op in operations
            for type_, _ in op.answers.values()
            for form in forms_of(type_)
        ]
        others = [parameter.type for op in operations for parameter in op.parameters]
        others += [meta for op in operations for meta in op.fuller_meta]
        self.types = [*bodies, *answers, *others]
        found, self.named = schemas_of(self.types)
        self._found = list(zip(self.types, found, strict=True))
        complete(self.named, inputs=found[: len(bodies)])
        for body in bodies:
            if isinstance(body, type) and issubclass(body, FieldsToChange):
                self.named[body.__name__]["minProperties"] = 1

    def __getitem__(self, type_: Any) -> Schema:  # noqa: ANN401 - any JSON type
        forms = [self._one(form) for form in forms_of(type_)]
        return forms[0] if len(forms) == 1 else {"anyOf": forms}

    def _one(self, type_: Any) -> Schema:  # noqa: ANN401 - any JSON type
        return next(schema for known, schema in self._found if known == type_)


def describe(operation: Operation, types: Types, links: Links) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": operation.handler.resolve_tags(),
        "security": [] if operation.route.scope is None else [{"bearer": []}],
    }
    if operation.handler.deprecated:
        described["deprecated"] = True
    parameters = _parameters(operation, types)
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _request_body(operation, operation.body, types)
    elif operation.files_taken:
        content = _files(operation.files_taken)
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = {
        **_successes(operation, types, links),
        **components.error_responses(operation.errors),
    }
    return described


def _parameters(operation: Operation, types: Types) -> list[Schema]:
    own = [_parameter(parameter, types) for parameter in operation.parameters]
    if operation.route.scope is None:
        return own
    names: list[str] = []
    if operation.method == "POST":
        names.append("IdempotencyKey")
    if operation.is_conditional_write:
        names.append("IfMatch")
    if operation.has_versions:
        names.append("IfNoneMatch")
    if operation.method == "GET":
        names.append("MinPosition")
    declared = {parameter["name"] for parameter in own}
    return own + [
        reference("parameters", name)
        for name in names
        if components.PARAMETERS[name]["name"] not in declared
    ]


def _parameter(parameter: Parameter, types: Types) -> Schema:
    schema = dict(types[parameter.type])
    forms = [form for form in schema.get("anyOf", []) if form != {"type": "null"}]
    if len(forms) == 1:  # A client leaves the parameter out to say null.
        schema = dict(forms[0])
    for name, keyword in _CONSTRAINTS.items():
        value = getattr(parameter.rules, name, None)
        if value is not None:
            schema[keyword] = value
    if parameter.default is not None:
        schema["default"] = msgspec.to_builtins(parameter.default)
    described: Schema = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "schema": schema,
    }
    if schema.get("type") == "array":
        described |= {"style": "form", "explode": False}
    row = row_of_parameter(parameter.name)
    if "description" in schema:
        described["description"] = schema.pop("description")
    elif row is not None:
        described["description"] = meaning_at(row)
    return described


def _request_body(operation: Operation, body: FieldDefinition, types: Types) -> Schema:
    made = {
        getattr(form, "__name__", "body"): example(types[form], types.named)
        for form in operation.body_forms
    }
    examples: dict[str, Any] = operation.handler.opt.get("body_examples", made)
    return {
        "required": not body.has_default,
        "content": {
            _JSON: {
                "schema": types[body.annotation],
                "examples": {
                    name: {"value": msgspec.to_builtins(value)}
                    for name, value in examples.items()
                },
            }
        },
    }


def _successes(operation: Operation, types: Types, links: Links) -> dict[str, Schema]:
    if operation.is_gone:
        return {}
    headers: Schema = {"X-Request-Id": reference("headers", "RequestId")}
    if operation.route.scope is not None:
        headers["RateLimit"] = reference("headers", "RateLimit")
        if operation.writes:
            headers["Goatherd-Position"] = reference("headers", "Position")
    if operation.has_versions or operation.method == "PATCH":
        headers["ETag"] = reference("headers", "ETag")
    found: dict[str, Schema] = {}
    for status, (data, description) in operation.answers.items():
        if operation.files_sent or operation.is_stream:
            # Generated clients expect the schema of one message's data.
            stream = {_EVENTS: {"schema": types[data]}} if operation.is_stream else {}
            content = stream or _files(operation.files_sent)
            found[str(status)] = {
                "description": description,
                "headers": headers,
                "content": content,
            }
            continue
        schema = types[data]
        shown = operation.handler.opt.get("example")
        value = example(schema, types.named) if shown is None else shown
        found[str(status)] = {
            "description": description,
            "headers": headers,
            "content": {
                _JSON: {
                    "schema": _envelope(schema, _meta(operation, types)),
                    "example": {
                        "data": msgspec.to_builtins(value),
                        "error": None,
                        "meta": operation.meta and operation.meta[1],
                    },
                }
            },
        }
        for parameter in operation.parameters:
            if parameter.name == "format":
                found[str(status)]["content"] |= _forms(parameter)
        if linked := links.of(operation, status):
            found[str(status)]["links"] = {
                link.target.id: reference("links", link.name) for link in linked
            }
    if operation.has_versions and operation.route.scope is not None:
        found["304"] = {
            "description": "The client has the current version.",
            "headers": headers,
        }
    return found or {"200": {"description": f"{operation.summary}."}}


def _forms(parameter: Parameter) -> Schema:
    """Return the contents of an answer that a parameter offers besides JSON."""
    content = {
        _CSV: {
            "schema": {"type": "string"},
            "example": "a header, then a line for each row",
        }
    }
    return content | _files([_PDF]) if "pdf" in get_args(parameter.type) else content


def _files(media_types: Sequence[str]) -> Schema:
    return {
        name: {"schema": {"type": "string", "format": "binary"}} for name in media_types
    }


def _meta(operation: Operation, types: Types) -> Schema:
    if operation.meta is None:
        return _NO_META
    usual = reference("schemas", operation.meta[0])
    fuller = [types[meta] for meta in operation.fuller_meta]
    return {"anyOf": [*fuller, usual]} if fuller else usual


def _envelope(schema: Schema, meta: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["data", "error", "meta"],
        "properties": {"data": schema, "error": _NO_ERROR, "meta": meta},
    }
