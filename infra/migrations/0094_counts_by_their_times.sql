-- The times of counts that the newest snapshot of a video lacks, and the snapshot with
-- the first known time of posting: each count is the newest known one, and the first
-- known time of posting counts.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_videos', 'goatherd_next_videos')
    LOOP
        EXECUTE format('ALTER TABLE %I.video_figures '
                       'ADD COLUMN older_counts jsonb, ADD COLUMN posted_position bigint',
                       place);
    END LOOP;
END $$;
