-- When counts were observed that the newest snapshot of a video lacks, and which snapshot
-- first told when it was posted: each count is the newest known one, and the first known
-- time of posting counts.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with them as well.
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
