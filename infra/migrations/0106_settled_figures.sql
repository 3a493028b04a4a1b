-- Figures as of a past position are read from the present sums where nothing that came
-- later has changed them. ``changed_position`` finds the videos that changed later; it
-- is the position of the newest change. The index of snapshots has those that were
-- recorded more than a day after they were observed, or before. All other snapshots
-- after a position are found by their time.
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
        EXECUTE format('ALTER TABLE %I.analytics_videos '
                       'ADD COLUMN changed_position bigint '
                       'GENERATED ALWAYS AS ((changes -> -1 ->> 0)::bigint) STORED',
                       place);
        EXECUTE format('CREATE INDEX analytics_videos_changed '
                       'ON %I.analytics_videos '
                       '(organization_id, creator_id, changed_position)', place);
        EXECUTE format('CREATE INDEX analytics_snapshots_untimely '
                       'ON %I.analytics_snapshots '
                       '(organization_id, owner, position, observed_at) '
                       'WHERE recorded_at < observed_at '
                       'OR recorded_at - observed_at > interval ''1 day''', place);
    END LOOP;
END $$;
