"""Sentences about events: of every golden event, and in the lists of the demo."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from domain.events import STORED_NAMES
from domain.summaries import AuditedEvent, SummarizedEvent, audit_summary, summary
from infra.eventstore.codec import Codec
from tests.kit.paths import GOLDEN_EVENTS
from tests.walls.demo import Demo
from tests.walls.outline import text_lines

_LISTS = ("/campaigns/{campaign_id}/history", "/activity", "/audit", "/notifications")
_SHOWN = 60


def golden_sentences() -> dict[str, list[str]]:
    """Return the sentences of all golden events, by the names of the events."""
    codec = Codec()
    parts: dict[str, list[str]] = {}
    for line in GOLDEN_EVENTS.read_bytes().splitlines():
        stored = msgspec.json.decode(line)
        if stored["name"] not in STORED_NAMES:
            continue
        event = codec.decode(stored["name"], stored["body"].encode())
        parts.setdefault(stored["name"], []).extend(_sentences(event))
    return {name: parts[name] for name in sorted(parts)}


def _sentences(event: Any) -> Iterator[str]:  # noqa: ANN401 - any event
    if isinstance(event, get_args(SummarizedEvent)):
        yield f"history: {summary(event, by='Ada', video='71', item='Autumn')}"
    if isinstance(event, get_args(AuditedEvent)):
        yield f"audit: {audit_summary(event, by='Ada', item='Autumn')}"
        own = audit_summary(event, by="Ada", item="Autumn", is_own=True)
        yield f"audit, own: {own}"


def demo_sentences(demo: Demo) -> dict[str, list[str]]:
    """Return the sentences in histories and lists of the demo, newest first."""
    paths = [f"/creators/{creator_id}/history" for creator_id in demo.creator_ids]
    paths += [path.format(**demo.ids) for path in _LISTS]
    return {path: [*_said(demo, path)] for path in paths}


def _said(demo: Demo, path: str) -> list[str]:
    rows = demo.tenant.every(path)
    said = [
        f"{row['at']} {row.get('event') or row['kind']}: {row.get('summary', row)}"
        for row in rows
    ]
    return text_lines("\n".join(said), shown=_SHOWN)
