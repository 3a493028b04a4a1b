-- Creators that move to other projects. In analytics ``project_id`` of a creator is its
-- present project, since the event at ``project_position`` (0: since it was added), and
-- ``origin_project_id`` is the project that it was added to, with which the ids of its
-- videos are computed. ``analytics_creator_moves`` has all moves, for past times.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        EXECUTE format('ALTER TABLE %I.analytics_subjects '
                       'ADD COLUMN origin_project_id uuid, '
                       'ADD COLUMN project_position bigint NOT NULL DEFAULT 0', place);
        EXECUTE format('UPDATE %I.analytics_subjects SET origin_project_id = project_id '
                       'WHERE kind IS NULL OR kind = ''creator''', place);
        EXECUTE format(
            'CREATE TABLE %I.analytics_creator_moves ('
            '    organization_id uuid   NOT NULL,'
            '    creator_id      uuid   NOT NULL,'
            '    position        bigint NOT NULL,'
            '    project_id      uuid   NOT NULL,'
            '    PRIMARY KEY (organization_id, creator_id, position))', place);
        EXECUTE format('ALTER TABLE %I.analytics_creator_moves '
                       'ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I.analytics_creator_moves '
                       'FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
        EXECUTE format('GRANT SELECT ON %I.analytics_creator_moves '
                       'TO goatherd_reader', place);
    END LOOP;
END $$;

-- The present projects of videos whose creators moved, also of those discovered later.
CREATE TABLE moved_creators (
    organization_id uuid   NOT NULL,
    id              uuid   NOT NULL,
    project_id      uuid   NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
ALTER TABLE moved_creators ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON moved_creators FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON moved_creators TO goatherd_reader;
