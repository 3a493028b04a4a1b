-- views: filters, an order and columns of a list. A built-in one belongs to every
-- organization, and a deleted one keeps no text.
CREATE TABLE views (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    list            text        NOT NULL,
    query           text        NOT NULL,
    columns         text[]      NOT NULL,
    is_built_in     boolean     NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX views_created ON views (organization_id, created_at, id);
ALTER TABLE views ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON views FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON views TO goatherd_reader;
