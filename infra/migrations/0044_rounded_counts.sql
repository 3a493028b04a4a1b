-- The counts of a creator that the source rounds: names of columns. Version 3 of
-- creator_list fills the column in shadow tables; until the swap nothing is marked.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN rounded_counts text[] NOT NULL DEFAULT ''{}''', place);
    END LOOP;
END $$;
