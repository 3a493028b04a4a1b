-- The time since which a creator's own account is connected. Version 6 of creator_list
-- fills the column in shadow tables; until the swap it is null.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN connected_at timestamptz', place);
    END LOOP;
END $$;
CREATE INDEX creator_list_connected ON creator_list (organization_id, status)
    WHERE connected_at IS NOT NULL;
