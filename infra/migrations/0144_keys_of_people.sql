-- The person whose key it is; null is the organization. No earlier event has a person, so
-- nothing has to be folded anew. A follower of the previous release must stop.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_api_keys', 'goatherd_next_api_keys']
    LOOP
        CONTINUE WHEN to_regclass(format('%I.api_keys', place)) IS NULL;
        EXECUTE format('ALTER TABLE %I.api_keys ADD COLUMN person_id uuid', place);
        EXECUTE format('GRANT SELECT (person_id) ON %I.api_keys TO goatherd_reader',
                       place);
    END LOOP;
END $$;
UPDATE projection SET version = 4 WHERE name = 'api_keys' AND version = 3;
