-- The creator's video that replaced a merged single video, and the single videos by
-- their pseudonyms: a creator that moves into their project may have posted them.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_videos', 'goatherd_next_videos']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.videos ADD COLUMN merged_into uuid',
                       place);
    END LOOP;
END $$;
CREATE INDEX videos_single ON videos (organization_id, project_id, tiktok_video_id)
    WHERE creator_id IS NULL;
