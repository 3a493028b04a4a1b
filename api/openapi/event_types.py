"""The types of public events as a page: ``python -m api.openapi.event_types``."""

import sys
from typing import Any

from domain.feed.types import TYPES, EventType, schema_of

_HEAD = """## Types

This part is the output of `python -m api.openapi.event_types`. A text of strangers is a
text that somebody wrote on TikTok.
"""


def markdown() -> str:
    """Return a section for each type, with the fields of its data."""
    return "\n".join([_HEAD, *(_section(each) for each in TYPES)])


def _section(type_: EventType) -> str:
    structs = schema_of(type_)["$defs"]
    schema = structs[type_.data.__name__]
    filters = ", ".join(f"`{name}`" for name in type_.filters) or "none"
    subject = f"{_article(type_.subject)} {type_.subject}"
    star = "" if type_.in_wildcard else " `*` does not include it."
    admin = " Only readers with the scope `admin` see it." if type_.needs_admin else ""
    fields = "\n".join(
        f"| `{name}` | {_kind(field, structs)} |"
        for name, field in schema["properties"].items()
    )
    return f"""### `{type_.name}`

{type_.summary}{star}{admin}
Version {type_.version}. Subject: {subject}. Filters: {filters}.

{schema["description"]}

| `data` | |
|---|---|
{fields}
"""


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _kind(field: dict[str, Any], structs: dict[str, Any]) -> str:
    """Return the kind of a field's value in words; ``structs`` are those by name."""
    choices = [each for each in field.get("anyOf", [field]) if each != {"type": "null"}]
    kind = choices[0]
    values = [each for choice in choices for each in choice.get("enum", ())]
    if values:
        words = ", ".join(f"`{each}`" for each in values if each is not None)
    elif kind.get("type") == "array":
        words = f"a list: each {_kind(kind['items'], structs)}"
    elif "$ref" in kind:
        names = structs[kind["$ref"].rpartition("/")[2]]["properties"]
        words = f"an object with {', '.join(f'`{each}`' for each in names)}"
    else:
        words = _WORDS[kind.get("format", kind.get("type"))]
    is_null = {"type": "null"} in field.get("anyOf", ()) or None in values
    null = " or null" if is_null else ""
    stranger = ", of strangers" if "x-text-of-strangers" in field else ""
    return f"{words}{null}{stranger}"


_WORDS = {
    "uuid": "an id",
    "date-time": "a time",
    "date": "a day",
    "integer": "a whole number",
    "string": "a text",
}


if __name__ == "__main__":
    sys.stdout.write(markdown())
