-- The views that count for a campaign's target. Older campaigns count all views.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_campaigns', 'goatherd_next_campaigns']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.campaigns '
                       'ADD COLUMN target_scope text NOT NULL DEFAULT ''lifetime''',
                       place);
    END LOOP;
END $$;
