-- webhooks: endpoints of customers that get public events. A removed one keeps no text.
-- Events after starts_after are sent, as far as they were not sent before.
CREATE TABLE webhooks (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    url             text        NOT NULL,
    types           text[]      NOT NULL,
    project_id      uuid,
    description     text,
    filters         jsonb,
    payload         text        NOT NULL,
    signatures      text[]      NOT NULL,
    disabled_reason text,
    starts_after    bigint      NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    removed_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX webhooks_id ON webhooks (id);
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhooks FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON webhooks TO goatherd_reader;

-- The secrets that sign the deliveries of an endpoint, encrypted with the master key. A
-- replaced one signs until its end.
CREATE TABLE webhook_secrets (
    id         uuid        NOT NULL PRIMARY KEY,
    webhook_id uuid        NOT NULL,
    sealed     bytea       NOT NULL,
    until      timestamptz
);
CREATE INDEX webhook_secrets_webhook ON webhook_secrets (webhook_id);

-- The key of an organization that signs deliveries with Ed25519: the public half, and
-- the private one encrypted with the master key.
CREATE TABLE webhook_keys (
    organization_id uuid        NOT NULL PRIMARY KEY,
    public_key      bytea       NOT NULL,
    sealed          bytea       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
