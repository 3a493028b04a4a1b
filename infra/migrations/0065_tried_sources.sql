-- Which sources a run tried besides the one that it ended with, and whether it listed
-- all videos. Runs from before asked one source, and did not say what they listed.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_scrape_runs', 'goatherd_next_scrape_runs']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.scrape_runs '
                       'ADD COLUMN tried jsonb, '
                       'ADD COLUMN listed text, '
                       'ADD COLUMN listed_reason text', place);
    END LOOP;
END $$;
-- Also of an attempt that failed, while the next one waits.
ALTER TABLE scrape_job ADD COLUMN provider text, ADD COLUMN tried jsonb;
CREATE INDEX scrape_runs_tried ON scrape_runs (finished_at DESC)
    WHERE tried IS NOT NULL;
