-- Since when a creator's own account is connected. Version 6 of creator_list fills it,
-- beside; until that is swapped in none is.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN connected_at timestamptz', place);
    END LOOP;
END $$;
CREATE INDEX creator_list_connected ON creator_list (organization_id, status)
    WHERE connected_at IS NOT NULL;
