"""The shared parts of the OpenAPI document: failures, headers, security."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from api.http.error_responses import ERRORS_PAGE
from api.http.errors import Code
from api.openapi.schemas import Schema

_REQUEST_ID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"
_RETRIED = {429, 503}

TAGS = {
    "Organization": "Your organization: its settings, limits and usage.",
    "Members": "The people of the organization, their rights, and invitations.",
    "You": "The person who asks, and the browsers in which they are signed in.",
    "API keys": "Keys with their scopes and expiry.",
    "Projects": "Projects group creators and videos.",
    "Creators": (
        "Tracked accounts: add, change and remove them, and read their history."
    ),
    "Scrapes": "Scrapes of creators and videos: request them, and read their results.",
    "Videos": "Tracked videos.",
    "Inbox": "Discovered videos that wait for a decision.",
    "Tags": "Words by which people group creators and videos.",
    "Views": "Filters, orders and columns of lists, saved under a name.",
    "Campaigns": "Groups of creators, videos and other campaigns, and their targets.",
    "Alerts": "Rules that watch creators, the alerts that they open, and the bell.",
    "Events": "Public events for programs, in the order of the log.",
    "Shared links": (
        "Links to read-only pages about a creator, campaign or project, for people "
        "without an account."
    ),
    "Reports": "Numbers that are sent each week or month, and stand still afterwards.",
    "Activity": "The list of events in creators, videos and campaigns, for people.",
    "Channels": "Services that get messages about alerts: mail, Slack and their like.",
    "Webhooks": "Endpoints that get public events, and their deliveries.",
    "Analytics": "Numbers over time.",
    "Summaries": "Key figures and leaderboards of projects and campaigns.",
    "Administration": "Projections and bans of the whole installation.",
    "Schema": "The kinds of entities and their fields, for programs.",
    "Operations": "Health and metrics, for the operators of this installation.",
}
"""The tags of operations, in the order of the document."""

SECURITY_SCHEMES: Schema = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "tga_<64 lowercase hex>",
        "description": "An API key. Its scopes decide which operations it may use: "
        "read, write, admin.",
    }
}

_PROBLEMS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["path", "message"],
        "properties": {
            "path": {"type": "string", "description": "A JSON Pointer to the field."},
            "message": {"type": "string", "description": "The problem in words."},
        },
    },
}
_REFUSED: Schema = {
    "type": "array",
    "description": "The reason for each refused item of several; none was processed.",
    "items": {
        "type": "object",
        "required": ["index", "code", "message"],
        "properties": {
            "index": {
                "type": "integer",
                "minimum": 0,
                "description": "The place of the item in the request, from 0.",
            },
            "code": {
                "type": "string",
                "description": "The reason, for programs, such as in `code` of meta.",
            },
            "message": {"type": "string", "description": "The reason as a sentence."},
        },
    },
}
_DETAILS: Schema = {
    "code": {
        "type": "string",
        "enum": [str(code) for code in Code],
        "description": "The reason, for programs; docs/errors.md lists all codes.",
    },
    "requestId": {
        "type": "string",
        "description": "The id under which the operators find the request in logs.",
    },
    "fields": {**_PROBLEMS, "description": "The problems, field by field."},
    "items": _REFUSED,
    "retryAfter": {"type": "integer", "description": "The number of seconds to wait."},
    "mergedInto": {
        "type": "string",
        "format": "uuid",
        "description": "The creator's video that the video was merged into.",
    },
    "creatorId": {
        "type": "string",
        "format": "uuid",
        "description": "The creator with whom the request conflicts.",
    },
    "tiktokHandle": {"type": "string", "description": "The handle of that creator."},
}

_LIMIT: Schema = {
    "type": "integer",
    "minimum": 1,
    "description": "The largest number of rows in a page.",
}
_COUNTED: Schema = {
    "totalCount": {
        "type": "integer",
        "description": "The number of rows before limit and offset are applied.",
    },
    "limit": _LIMIT,
    "offset": {
        "type": "integer",
        "minimum": 0,
        "description": "The number of rows before this page.",
    },
}
_BASIS: Schema = {
    "position": {
        "type": "integer",
        "description": (
            "The position of the organization's newest event that is in the numbers."
        ),
    },
    "rules": {
        "type": "integer",
        "description": "The number of the rules, as in GET /analytics/schema.",
    },
    "erasedSince": {
        "type": ["object", "null"],
        "description": "With as_of: the number of people who were erased after the "
        "position and whose figures the answer may have had, and the "
        "position of the last erasure; null if there are none.",
        "required": ["count", "until"],
        "properties": {
            "count": {"type": "integer", "description": "The number of people."},
            "until": {
                "type": "integer",
                "description": "The position of the last erasure.",
            },
        },
    },
}

SCHEMAS: dict[str, Schema] = {
    "PageMeta": {
        "type": "object",
        "description": "The beginning of the next page.",
        "required": ["nextCursor", "limit"],
        "properties": {
            "nextCursor": {
                "type": ["string", "null"],
                "description": "The cursor of the next page, null on the last one.",
            },
            "limit": {**_LIMIT, "maximum": 100},
        },
    },
    "PositionMeta": {
        "type": "object",
        "description": "The beginning of the next page, by position.",
        "required": ["nextAfter", "limit"],
        "properties": {
            "nextAfter": {
                "type": "integer",
                "minimum": 0,
                "description": "The position after which the next page begins: the "
                "value of after in the next request.",
            },
            "limit": {**_LIMIT, "maximum": 1000},
        },
    },
    "CountedMeta": {
        "type": "object",
        "description": "The number of rows, and the place of this page among them.",
        "required": ["totalCount", "limit", "offset"],
        "properties": _COUNTED,
    },
    "NumbersMeta": {
        "type": "object",
        "description": "The basis of the numbers: the same request as of the same "
        "position under the same rules always has the same numbers.",
        "required": ["position", "rules", "erasedSince"],
        "properties": _BASIS,
    },
    "CountedNumbersMeta": {
        "type": "object",
        "description": "The number of rows, and the basis of their numbers.",
        "required": [*_COUNTED, *_BASIS],
        "properties": {**_COUNTED, **_BASIS},
    },
    "Failure": {
        "type": "object",
        "description": "Branch on meta.code; the sentence may be reworded.",
        "required": ["data", "error", "meta"],
        "properties": {
            "data": {"type": "null", "description": "Null, because it failed."},
            "error": {"type": "string", "description": "The reason as a sentence."},
            "meta": {
                "type": "object",
                "description": "The reason for programs, and its details.",
                "required": ["code", "requestId"],
                "properties": _DETAILS,
            },
        },
    },
    "Problem": {
        "type": "object",
        "description": "The same failure in the format of RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "requestId"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri-reference",
                "description": "The address of the page that explains the code.",
            },
            "title": {"type": "string", "description": "The meaning of the code."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "The reason as a sentence."},
            "instance": {
                "type": "string",
                "description": "The request, as `urn:request:` and its id.",
            },
            **_DETAILS,
        },
    },
}

PARAMETERS: dict[str, Schema] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "For 24 hours a request with the same key, route and body gets "
        "the first answer, byte for byte, and is not executed again.",
        "schema": {"type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$"},
        "example": "add-ada-2026-11-24",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag that was read; 412 if the resource has changed since "
        "then. Only the version of the ETag counts: newly scraped "
        "figures are no change.",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag that the client has; 304 if it is the current one.",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    "MinPosition": {
        "name": "Goatherd-Min-Position",
        "in": "header",
        "description": "The Goatherd-Position of a write that must be visible; the "
        "request waits up to 2 seconds for it, then gets 503. Requests "
        "do not wait for positions of other organizations, unless the "
        "organization operates the installation: a position beyond the log "
        "is then 400.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 51207,
    },
}

HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "The X-Request-Id of the request, or a new one.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": 'The version of the resource, in double quotes: `"7"`. If the '
        "answer has scraped figures, they are a part of the ETag: "
        '`W/"7-5f2a0c91d3b7e846"`.',
        "schema": {"type": "string"},
    },
    "Position": {
        "description": "The position of the log after the write.",
        "schema": {"type": "integer"},
    },
    "RateLimit": {
        "description": "The limit with the fewest requests left: its name, the "
        "requests left (r) and the seconds until it begins anew (t). "
        "Requests without a limit lack it.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "The number of seconds to wait.",
        "schema": {"type": "integer"},
    },
}


def error_examples() -> dict[str, Schema]:
    """Return an example of every failure, in both formats."""
    found: dict[str, Schema] = {}
    for code in Code:
        meta = {"code": str(code), "requestId": _REQUEST_ID}
        found[code] = {
            "summary": code.meaning,
            "value": {"data": None, "error": code.example, "meta": meta},
        }
        problem = {
            "type": f"{ERRORS_PAGE}#{code}",
            "title": code.meaning,
            "status": code.status,
            "detail": code.example,
            "instance": f"urn:request:{_REQUEST_ID}",
        }
        found[f"{code}_problem"] = {"summary": code.meaning, "value": problem | meta}
    return found


def error_responses(codes: Iterable[Code]) -> dict[str, Schema]:
    """Return the responses of an operation with these failures, by status."""
    by_status: dict[int, list[Code]] = {}
    for code in codes:
        by_status.setdefault(code.status, []).append(code)
    return {str(status): _response(status, by_status[status]) for status in by_status}


def reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _response(status: int, codes: list[Code]) -> Schema:
    headers: dict[str, Any] = {"X-Request-Id": reference("headers", "RequestId")}
    if status in _RETRIED:
        headers["Retry-After"] = reference("headers", "RetryAfter")
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "headers": headers,
        "content": {
            "application/json": {
                "schema": reference("schemas", "Failure"),
                "examples": {code: reference("examples", code) for code in codes},
            },
            "application/problem+json": {
                "schema": reference("schemas", "Problem"),
                "examples": {
                    code: reference("examples", f"{code}_problem") for code in codes
                },
            },
        },
    }
