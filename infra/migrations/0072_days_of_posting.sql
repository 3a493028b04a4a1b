-- Of a video whose creator was erased, analytics show on which day it was posted, in the
-- organization's zone at the time of the erasure. Which of its counts are new still
-- follows from the exact time.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with them as well.
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
