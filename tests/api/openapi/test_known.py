"""The API goes on to have what clients know of it, under the same names.

``known.json.gz`` is the OpenAPI document of commit f0931959 without its texts. A change
that clients notice belongs into the change log, and then the file is made anew::

    .venv/bin/python -m tests.api.openapi.test_known
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.kit.documented import documented

KNOWN = Path(__file__).with_name("known.json.gz")
_TEXTS = {"description", "summary", "examples", "example"}


def without_texts(part: Any, *, has_names: bool = False) -> Any:  # noqa: ANN401
    """Return a part of a document without its texts, but with all properties."""
    if isinstance(part, dict):
        return {
            key: without_texts(value, has_names=key == "properties")
            for key, value in part.items()
            if has_names or key not in _TEXTS
        }
    if isinstance(part, list):
        return [without_texts(each) for each in part]
    return part


def lost(known: Any, now: Any, place: str = "") -> Iterator[str]:  # noqa: ANN401
    """Yield the places of what is not there any more, or is something else."""
    if isinstance(known, dict) and isinstance(now, dict):
        for key, value in known.items():
            if key in now:
                yield from lost(value, now[key], f"{place}/{key}")
            else:
                yield f"{place}/{key}"
    elif isinstance(known, list) and isinstance(now, list):
        for each in known:
            if each not in now and not any(
                name_of(each) == name_of(other) and not [*lost(each, other)]
                for other in now
            ):
                yield f"{place}: {name_of(each)}"
    elif known != now:
        yield f"{place}: {known} is {now}"


def name_of(entry: Any) -> Any:  # noqa: ANN401
    """Return what names an entry of a list: a parameter has a name."""
    return entry.get("name") if isinstance(entry, dict) else entry


def present() -> Any:  # noqa: ANN401
    found = without_texts(documented().document)
    return {key: value for key, value in found.items() if key != "info"}


def test_clients_find_all_that_they_knew():
    known = msgspec.json.decode(gzip.decompress(KNOWN.read_bytes()))

    assert [*lost(known, present())] == []


if __name__ == "__main__":
    KNOWN.write_bytes(gzip.compress(msgspec.json.encode(present()), 9, mtime=0))
