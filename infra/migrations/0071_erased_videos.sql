-- The videos of erased creators. Later observations of these videos reach none of their
-- rows. The same video on TikTok gets another id when it is observed again.
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
        EXECUTE format('CREATE TABLE %I.erased_videos ('
                       '    organization_id uuid   NOT NULL,'
                       '    id              uuid   NOT NULL,'
                       '    position        bigint NOT NULL,'
                       '    PRIMARY KEY (organization_id, id))', place);
        EXECUTE format('ALTER TABLE %I.erased_videos ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I.erased_videos '
                       'FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
        EXECUTE format('GRANT SELECT ON %I.erased_videos TO goatherd_reader', place);
    END LOOP;
END $$;

-- A rebuild finds these videos by itself. Until it is done, the log has their creators.
WITH erasures AS (
    SELECT originator_id AS creator_id, notification_id AS position,
           convert_from(state, 'UTF8')::jsonb AS body
    FROM goatherd_events WHERE topic = 'subject_erased'
), theirs AS (
    SELECT body, jsonb_array_elements_text(coalesce(body -> 'video_ids', '[]'))::uuid
               AS id, position
    FROM erasures
    UNION ALL
    SELECT body, originator_id, position
    FROM goatherd_events JOIN erasures
        ON creator_id = (convert_from(state, 'UTF8')::jsonb ->> 'creator_id')::uuid
    WHERE topic = 'video_discovered' AND EXISTS (SELECT FROM erasures)
)
INSERT INTO erased_videos (organization_id, id, position)
SELECT (body ->> 'organization_id')::uuid, id, min(position) FROM theirs GROUP BY 1, 2;
