-- After how many days creators that were removed are erased; never without a number.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_api_keys', 'goatherd_next_api_keys']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.organizations '
                       'ADD COLUMN erase_removed_after_days integer', place);
    END LOOP;
END $$;
