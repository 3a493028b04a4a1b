-- Requests of organizations whose plan limits them. A row counts the requests of a key
-- in a minute; a row whose subject is the organization counts those of the UTC day.
-- Rows are reused, so there are never more than keys and organizations.

CREATE TABLE api_usage (
    organization_id uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    started_at      timestamptz NOT NULL,
    used            integer     NOT NULL,
    PRIMARY KEY (organization_id, subject_id)
) WITH (
    -- Every request updates a row: leave room for it on the same page, and clean up
    -- early.
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 1000
);
