-- The keys that seal personal fields of events, one for each subject: a creator, or a
-- video without one. Each is encrypted ("wrapped") with the master key, which is not in
-- the database.

-- A destroyed key leaves its row, so that no other key is made for the same subject.
-- ``erasure`` numbers the erasures in the order of the append lock: the largest number
-- shows every process whether a key that it holds may be gone.
CREATE TABLE subject_keys (
    subject      uuid        PRIMARY KEY,
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    erasure      bigint,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (erasure IS NOT NULL))
) WITH (
    -- A destroyed key is in the table's file until the row's old version is removed.
    autovacuum_vacuum_threshold = 0,
    autovacuum_vacuum_scale_factor = 0
);
CREATE INDEX subject_keys_erasure ON subject_keys (erasure) WHERE erasure IS NOT NULL;
