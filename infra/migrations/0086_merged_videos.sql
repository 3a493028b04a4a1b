-- The creator's video that a single video was merged into, and the single videos by what
-- they are on TikTok: a creator that moves into their project may have posted them.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_videos', 'goatherd_next_videos']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.videos ADD COLUMN merged_into uuid',
                       place);
    END LOOP;
END $$;
CREATE INDEX videos_single ON videos (organization_id, project_id, tiktok_video_id)
    WHERE creator_id IS NULL;
