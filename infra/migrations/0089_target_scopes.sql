-- The views that count for a campaign's target. Older campaigns count all of them.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_campaigns', 'goatherd_next_campaigns']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.campaigns '
                       'ADD COLUMN target_scope text NOT NULL DEFAULT ''lifetime''',
                       place);
    END LOOP;
END $$;
