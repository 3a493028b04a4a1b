-- A project can be archived. Rows of the schedule in it wait until it is restored, so
-- the rows of a creator need the creator's present project.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_projects', 'goatherd_next_projects']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.projects ADD COLUMN archived_at '
                       'timestamptz', place);
    END LOOP;
END $$;

ALTER TABLE scrape_schedule ADD COLUMN is_paused boolean NOT NULL DEFAULT false;
UPDATE scrape_schedule s SET project_id = c.project_id FROM creator_list c
WHERE c.organization_id = s.organization_id AND c.id = s.creator_id
  AND c.project_id <> s.project_id;
