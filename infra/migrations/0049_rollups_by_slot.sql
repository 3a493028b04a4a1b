-- Lists of all creators read few quarters of an hour of each: where the day of their time
-- zone ends inside of a UTC day. Not in tables that were swapped out or wait to be
-- swapped in: a rebuild copies the indexes of the live ones.
CREATE INDEX analytics_video_rollups_slot ON analytics_video_rollups
    (organization_id, slot);
CREATE INDEX analytics_profile_rollups_slot ON analytics_profile_rollups
    (organization_id, slot);
