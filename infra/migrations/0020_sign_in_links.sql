-- Links that sign somebody in once, made by people who can read the key anyway. Only
-- the digests of the link and of its key are stored.

CREATE TABLE sign_in_links (
    digest     bytea       NOT NULL PRIMARY KEY,
    key_digest bytea       NOT NULL,
    expires_at timestamptz NOT NULL
);
