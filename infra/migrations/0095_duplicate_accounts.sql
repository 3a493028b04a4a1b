-- The creator of the project that a disabled one is a duplicate of. No event from before
-- says so, so that nothing has to be folded anew.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_creator_list', 'goatherd_next_creator_list']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.creator_list '
                       'ADD COLUMN duplicate_of uuid', place);
    END LOOP;
END $$;
CREATE INDEX creator_list_duplicates ON creator_list (organization_id, duplicate_of)
    WHERE duplicate_of IS NOT NULL;

-- The first scrape that sees an account asks which other creators were seen to have it.
CREATE INDEX creator_identity_account ON creator_identity (organization_id, user_id);
