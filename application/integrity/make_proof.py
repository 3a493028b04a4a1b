"""Makes proofs of the events that an installation has recorded of one creator."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity.log import heads_at
from application.integrity.roots_log import keys_of, known_roots, way_to
from application.integrity.signing import Signer
from domain.integrity.events import RootSigned
from domain.integrity.merkle import Path
from domain.integrity.proofs import (
    Proof,
    ProvenEvent,
    ProvenStream,
    proof_text,
    steps_of,
)
from domain.integrity.roots import is_over, time_text, tree_with_paths
from infra import arrays
from infra.database import NO_HURRY, Pool
from infra.eventstore.store import BusyError
from infra.locks import AdvisoryLock

_TAKE_LOCK = "SELECT pg_try_advisory_xact_lock(%s), clock_timestamp()"
_EVENTS = """
SELECT originator_id, notification_id, originator_version, topic, state, recorded_at,
       actor, correlation_id, causation_id, digest
FROM goatherd_events WHERE originator_id = ANY(%b::uuid[])
ORDER BY originator_id, originator_version
"""


def make_proof(
    pool: Pool,
    signer: Signer,
    creator_id: UUID,
    streams: Sequence[UUID],
    *,
    kept: str | None = None,
) -> Proof:
    """Return the proof of these streams under the newest root.

    The proof also leads to the root with the hash ``kept``, if one is named.

    Raises:
        NotFoundError: no root was signed yet, or none with that hash.
        InvalidQuestionError: the newest root names none of those before it.
        BusyError: another proof is being made, which reads the heads of all streams.
    """
    with pool.connection() as connection, connection.transaction():
        connection.execute(NO_HURRY)
        row = connection.execute(_TAKE_LOCK, (AdvisoryLock.MAKE_PROOF,)).fetchone()
        if row is None or not row[0]:
            raise BusyError("Another proof is being made just now; try again.")
        known = known_roots(connection)
        newest = known.newest()
        events = _events_of(connection, streams)
        now = _ways(connection, events, known.roots[newest].root)
        way, then = None, _Ways()
        if kept is not None:
            index = known.number_of(kept)
            way = way_to(known, index=index, newest=newest)
            then = _ways(connection, events, known.roots[index].root)
            if not then.are_held:
                # History was sealed since, so the root has other heads.
                then = _Ways()
        keys = keys_of(connection, signer.key)
    public = known.public(newest)
    proven = tuple(
        ProvenStream(
            stream=stream,
            version=now.versions[stream],
            path=now.paths[stream],
            kept_version=then.versions.get(stream, 0),
            kept_path=then.paths.get(stream, ()),
            events=tuple(events[stream]),
        )
        for stream in dict.fromkeys(streams)
        if stream in events
    )
    made_at = time_text(row[1])
    text = proof_text(creator_id, made_at, public, proven)
    return Proof(
        creator_id=creator_id,
        made_at=made_at,
        root=public,
        kept=way,
        keys=tuple(keys),
        streams=proven,
        signature=signer.sign(text),
    )


class _Ways(NamedTuple):
    """The versions of streams that a root has, and the paths from them to the root."""

    versions: Mapping[UUID, int] = {}
    paths: Mapping[UUID, tuple[str, ...]] = {}
    are_held: bool = False


def _ways(
    connection: Connection[TupleRow], streams: Collection[UUID], root: RootSigned
) -> _Ways:
    paths: dict[bytes, Path] = {stream.bytes: [] for stream in streams}
    heads = (head for _, head in heads_at(connection, [root.position]))
    tree, found = tree_with_paths(heads, paths)
    return _Ways(
        {
            stream: int.from_bytes(found.get(stream.bytes, b"")[16:24], "big")
            for stream in streams
        },
        {stream: steps_of(paths[stream.bytes]) for stream in streams},
        is_over(root, tree),
    )


def _events_of(
    connection: Connection[TupleRow], streams: Sequence[UUID]
) -> dict[UUID, list[ProvenEvent]]:
    rows = connection.cursor(binary=True).execute(_EVENTS, (arrays.uuids(streams),))
    events: dict[UUID, list[ProvenEvent]] = defaultdict(list)
    for stream, position, version, name, body, at, actor, of, because, digest in rows:
        events[stream].append(
            ProvenEvent(
                position=position,
                version=version,
                name=name,
                # A body that is no text was changed, so it does not fit its digest.
                body=body.decode(errors="backslashreplace"),
                recorded_at=time_text(at),
                actor=actor,
                correlation_id=of,
                causation_id=because,
                digest=digest.hex(),
            )
        )
    return events
