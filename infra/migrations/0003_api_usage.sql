-- Requests of organizations whose plan limits them: one row for a key's minute, and
-- one, whose subject is the organization itself, for the UTC day. Rows are reused, so
-- there are never more than keys and organizations.

CREATE TABLE api_usage (
    organization_id uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    started_at      timestamptz NOT NULL,
    used            integer     NOT NULL,
    PRIMARY KEY (organization_id, subject_id)
) WITH (
    -- Updated on every request: room for it on the same page, and early tidying up.
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 1000
);
