-- feed: the public events, one row for each, in the order of the log. The log has the
-- words: a row has ids only, so an erasure needs no change here. The numbers of a
-- milestone are here, because it follows from many observations. ``ordinal`` orders the
-- events of one position. ``from_project_id`` is the project that a creator moved out of.
CREATE TABLE feed (
    organization_id uuid        NOT NULL,
    position        bigint      NOT NULL,
    ordinal         integer     NOT NULL,
    type            text        NOT NULL,
    at              timestamptz NOT NULL,
    subject_id      uuid        NOT NULL,
    project_id      uuid,
    from_project_id uuid,
    creator_id      uuid,
    milestone       bigint,
    count           bigint,
    PRIMARY KEY (organization_id, position, ordinal)
);
CREATE INDEX feed_of_type ON feed (organization_id, type, position);
CREATE INDEX feed_of_creator ON feed (organization_id, creator_id, position);

-- The state of creators, videos and campaigns that the rules of the feed need; nothing
-- else reads it. ``reached`` counts the milestones of a creator's followers, or of a
-- single video's views. ``erased_at`` is the position of an erasure.
CREATE TABLE feed_subjects (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    project_id      uuid    NOT NULL,
    creator_id      uuid,
    reached         integer,
    observed_at     timestamptz,
    first_import    uuid,
    erased_at       bigint,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, id)
);
-- The numbers of milestones that the videos of a creator reached, by their names in
-- snapshots: one row, because a snapshot has hundreds of videos, and few reach anything.
CREATE TABLE feed_views (
    organization_id uuid  NOT NULL,
    id              uuid  NOT NULL,
    reached         jsonb NOT NULL,
    PRIMARY KEY (organization_id, id)
);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['feed', 'feed_subjects', 'feed_views'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;
CREATE POLICY projects ON feed FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant()
           AND project_id = ANY ((SELECT goatherd_projects())::uuid[])
           AND (creator_id IS NULL OR goatherd_sees_creator(creator_id)));
GRANT SELECT ON feed TO goatherd_limited;

-- The rows of the feed with these places, in order, with what the log says about each:
-- the event itself, unless it is a milestone, the newest event until then with the name
-- of the subject, and the erasure of the creator. Readers may not read the log, so the
-- function checks the tenant and the projects as the policies do.
CREATE FUNCTION goatherd_feed_events(positions bigint[], ordinals integer[])
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
        WHERE n.originator_id = f.subject_id AND n.notification_id <= f.position
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
REVOKE ALL ON FUNCTION goatherd_feed_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_feed_events TO goatherd_reader, goatherd_limited;
