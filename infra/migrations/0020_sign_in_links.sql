-- Links that sign somebody in, once: made by whoever can read the key anyway. Only the
-- digests are kept, of the link and of the key it stands for.

CREATE TABLE sign_in_links (
    digest     bytea       NOT NULL PRIMARY KEY,
    key_digest bytea       NOT NULL,
    expires_at timestamptz NOT NULL
);
