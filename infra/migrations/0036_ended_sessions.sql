-- Sessions that somebody signed out of before their end: a copy of the cookie does not
-- work any more. A row is not needed after the end of the session.

CREATE TABLE ended_sessions (
    nonce      bytea       NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
