-- How far history is sealed that was stored before personal data were.

-- A row if there is such history: it ends at ``until``, and is sealed up to
-- ``position``. ``before`` is what a root would have said of it when that began.
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

-- While it is being sealed: the digest that the newest event so far of each rewritten
-- stream had before, which the next one's digest was computed from.
CREATE TABLE history_sealing_streams (
    stream uuid  PRIMARY KEY,
    digest bytea NOT NULL
);
