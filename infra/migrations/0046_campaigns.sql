-- campaigns and campaign_items: campaigns with the number of their direct items, and
-- these items. A deleted campaign keeps its row for its history, and loses its items.
CREATE TABLE campaigns (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    name            text        NOT NULL,
    description     text,
    readme          text,
    metadata        json        NOT NULL,
    starts_on       date,
    ends_on         date,
    target_views    bigint,
    target_at       timestamptz,
    creator_count   integer     NOT NULL,
    video_count     integer     NOT NULL,
    campaign_count  integer     NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX campaigns_listed ON campaigns (organization_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_of_project ON campaigns (organization_id, project_id, created_at, id)
    WHERE deleted_at IS NULL;

-- ``position`` is that of the event that added the item; the list is in its order.
CREATE TABLE campaign_items (
    organization_id uuid        NOT NULL,
    campaign_id     uuid        NOT NULL,
    item_id         uuid        NOT NULL,
    item_type       text        NOT NULL,
    position        bigint      NOT NULL,
    added_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, campaign_id, item_id)
);
CREATE INDEX campaign_items_listed
    ON campaign_items (organization_id, campaign_id, position);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['campaigns', 'campaign_items'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;

-- The events of streams from the log, which readers may not read, newest first: events
-- at positions from ``first`` to ``last`` with one of these names, or with any. For any
-- requested streams, the function reads only events of the reader's own tenant.
CREATE FUNCTION goatherd_stream_events(
    streams uuid[], first bigint, last bigint, names text[], most integer
) RETURNS TABLE (
    "position" bigint, stream uuid, version bigint, recorded_at timestamptz, actor text,
    correlation_id uuid, causation_id uuid, name text, body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT notification_id, originator_id, originator_version, e.recorded_at, e.actor,
           e.correlation_id, e.causation_id, topic, state
    FROM goatherd_events e
    WHERE originator_id = ANY (streams) AND notification_id BETWEEN first AND last
    AND (names IS NULL OR topic = ANY (names))
    AND convert_from(state, 'UTF8')::jsonb ->> 'organization_id' = goatherd_tenant()::text
    ORDER BY notification_id DESC LIMIT most
$$;
REVOKE ALL ON FUNCTION goatherd_stream_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_stream_events TO goatherd_reader;
