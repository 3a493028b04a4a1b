-- shares: links to read-only pages for people without an account. A revoked link keeps
-- no text.
CREATE TABLE shares (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    scope           text        NOT NULL,
    scope_id        uuid        NOT NULL,
    name            text        NOT NULL,
    first_day       date,
    last_day        date,
    rolling         text,
    hide            text[]      NOT NULL,
    has_password    boolean     NOT NULL,
    expires_at      timestamptz,
    as_of           text,
    as_of_at        timestamptz,
    embed           boolean     NOT NULL,
    origins         text[]      NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX shares_created ON shares (organization_id, created_at, id);
ALTER TABLE shares ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON shares FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON shares TO goatherd_reader;
CREATE POLICY projects ON shares FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant()
           AND project_id = ANY ((SELECT goatherd_projects())::uuid[]));
GRANT SELECT ON shares TO goatherd_limited;

-- The digest of a link's token, the hash of its password, encrypted with the master key,
-- and how often it was opened. The row of a revoked link stays: the link says that it
-- was revoked. Readers see how often a link was opened, and neither digest nor password.
CREATE TABLE share_links (
    digest          bytea       NOT NULL PRIMARY KEY,
    share_id        uuid        NOT NULL UNIQUE,
    organization_id uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    password        bytea,
    opened_count    bigint      NOT NULL DEFAULT 0,
    last_opened_at  timestamptz
);
ALTER TABLE share_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON share_links FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
CREATE POLICY projects ON share_links FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant()
           AND project_id = ANY ((SELECT goatherd_projects())::uuid[]));
GRANT SELECT (organization_id, project_id, share_id, opened_count, last_opened_at)
    ON share_links TO goatherd_reader, goatherd_limited;
