-- The kinds of a creator's scrapes that fail, each with the time, number and reason.
-- Version 5 of creator_list fills the column in shadow tables; until the swap no kind
-- is named.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN failing_kinds jsonb NOT NULL DEFAULT ''[]''', place);
    END LOOP;
END $$;
