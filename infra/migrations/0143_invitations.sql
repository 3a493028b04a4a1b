-- Invitations of an organization, and the version of each membership. An invitation that
-- ended keeps its row without the address, so that no earlier event brings it back. No
-- earlier event has invitations, so nothing has to be folded anew.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_people', 'goatherd_next_people')
    LOOP
        EXECUTE format('ALTER TABLE %I.members '
                       'ADD COLUMN version bigint NOT NULL DEFAULT 1', place);
        EXECUTE format(
            'CREATE TABLE %I.invitations ('
            '    organization_id uuid        NOT NULL,'
            '    id              uuid        NOT NULL,'
            '    email           text,'
            '    role            text        NOT NULL,'
            '    project_ids     uuid[],'
            '    money           boolean     NOT NULL,'
            '    invited_by      text        NOT NULL,'
            '    created_at      timestamptz NOT NULL,'
            '    expires_at      timestamptz NOT NULL,'
            '    ended_at        timestamptz,'
            '    position        bigint      NOT NULL,'
            '    PRIMARY KEY (organization_id, id))', place);
        EXECUTE format('ALTER TABLE %I.invitations ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I.invitations '
                       'FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
        EXECUTE format('GRANT SELECT ON %I.invitations TO goatherd_reader', place);
    END LOOP;
END $$;

-- The digest of an open invitation's link, and a keyed hash of the address, with which
-- an erasure finds it. An invitation that ended has no row.
CREATE TABLE invitation_links (
    digest          bytea NOT NULL PRIMARY KEY,
    invitation_id   uuid  NOT NULL UNIQUE,
    organization_id uuid  NOT NULL,
    email_digest    bytea NOT NULL
);
CREATE INDEX invitation_links_email ON invitation_links (email_digest);

-- Members show when they were last here. Nothing else of a session can be read.
ALTER TABLE person_sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON person_sessions FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT (organization_id, person_id, last_used_at) ON person_sessions
    TO goatherd_reader;
