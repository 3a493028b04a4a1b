-- The newest check of the log that somebody requested over HTTP: one row, if there is.
-- It only shows how far the check is. What is done already, so that it need not be done
-- again, is kept in a file, which whoever can write here cannot change.

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
