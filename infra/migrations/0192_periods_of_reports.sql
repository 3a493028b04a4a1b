-- The last days of the newest week and month of a report with an issue that fell due. The
-- projection has another version, so that they are folded from the log.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_reports', 'goatherd_next_reports']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.reports '
                       'ADD COLUMN weeks_until date, '
                       'ADD COLUMN months_until date',
                       place);
    END LOOP;
END $$;
