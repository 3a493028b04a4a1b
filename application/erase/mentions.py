"""Mentions: texts about others that have a handle of the person, or their address."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.erase.search.terms import CELL_END, SearchTerms
from application.erase.values import ErasedValue, texts_of
from domain.messages import Event
from domain.subjects import TEXT_EVENTS, owner_of_texts, personal_fields
from domain.texts import EarlierTextsForgotten
from infra import arrays
from infra.eventstore.codec import Codec
from infra.eventstore.envelope import ENVELOPES
from infra.eventstore.store import open_envelopes

MentionKind = Literal[
    "campaign",
    "project",
    "api_key",
    "organization",
    "annotation",
    "creator",
    "video",
    "view",
    "share",
    "alert_rule",
    "report",
    "channel",
]

_EVENTS = f"""
{ENVELOPES}
WHERE (originator_id = %b OR originator_id IN (
    SELECT id FROM campaigns WHERE organization_id = %b
    UNION ALL SELECT id FROM views WHERE organization_id = %b
    UNION ALL SELECT id FROM shares WHERE organization_id = %b
    UNION ALL SELECT id FROM alert_rules WHERE organization_id = %b
    UNION ALL SELECT id FROM reports WHERE organization_id = %b
    UNION ALL SELECT id FROM channels WHERE organization_id = %b))
AND topic = ANY(%b::text[]) ORDER BY notification_id
"""  # noqa: S608 - constants
_DELETED = """
SELECT id FROM campaigns WHERE organization_id = %s AND deleted_at IS NOT NULL
UNION ALL SELECT id FROM views WHERE organization_id = %s AND deleted_at IS NOT NULL
UNION ALL SELECT id FROM shares WHERE organization_id = %s AND revoked_at IS NOT NULL
UNION ALL SELECT id FROM alert_rules
WHERE organization_id = %s AND removed_at IS NOT NULL
UNION ALL SELECT id FROM reports WHERE organization_id = %s AND removed_at IS NOT NULL
UNION ALL SELECT id FROM channels WHERE organization_id = %s AND removed_at IS NOT NULL
"""
_FOR_ONE = "SELECT id FROM views WHERE organization_id = %s AND is_private"
# The fields of each text by their names, without the person's own data.
_OTHERS = """
SELECT 'annotation', id, 'text', text FROM annotations
WHERE organization_id = %(organization)s AND kind = 'note' AND text ILIKE ANY(%(like)s)
AND NOT id = ANY(%(own)s)
UNION ALL
SELECT 'creator', c.id, field, text FROM creator_list c
CROSS JOIN LATERAL (VALUES ('display_name', display_name), ('readme', readme),
    ('description', description), ('metadata', metadata::text),
    ('tags', array_to_string(tags, %(cell_end)s)),
    ('scraped_display_name', scraped_display_name)) AS t (field, text)
WHERE organization_id = %(organization)s AND status <> 'erased'
AND NOT c.id = ANY(%(own)s) AND text ILIKE ANY(%(like)s)
UNION ALL
SELECT 'video', v.id, field, text FROM videos v
LEFT JOIN video_figures f ON f.organization_id = v.organization_id AND f.id = v.id
CROSS JOIN LATERAL (VALUES ('readme', v.readme), ('description', v.description),
    ('metadata', v.metadata::text), ('title', coalesce(f.title, v.title)),
    ('tags', array_to_string(v.tags, %(cell_end)s))) AS t (field, text)
WHERE v.organization_id = %(organization)s AND NOT v.id = ANY(%(own)s)
AND NOT coalesce(v.creator_id = ANY(%(own)s), false) AND text ILIKE ANY(%(like)s)
ORDER BY 1, 2, 3
"""
_TEXT_NAMES = [event.stored_name for event in TEXT_EVENTS]
_PATHS: dict[str, str] = {
    "campaign": "/campaigns/{}",
    "project": "/projects/{}",
    "api_key": "/api-keys/{}",
    "organization": "/organization",
    "annotation": "/analytics/annotations/{}",
    "creator": "/creators/{}",
    "video": "/videos/{}",
    "view": "/views/{}",
    "share": "/shares/{}",
    "alert_rule": "/alert-rules/{}",
    "report": "/reports/{}",
    "channel": "/channels/{}",
}
# The kinds whose events have names that begin like them.
_OF_OWN_THINGS: Sequence[MentionKind] = (
    "organization",
    "project",
    "api_key",
    "view",
    "share",
    "alert_rule",
    "report",
    "channel",
)
# TikTok's texts, which nobody here can change.
_SCRAPED = frozenset({"title", "scraped_display_name"})


class Mention(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """A text that names the person, and stays when they are erased.

    ``change`` is the request that changes the text, null for TikTok's texts about
    others and for a view that is for one person alone, who changes it. For an
    ``earlier`` text, or a text of a deleted campaign, it is the request
    that forgets earlier texts.
    """

    kind: MentionKind
    id: UUID
    field: str
    earlier: bool
    change: str | None


def mentions_of(
    cursor: Cursor[TupleRow],
    codec: Codec,
    *,
    organization_id: UUID,
    handles: Iterable[str],
    addresses: Iterable[str],
    own: Collection[UUID],
) -> list[Mention]:
    """Return the texts of an organization that contain a handle or a contact address.

    ``own`` are the creators, videos and notes that are erased with the person.
    """
    names = [*handles, *addresses]
    terms = SearchTerms(ErasedValue("handle", name) for name in names)
    return [
        *_of_others(cursor, terms, names, organization_id, own),
        *_of_own_things(cursor, codec, terms, organization_id),
    ]


def _of_others(
    cursor: Cursor[TupleRow],
    terms: SearchTerms,
    names: Iterable[str],
    organization_id: UUID,
    own: Collection[UUID],
) -> Iterator[Mention]:
    params = {
        "organization": organization_id,
        "like": [f"%{_escaped(name)}%" for name in names],
        "own": [*own],
        "cell_end": CELL_END,
    }
    for kind, id_, field, text in cursor.execute(_OTHERS.encode(), params).fetchall():
        if terms.found_in(text):
            change = None if field in _SCRAPED else f"PATCH {_PATHS[kind].format(id_)}"
            yield Mention(kind=kind, id=id_, field=field, earlier=False, change=change)


def _of_own_things(
    cursor: Cursor[TupleRow], codec: Codec, terms: SearchTerms, organization_id: UUID
) -> Iterator[Mention]:
    names = [*_TEXT_NAMES, EarlierTextsForgotten.stored_name]
    ids = (*[organization_id] * 7, arrays.texts(names))
    rows = cursor.connection.cursor(binary=True).execute(_EVENTS, ids).fetchall()
    # For each thing and field: whether its last text names the person, and any text.
    present: dict[tuple[MentionKind, UUID, str], bool] = {}
    ever: set[tuple[MentionKind, UUID, str]] = set()
    for recorded in open_envelopes(rows, codec, cursor.connection):
        event = recorded.event
        of = owner_of_texts(recorded.stream, event)
        assert of is not None
        for field, value in _fields(event):
            key = (_kind_of(event), of, field)
            text = CELL_END.join(texts_of(value))
            present[key] = bool(terms.found_in(text))
            if present[key]:
                ever.add(key)
    own = {row[0] for row in cursor.execute(_FOR_ONE, [organization_id])}
    deleted = {row[0] for row in cursor.execute(_DELETED, [organization_id] * 6)}
    for kind, of, field in sorted(ever, key=str):
        path = _PATHS[kind].format(of)
        is_present = present[kind, of, field] and of not in deleted
        change = f"PATCH {path}" if is_present else f"POST {path}/forget-texts"
        change = None if is_present and of in own else change
        yield Mention(
            kind=kind, id=of, field=field, earlier=not is_present, change=change
        )


def _fields(event: Event) -> Iterator[tuple[str, object]]:
    for name in personal_fields(type(event)):
        value: object = getattr(event, name)
        if isinstance(event, EarlierTextsForgotten):
            yield from (
                (each, unquote_plus(text) if each == "query" else text)
                for each, text in event.texts.items()
            )
        elif name == "query" and isinstance(value, str):
            # A view's query is written as in an address.
            yield name, unquote_plus(value)
        elif value is not msgspec.UNSET:
            yield name, value


def _kind_of(event: Event) -> MentionKind:
    if isinstance(event, EarlierTextsForgotten):
        return event.kind
    name = type(event).stored_name
    for kind in _OF_OWN_THINGS:
        if name.startswith(kind):
            return kind
    return "campaign"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
