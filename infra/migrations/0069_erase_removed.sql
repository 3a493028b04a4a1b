-- The days after which removed creators are erased; never without a number.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_api_keys', 'goatherd_next_api_keys']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.organizations '
                       'ADD COLUMN erase_removed_after_days integer', place);
    END LOOP;
END $$;
