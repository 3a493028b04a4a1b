-- creator_history: the events about each creator, and the first observations past round
-- numbers of followers. The content of an event is only in the log.

-- ``observed_at`` is set for snapshots of the profile, to tell which of them counted.
-- It and the event are in the key's index too, so that filters read nothing else.
CREATE TABLE creator_history (
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    position        bigint      NOT NULL,
    event           text        NOT NULL COLLATE "C",
    observed_at     timestamptz,
    PRIMARY KEY (organization_id, creator_id, position) INCLUDE (event, observed_at)
);

-- The creator of each video. Events from before the creator was known wait in
-- ``early``, as pairs of position and event.
CREATE TABLE creator_history_videos (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    tiktok_video_id text NOT NULL,
    creator_id      uuid,
    early           json NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- The earliest observation at or past a number of followers; at 0 the earliest of any.
CREATE TABLE creator_milestones (
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    mark            bigint      NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    followers       bigint      NOT NULL,
    PRIMARY KEY (organization_id, creator_id, mark)
);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'creator_history', 'creator_history_videos', 'creator_milestones'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;

-- The events themselves, from the log, which readers may not read. At any requested
-- positions the function reads only events about a creator of the reader's own tenant.
CREATE FUNCTION goatherd_creator_facts(of uuid, wanted bigint[]) RETURNS TABLE (
    "position" bigint, stream uuid, version bigint, recorded_at timestamptz, actor text,
    correlation_id uuid, causation_id uuid, name text, body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT notification_id, originator_id, originator_version, e.recorded_at, e.actor,
           e.correlation_id, e.causation_id, topic, state
    FROM creator_history h JOIN goatherd_events e ON notification_id = h.position
    WHERE organization_id = goatherd_tenant() AND creator_id = of
    AND h.position = ANY (wanted)
    ORDER BY notification_id DESC
$$;
REVOKE ALL ON FUNCTION goatherd_creator_facts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_creator_facts TO goatherd_reader;
