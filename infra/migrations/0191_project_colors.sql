-- The colours of projects, which their reports have, and the colour with which an issue of
-- a report was made. No earlier event has one, so nothing has to be folded anew.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_projects', 'goatherd_next_projects']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.projects ADD COLUMN color text', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_reports', 'goatherd_next_reports']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.report_issues ADD COLUMN color text',
                       place);
    END LOOP;
END $$;
