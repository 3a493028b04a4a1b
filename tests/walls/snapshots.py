"""Snapshots: files of text, in parts, that a test compares with what there is now."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

from tests.walls.volatile import without_volatile

KNOWN = Path(__file__).with_name("known")
_SHOWN_LINES = 80
_HOW = (
    "If this change is wanted, write the snapshots anew with `python -m tests.walls`, "
    "read their diff, and say in the commit why they change."
)


def snapshot(parts: Mapping[str, Iterable[str]]) -> str:
    """Return parts under their headings, without what differs at each run."""
    return "\n".join(
        without_volatile("\n".join((f"== {heading}", *lines, "")))
        for heading, lines in parts.items()
    )


def compare(name: str, text: str, *, write: bool) -> None:
    """Fail with a diff if a snapshot differs from its file, or write the file."""
    path = KNOWN / f"{name}.txt"
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    if known == text:
        return
    lines = [*_differences(_parts(known), _parts(text))]
    left = len(lines) - _SHOWN_LINES
    if left > 0:
        lines[_SHOWN_LINES:] = [f"… and {left} lines more"]
    place = f"tests/walls/known/{name}.txt"
    raise AssertionError("\n".join([f"{place} differs.", _HOW, *lines]))


def _differences(
    known: Mapping[str, list[str]], now: Mapping[str, list[str]]
) -> Iterator[str]:
    """Yield the lines that differ, each part under its heading."""
    for heading in {**known, **now}:
        lines = [
            *unified_diff(
                known.get(heading, []), now.get(heading, []), lineterm="", n=2
            )
        ]
        # The first two lines name files.
        if lines:
            yield from (heading, *lines[2:])


def _parts(text: str) -> dict[str, list[str]]:
    """Return the lines of a snapshot by their headings."""
    parts: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("== "):
            heading = line
        parts.setdefault(heading, []).append(line)
    return parts
