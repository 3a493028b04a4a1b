-- Erased creators: in analytics the position of the erasure, and the creators of the
-- newest counts of videos, so that those of an erased creator are found, even for
-- videos that were never added.
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
        EXECUTE format('ALTER TABLE %I.analytics_subjects '
                       'ADD COLUMN erased_position bigint', place);
    END LOOP;
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_videos', 'goatherd_next_videos')
    LOOP
        EXECUTE format('ALTER TABLE %I.video_figures ADD COLUMN creator_id uuid', place);
        EXECUTE format('UPDATE %I.video_figures f SET creator_id = v.creator_id '
                       'FROM %I.videos v WHERE v.creator_id IS NOT NULL '
                       'AND (v.organization_id, v.id) = (f.organization_id, f.id)',
                       place, place);
    END LOOP;
    -- A rebuild that was cut into slices before lacks the stage of erasures.
    UPDATE projection_rebuild SET status = 'cancelled', is_cancel_requested = false
    WHERE name = 'analytics' AND status IN ('building', 'failed');
    DELETE FROM projection_slice WHERE name = 'analytics' AND EXISTS (
        SELECT FROM projection_rebuild
        WHERE name = 'analytics' AND status = 'cancelled');
END $$;
