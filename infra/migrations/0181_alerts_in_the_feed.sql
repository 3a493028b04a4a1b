-- An event about an alert has the name of its creator, if it is about one.
CREATE OR REPLACE FUNCTION goatherd_feed_events(positions bigint[], ordinals integer[])
RETURNS TABLE (
    "position" bigint, "ordinal" integer, type text, at timestamptz, subject_id uuid,
    project_id uuid, creator_id uuid, milestone bigint, count bigint,
    stream uuid, version bigint, recorded_at timestamptz, actor text,
    name text, body bytea, named_name text, named_body bytea, erased_body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT f.position, f.ordinal, f.type, f.at, f.subject_id, f.project_id,
           f.creator_id, f.milestone, f.count, e.originator_id, e.originator_version,
           e.recorded_at, e.actor, e.topic,
           CASE WHEN f.milestone IS NULL THEN e.state END,
           named.topic, named.state, x.state
    FROM unnest(positions, ordinals) AS place (p, o)
    JOIN feed f ON f.organization_id = goatherd_tenant()
        AND f.position = p AND f.ordinal = o
    JOIN goatherd_events e ON e.notification_id = f.position
    LEFT JOIN feed_subjects own ON own.organization_id = f.organization_id
        AND own.id = f.subject_id
    LEFT JOIN feed_subjects s ON s.organization_id = f.organization_id
        AND s.id = coalesce(f.creator_id, own.creator_id)
    LEFT JOIN goatherd_events x ON x.notification_id = s.erased_at
    LEFT JOIN LATERAL (
        SELECT n.topic, n.state FROM goatherd_events n
        WHERE n.originator_id = CASE WHEN f.type LIKE 'alert.%' THEN f.creator_id
                                     ELSE f.subject_id END
        AND n.notification_id <= f.position
        AND (n.topic IN ('creator_added', 'handle_changed', 'video_discovered',
                         'video_added', 'scrape_requested', 'campaign_created',
                         'person_registered', 'person_renamed')
             OR n.topic = 'campaign_details_changed'
                AND position('"name":'::bytea IN n.state) > 0)
        ORDER BY n.originator_version DESC LIMIT 1
    ) named ON true
    WHERE goatherd_projects() IS NULL
    OR f.project_id = ANY (goatherd_projects())
        AND (f.creator_id IS NULL OR goatherd_is_of_projects(f.creator_id))
    ORDER BY f.position, f.ordinal
$$;
