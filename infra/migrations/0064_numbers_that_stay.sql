-- Moves that leave the earlier numbers with the old project: ``stays_until`` is the
-- quarter of an hour at whose end they take effect, null if all numbers go along.
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
        EXECUTE format('ALTER TABLE %I.analytics_creator_moves '
                       'ADD COLUMN stays_until bigint', place);
        EXECUTE format('CREATE INDEX analytics_creator_moves_that_leave_numbers '
                       'ON %I.analytics_creator_moves (organization_id, creator_id) '
                       'WHERE stays_until IS NOT NULL', place);
    END LOOP;
END $$;
