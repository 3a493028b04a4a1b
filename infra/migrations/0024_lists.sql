-- Which videos the snapshots of a provisional owner listed, while a rebuild has not sent them to their
-- owners: once for every list, so that snapshots need not be read for it. ``digest`` is of
-- ``things``, the numbers of the videos in ascending order, as projections/
-- analytics_lists.py packs them.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        EXECUTE format(
            'CREATE TABLE %I.analytics_lists ('
            '    organization_id uuid  NOT NULL,'
            '    owner           uuid  NOT NULL,'
            '    digest          uuid  NOT NULL,'
            '    things          bytea NOT NULL,'
            '    PRIMARY KEY (organization_id, owner, digest))',
            place);
    END LOOP;
END $$;

-- What a release before this one gathered has no lists, so it begins anew.
UPDATE projection_rebuild SET status = 'cancelled', is_cancel_asked = false
WHERE name = 'analytics' AND status IN ('building', 'failed');
DELETE FROM projection_slice WHERE name = 'analytics' AND EXISTS (
    SELECT FROM projection_rebuild WHERE name = 'analytics' AND status = 'cancelled');
