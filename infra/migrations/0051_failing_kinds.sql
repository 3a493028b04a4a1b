-- Which kinds of a creator's scrapes fail, each since when, how often and why. Version 5
-- of creator_list fills it, beside; until that is swapped in no kind is named.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN failing_kinds jsonb NOT NULL DEFAULT ''[]''', place);
    END LOOP;
END $$;
