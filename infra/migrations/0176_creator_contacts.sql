-- The contact addresses of creators, encrypted with the master key. An erasure deletes
-- the row.
CREATE TABLE creator_contacts (
    creator_id uuid  NOT NULL PRIMARY KEY,
    sealed     bytea NOT NULL
);
