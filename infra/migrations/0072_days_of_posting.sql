-- Analytics show the day of posting of a video whose creator was erased, in the
-- organization's zone at the time of the erasure. The exact time still decides which of
-- the video's counts are new.
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
                       'ADD COLUMN erased_time_zone text', place);
        EXECUTE format('ALTER TABLE %I.analytics_videos '
                       'ADD COLUMN posted_exactly_at timestamptz', place);
        EXECUTE format('CREATE INDEX analytics_subjects_erased '
                       'ON %I.analytics_subjects (organization_id, id) '
                       'WHERE erased_position IS NOT NULL', place);
    END LOOP;
END $$;
