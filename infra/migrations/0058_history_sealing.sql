-- The progress of sealing history that was stored before personal data were sealed.

-- There is a row if there is such history: it ends at ``until``, and is sealed up to
-- ``position``. ``before`` is the content of a root over it at the beginning of the
-- sealing.
CREATE TABLE history_sealing (
    only_one    boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    until       bigint      NOT NULL,
    position    bigint      NOT NULL DEFAULT 0,
    events      bigint      NOT NULL DEFAULT 0,
    ends_at     bigint,
    before      json,
    finished_at timestamptz
);
INSERT INTO history_sealing (until)
SELECT max(notification_id) FROM goatherd_events HAVING max(notification_id) > 0;

-- During the sealing: the former digest of the newest event so far of each rewritten
-- stream, from which the next event's digest was computed.
CREATE TABLE history_sealing_streams (
    stream uuid  PRIMARY KEY,
    digest bytea NOT NULL
);
