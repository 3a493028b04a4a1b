"""Makes proofs of what an installation has recorded of one creator."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import NotFoundError
from domain.integrity.merkle import Path
from domain.integrity.proofs import (
    Proof,
    ProvenEvent,
    ProvenStream,
    proof_text,
    steps_of,
)
from domain.integrity.roots import PublicRoot, time_text, tree_with_paths
from infra import arrays
from infra.database import Pool
from infra.eventstore.store import BusyError
from infra.integrity.log import NO_HURRY, heads_at, newest_recorded
from infra.integrity.signing import Signer
from infra.locks import AdvisoryLock

_TAKE_LOCK = "SELECT pg_try_advisory_xact_lock(%s), clock_timestamp()"
_EVENTS = """
SELECT originator_id, notification_id, originator_version, topic, state, recorded_at,
       actor, correlation_id, causation_id, digest
FROM goatherd_events WHERE originator_id = ANY(%b::uuid[])
ORDER BY originator_id, originator_version
"""


def make_proof(
    pool: Pool, signer: Signer, creator_id: UUID, streams: Sequence[UUID]
) -> Proof:
    """Return the proof of these streams under the newest root.

    Raises:
        NotFoundError: no root was signed yet.
        BusyError: another proof is being made, which reads the heads of all streams.
    """
    with pool.connection() as connection, connection.transaction():
        connection.execute(NO_HURRY)
        row = connection.execute(_TAKE_LOCK, (AdvisoryLock.MAKE_PROOF,)).fetchone()
        if row is None or not row[0]:
            raise BusyError("Another proof is being made just now; try again.")
        root = newest_recorded(connection)
        if root is None:
            raise NotFoundError("root")
        events = _events_of(connection, streams)
        paths: dict[bytes, Path] = {stream.bytes: [] for stream in events}
        heads = (head for _, head in heads_at(connection, [root.position]))
        _, found = tree_with_paths(heads, paths)
    public = PublicRoot.of(root)
    proven = tuple(
        ProvenStream(
            stream=stream,
            version=int.from_bytes(found.get(stream.bytes, b"")[16:24], "big"),
            path=steps_of(paths[stream.bytes]),
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
        streams=proven,
        signature=signer.sign(text),
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
                # A body that is no text was changed, and so does not fit its digest.
                body=body.decode(errors="backslashreplace"),
                recorded_at=time_text(at),
                actor=actor,
                correlation_id=of,
                causation_id=because,
                digest=digest.hex(),
            )
        )
    return events
