-- Lists of all creators read few quarters of an hour of each, if the day of their time
-- zone ends inside of a UTC day. Shadow tables and previous tables do not get the index
-- here, because a rebuild copies the indexes of the live ones.
CREATE INDEX analytics_video_rollups_slot ON analytics_video_rollups
    (organization_id, slot);
CREATE INDEX analytics_profile_rollups_slot ON analytics_profile_rollups
    (organization_id, slot);
