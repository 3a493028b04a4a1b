-- Answers to requests with an Idempotency-Key, so that a repeated request gets the same
-- answer. The answer is written in the append's own transaction.

CREATE TABLE idempotency (
    organization_id uuid        NOT NULL,
    key_id          uuid        NOT NULL,
    idempotency_key text        NOT NULL,
    route           text        NOT NULL,
    fingerprint     bytea       NOT NULL,
    -- The process that works on the request; another may take over after the lease.
    holder          uuid        NOT NULL,
    lease_until     timestamptz NOT NULL,
    status          int,
    headers         jsonb,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization_id, key_id, idempotency_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
