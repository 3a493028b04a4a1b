-- The creator of the project that a disabled one is a duplicate of. No earlier event
-- has it, so nothing has to be folded anew.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN duplicate_of uuid', place);
    END LOOP;
END $$;
CREATE INDEX creator_list_duplicates ON creator_list (organization_id, duplicate_of)
    WHERE duplicate_of IS NOT NULL;

-- The first scrape of an account asks for the other creators with the same account.
CREATE INDEX creator_identity_account ON creator_identity (organization_id, user_id);
