"""The documents about the API and about public events, with each thing said once."""

import json
from typing import Any

from api.openapi.asyncapi import asyncapi_document
from tests.kit.documented import Json, documented
from tests.walls.outline import json_lines

# Shorter parts are read more easily where they stand.
_LONG = 150

# Python 3.13 calls two statuses as RFC 9110 does.
_RENAMED_STATUSES = {
    "Request Entity Too Large": "Content Too Large",
    "Unprocessable Entity": "Unprocessable Content",
}

Parts = dict[str, list[str]]


def openapi() -> Parts:
    """Return the OpenAPI document, with a part for each operation and component."""
    document = documented().document
    parts: dict[str, object] = {
        f"{method.upper()} {path}": said
        for path, methods in sorted(document["paths"].items())
        for method, said in sorted(methods.items())
    }
    return _said_once({**parts, **_rest(document, leaving_out="paths")})


def public_events() -> Parts:
    """Return the AsyncAPI document, whose messages are the types of public events."""
    return _said_once(_rest(json.loads(json.dumps(asyncapi_document("0")))))


def _rest(document: Json, *, leaving_out: str = "") -> dict[str, object]:
    named = {
        f"{kind} {name}": said
        for kind, things in sorted(document["components"].items())
        for name, said in sorted(things.items())
    }
    others = document.keys() - {"components", leaving_out}
    return {**named, **{name: document[name] for name in sorted(others)}}


def _said_once(parts: dict[str, object]) -> Parts:
    known: dict[str, str] = {}
    return {
        place: json_lines(_with_places(said, place, known), shown=None)
        for place, said in parts.items()
    }


def _with_places(said: Any, place: str, known: dict[str, str]) -> Any:  # noqa: ANN401
    """Return JSON with the place of the first one in place of what was said before."""
    if isinstance(said, str):
        for old, new in _RENAMED_STATUSES.items():
            said = said.replace(old, new)
    if not isinstance(said, dict | list):
        return said
    whole = json.dumps(said, sort_keys=True)
    if len(whole) > _LONG:
        if whole in known:
            return f"= {known[whole]}"
        known[whole] = place
    if isinstance(said, list):
        return [
            _with_places(each, f"{place} {number}", known)
            for number, each in enumerate(said)
        ]
    return {
        name: _with_places(each, f"{place} {name}", known)
        for name, each in sorted(said.items())
    }
