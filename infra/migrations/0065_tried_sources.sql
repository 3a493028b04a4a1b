-- The sources that a run tried in addition to the one that it ended with, and whether
-- its list of videos was complete. Earlier runs asked one source, and did not report
-- that.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_scrape_runs', 'goatherd_next_scrape_runs']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.scrape_runs '
                       'ADD COLUMN tried jsonb, '
                       'ADD COLUMN listed text, '
                       'ADD COLUMN listed_reason text', place);
    END LOOP;
END $$;
-- The column also has the sources of a failed attempt, while the next one waits.
ALTER TABLE scrape_job ADD COLUMN provider text, ADD COLUMN tried jsonb;
CREATE INDEX scrape_runs_tried ON scrape_runs (finished_at DESC)
    WHERE tried IS NOT NULL;
