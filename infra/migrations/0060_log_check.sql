-- The newest check of the log that somebody requested over HTTP, in at most one row. It
-- only shows the progress. The finished part, which need not be repeated, is kept in a
-- file, because people who can write to this table must not change it.

CREATE TABLE log_check (
    only_one     boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    done         int         NOT NULL DEFAULT 0,
    total        int         NOT NULL DEFAULT 0,
    reported_at  timestamptz,
    finished_at  timestamptz,
    result       jsonb
);
