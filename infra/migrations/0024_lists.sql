-- The videos in snapshots of a provisional owner, until a rebuild has sent the
-- snapshots to their owners. Each list is stored once, so that snapshots need not be
-- read for it. ``digest`` is that of ``things``, the numbers of the videos in ascending
-- order, as projections/analytics_lists.py packs them.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
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

-- Slices of an earlier release have no lists, so the rebuild begins anew.
UPDATE projection_rebuild SET status = 'cancelled', is_cancel_asked = false
WHERE name = 'analytics' AND status IN ('building', 'failed');
DELETE FROM projection_slice WHERE name = 'analytics' AND EXISTS (
    SELECT FROM projection_rebuild WHERE name = 'analytics' AND status = 'cancelled');
