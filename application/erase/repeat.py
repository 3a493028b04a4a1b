"""Repeats the erasures that the keys record and a restored log lacks."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.connect.erasure import erase_connections
from application.connect.sealing import ConnectionSeal
from application.erase.erased import ErasedCreator, erased_by
from application.erase.pictures import erase_pictures
from application.erase.sealed_list import ErasedValues, keep
from application.erase.values import ErasedValue
from application.erase.wipe import destroy_and_note
from domain.creator.handlers.erase import CreatorRecords, Erasure
from domain.creator.handlers.repeat_erasure import ErasureToRepeat, repeat_erasure
from infra.database import NO_HURRY
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.erasures import KnownErasure, note_logged_erasures, unapplied_erasures
from infra.keys.opened import opened_master_key
from infra.keys.subject_text import subject_text
from projections.rebuild.swap import forget_previous

ACTOR = "policy:restore"

# Events that name a creator, or a single video of one, in the clear.
_NAMED = """
SELECT e.originator_id, e.topic, e.state, NOT EXISTS (
    SELECT FROM goatherd_events o WHERE o.originator_id = e.originator_id
    AND o.topic IN ('scrape_succeeded', 'scrape_failed'))
FROM goatherd_events e
WHERE e.topic = 'annotation_added'
OR e.topic IN ('video_discovered', 'scrape_requested', 'handle_claimed')
AND EXISTS (SELECT FROM unnest(%s::bytea[]) AS text WHERE position(text IN e.state) > 0)
"""
_FIRST = """
SELECT originator_id, state FROM goatherd_events
WHERE originator_id = ANY(%s) AND originator_version = 1
"""
_DISCOVERED = """
SELECT DISTINCT originator_id FROM goatherd_events
WHERE originator_id = ANY(%s) AND topic = 'video_discovered'
"""
# Values of rows that the backup has in the clear.
_VALUES = """
SELECT 'handle', tiktok_handle FROM creator_list WHERE id = %(creator)s
UNION SELECT 'name', scraped_display_name FROM creator_list WHERE id = %(creator)s
UNION SELECT 'name', display_name FROM creator_list WHERE id = %(creator)s
UNION SELECT 'picture', avatar_url FROM creator_list WHERE id = %(creator)s
UNION SELECT 'title', title FROM videos
    WHERE creator_id = %(creator)s OR id = ANY(%(videos)s)
UNION SELECT 'picture', f.thumbnail_url FROM videos v
    JOIN video_figures f ON (f.organization_id, f.id) = (v.organization_id, v.id)
    WHERE v.creator_id = %(creator)s OR v.id = ANY(%(videos)s)
"""
# All stored answers are from before the erasures, and the log does not tell any more
# which of them name people.
_ANSWERS = """
UPDATE idempotency SET status = 410, headers = '{}', body = ''
WHERE organization_id = %s AND status IS NOT NULL
"""
_DEAD_LETTERS = "UPDATE dead_letter SET error = 'erased'"
_DECISIONS = "UPDATE dead_letter_decision SET reason = 'erased'"


class _Subjects(msgspec.Struct, frozen=True):
    """The subjects that an event names in the clear."""

    organization_id: UUID
    creator_id: UUID | None = None
    video_id: UUID | None = None
    scope: str | None = None
    scope_id: UUID | None = None
    sealed: str = ""


def repeat_erasures(store: Store) -> list[ErasedCreator]:
    """Append each erasure that the keys record and the log lacks; return the erased.

    Each erasure is one transaction, which also wipes all other data of the person that
    does not follow the log, so that a killed repeat continues where it was. Nothing
    else may use the database.
    """
    with store.pool.connection() as connection, connection.transaction():
        connection.execute(NO_HURRY)
        note_logged_erasures(connection.cursor())
        known = unapplied_erasures(connection)
        records = _CreatorRecords(connection, known) if known else None
    erased: list[ErasedCreator] = []
    for erasure in known:
        assert records is not None
        erased += _repeat(store, erasure, records)
    return erased


def _repeat(
    store: Store, erasure: KnownErasure, records: "_CreatorRecords"
) -> list[ErasedCreator]:
    organization_id = records.organization_of(erasure)
    seal = ConnectionSeal(store.pool, store.settings)
    seal.make_ready()
    with store.pool.connection() as connection:
        master_key = opened_master_key(store.settings, connection)

    def in_transaction(cursor: Cursor[TupleRow], done: Executed[Erasure]) -> None:
        values = _values(cursor, erasure)
        erased = ErasedValues(
            organization_id=organization_id,
            creator_ids=done.result.creator_ids,
            position=done.events[-1].position,
            values=values,
        )
        # The keys have a list of the first erasure by the creator's id.
        keep(cursor, new_id(), erased, master_key)
        erase_connections(cursor, done.events, seal)
        erase_pictures(cursor, values, store.settings.data_dir)
        destroy_and_note(cursor, done)
        wipe_what_is_older(cursor, organization_id)

    done = execute(
        store,
        lambda: repeat_erasure(records.of(erasure), organization_id=organization_id),
        context=Context(actor=ACTOR, command_id=new_id()),
        in_transaction=in_transaction,
    )
    return list(erased_by(done).creators)


def wipe_what_is_older(cursor: Cursor[TupleRow], organization_id: UUID) -> None:
    """Wipe stored answers, dead letters and tables that swaps replaced."""
    cursor.execute(_ANSWERS, (organization_id,))
    cursor.execute(_DEAD_LETTERS)
    cursor.execute(_DECISIONS)
    forget_previous(cursor)


class _CreatorRecords:
    """The streams of creators by the log alone, for several erasures at once.

    Read models of older data may be behind or follow older rules, and the handles in
    the log can't be opened any more.
    """

    def __init__(
        self, connection: Connection[TupleRow], erasures: Sequence[KnownErasure]
    ) -> None:
        subjects = [subject for each in erasures for subject in each.subjects]
        texts = [
            *(str(subject).encode() for subject in subjects),
            *(subject_text(subject) for subject in subjects),
        ]
        rows = connection.execute(_NAMED, (texts,)).fetchall()
        decode = msgspec.json.Decoder(_Subjects).decode
        self._named = [
            (stream, topic, decode(state), is_open)
            for stream, topic, state, is_open in rows
        ]
        firsts = connection.execute(_FIRST, (subjects,))
        self._organizations: Mapping[UUID, UUID] = {
            stream: decode(state).organization_id for stream, state in firsts
        }
        discovered = connection.execute(_DISCOVERED, (subjects,))
        self._discovered = {stream for (stream,) in discovered}

    def organization_of(self, erasure: KnownErasure) -> UUID:
        """Return the organization of an erasure, whose subjects are in the log."""
        return next(
            self._organizations[subject]
            for subject in erasure.subjects
            if subject in self._organizations
        )

    def of(self, erasure: KnownErasure) -> ErasureToRepeat:
        """Return an erasure with all data of its creator."""
        creator_id, single = erasure.creator_id, {*erasure.video_ids}
        streams: dict[str, set[UUID]] = defaultdict(set)
        texts = [subject_text(video_id).decode() for video_id in single]
        for stream, topic, named, is_open in self._named:
            is_own = named.creator_id == creator_id
            is_single = named.video_id in single or (
                named.creator_id is None and named.sealed[:22] in texts
            )
            if topic == "scrape_requested" and (is_own or is_single):
                if named.creator_id is None:
                    streams["runs"].add(stream)
                if is_open:
                    streams["open runs"].add(stream)
            elif is_own:
                streams[topic].add(stream)
        videos = streams["video_discovered"] | single
        return ErasureToRepeat(
            records=CreatorRecords(
                creator_id=creator_id,
                video_ids=sorted(single),
                videos_without_creator=sorted(single - self._discovered),
                scrape_ids=sorted(streams["runs"]),
                open_scrape_ids=sorted(streams["open runs"]),
                annotation_ids=self._notes_on(creator_id, videos),
                member_ids=sorted(videos),
            ),
            number=erasure.number,
            figures=erasure.figures,
            claim_ids=sorted(streams["handle_claimed"]),
        )

    def _notes_on(self, creator_id: UUID, videos: Collection[UUID]) -> list[UUID]:
        return sorted(
            stream
            for stream, topic, named, _ in self._named
            if topic == "annotation_added"
            and (
                (named.scope == "creator" and named.scope_id == creator_id)
                or (named.scope == "video" and named.scope_id in videos)
            )
        )


def _values(cursor: Cursor[TupleRow], erasure: KnownErasure) -> set[ErasedValue]:
    """Return the person's texts in the restored read models."""
    params = {"creator": erasure.creator_id, "videos": list(erasure.video_ids)}
    rows = cursor.execute(_VALUES, params).fetchall()
    return {ErasedValue(kind, text) for kind, text in rows if text and text != "erased"}
