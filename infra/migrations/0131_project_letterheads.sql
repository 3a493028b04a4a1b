-- The client, the comment and the logo of projects, which are printed at the head of
-- reports. No earlier event has them, so nothing has to be folded anew.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_projects', 'goatherd_next_projects']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.projects '
                       'ADD COLUMN client text, '
                       'ADD COLUMN comment text, '
                       'ADD COLUMN logo jsonb',
                       place);
    END LOOP;
END $$;

-- The present logo of each project. The log has only its digest: a logo that was
-- replaced is gone. Rows are written with the event, and no read model makes them.
CREATE TABLE project_logos (
    organization_id uuid  NOT NULL,
    project_id      uuid  NOT NULL,
    media_type      text  NOT NULL,
    content         bytea NOT NULL,
    PRIMARY KEY (organization_id, project_id)
);
ALTER TABLE project_logos ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON project_logos FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON project_logos TO goatherd_reader;
