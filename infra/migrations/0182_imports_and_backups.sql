-- imports: the ends of imports of recordings. outcome is stored, refused or interrupted.
CREATE TABLE imports (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    outcome         text        NOT NULL,
    at              timestamptz NOT NULL,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX imports_at ON imports (organization_id, at);
ALTER TABLE imports ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON imports FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
CREATE POLICY projects ON imports FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant()
           AND project_id = ANY ((SELECT goatherd_projects())::uuid[]));
GRANT SELECT ON imports TO goatherd_reader, goatherd_limited;

-- backups: when `goatherd backup` wrote one, and up to which position of the log.
CREATE TABLE backups (
    made_at  timestamptz NOT NULL,
    position bigint      NOT NULL
);
CREATE INDEX backups_made ON backups (made_at);
