-- The attributes of videos that sources report in addition to counters: sound, length,
-- hashtags and so on. A row is written only if a snapshot has new ones, so that
-- counting costs nothing more. ``hashtag_keys`` are the hashtags in the spelling of
-- filters.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_videos', 'goatherd_next_videos')
    LOOP
        EXECUTE format(
            'CREATE TABLE %I.video_attributes ('
            '    organization_id uuid        NOT NULL,'
            '    id              uuid        NOT NULL,'
            '    duration_s      integer,'
            '    sound_id        text,'
            '    sound_title     text,'
            '    sound_author    text,'
            '    sound_original  boolean,'
            '    hashtags        text[],'
            '    hashtag_keys    text[],'
            '    mentions        text[],'
            '    is_ad           boolean,'
            '    is_pinned       boolean,'
            '    is_private      boolean,'
            '    language        text,'
            '    observed_at     timestamptz NOT NULL,'
            '    position        bigint      NOT NULL,'
            '    creator_id      uuid,'
            '    PRIMARY KEY (organization_id, id))', place);
        EXECUTE format('CREATE INDEX video_attributes_hashtags ON %I.video_attributes '
                       'USING gin (hashtag_keys)', place);
        EXECUTE format('CREATE INDEX video_attributes_sound ON %I.video_attributes '
                       '(organization_id, sound_id) WHERE sound_id IS NOT NULL', place);
        EXECUTE format('ALTER TABLE %I.video_attributes ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I.video_attributes '
                       'FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
        EXECUTE format('GRANT SELECT ON %I.video_attributes TO goatherd_reader', place);
    END LOOP;
END $$;

-- Digests of each attribute, by which the policies recognize new values.
ALTER TABLE known_video ADD COLUMN attribute_digests bigint[] NOT NULL DEFAULT '{}';
