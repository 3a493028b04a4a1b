-- Sessions that somebody signed out of before they were over: a copy of their cookie opens
-- nothing any more. A row is of no use once the session would be over anyway.

CREATE TABLE ended_sessions (
    nonce      bytea       NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
