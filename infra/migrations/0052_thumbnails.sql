-- The last address of the picture of each video, from newer snapshots; older ones do
-- not have it, so that a rebuild finds the same. The policies know a picture by 64 bits
-- of the BLAKE2b of its path, because the rest of its address is signed anew for every
-- scrape.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_videos', 'goatherd_next_videos']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.video_figures '
                       'ADD COLUMN thumbnail_url text', place);
    END LOOP;
END $$;
ALTER TABLE known_video ADD COLUMN thumbnail_digest bigint;
