-- Which of a creator's counts are rounded by their source: names of columns. Version 3
-- of creator_list fills it, beside; until that is swapped in nothing is marked.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN rounded_counts text[] NOT NULL DEFAULT ''{}''', place);
    END LOOP;
END $$;
