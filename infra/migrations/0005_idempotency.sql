-- What was answered to whom, so that asking twice is the same as asking once. The
-- answer is written in the append's own transaction.

CREATE TABLE idempotency (
    organization_id uuid        NOT NULL,
    key_id          uuid        NOT NULL,
    idempotency_key text        NOT NULL,
    route           text        NOT NULL,
    fingerprint     bytea       NOT NULL,
    -- Who works on it; another may take over when the lease is over.
    holder          uuid        NOT NULL,
    lease_until     timestamptz NOT NULL,
    status          int,
    headers         jsonb,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization_id, key_id, idempotency_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
