-- A baseline's first levels are in the snapshot of the video's first observation, whose
-- time the owner state has. They need no table.
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
        EXECUTE format('DROP TABLE IF EXISTS %I.analytics_first_levels', place);
    END LOOP;
END $$;
