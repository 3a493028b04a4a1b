-- Shadow tables and previous tables of organizations get the requirement of a second
-- factor as well, which 0152 gave to the table in use alone.
DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['goatherd_old_api_keys', 'goatherd_next_api_keys']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.organizations ADD COLUMN IF NOT EXISTS '
                       'requires_second_factor boolean NOT NULL DEFAULT false', place);
    END LOOP;
END $$;
