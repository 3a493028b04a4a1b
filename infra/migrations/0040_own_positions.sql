-- Positions of the log that one organization may know: for a position of another
-- organization's event, it learns only its own newest event before that.

CREATE INDEX creator_history_positions ON creator_history (organization_id, position);

-- The reader's own newest event at or before a position: an own event exactly at the
-- position, about anything, or else the newest event about creators, settings, projects
-- and keys. Without one, it is position 0 with the time of the first event.
-- ``is_known`` says that the position is that of an own event or lies before one, so
-- that it tells nothing about others.
CREATE FUNCTION goatherd_own_event(
    until bigint, OUT "position" bigint, OUT at timestamptz, OUT is_known boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    tenant uuid := goatherd_tenant();
BEGIN
    SELECT notification_id, recorded_at, true INTO "position", at, is_known
    FROM goatherd_events WHERE notification_id = until AND (
        originator_id = tenant
        OR convert_from(state, 'UTF8')::jsonb ->> 'organization_id' = tenant::text
    );
    IF FOUND THEN
        RETURN;
    END IF;
    is_known := EXISTS (
        SELECT FROM creator_history h
        WHERE h.organization_id = tenant AND h.position > until
    ) OR EXISTS (
        SELECT FROM goatherd_events
        WHERE originator_id = tenant AND notification_id > until
    );
    SELECT greatest(
        (SELECT max(h.position) FROM creator_history h
         WHERE h.organization_id = tenant AND h.position <= until),
        (SELECT max(notification_id) FROM goatherd_events
         WHERE originator_id = tenant AND notification_id <= until)
    ) INTO "position";
    IF "position" IS NULL THEN
        "position" := 0;
        SELECT recorded_at INTO at FROM goatherd_events
        WHERE originator_id = tenant AND originator_version = 1;
    ELSE
        SELECT recorded_at INTO at FROM goatherd_events
        WHERE notification_id = "position";
    END IF;
END $$;
REVOKE ALL ON FUNCTION goatherd_own_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_own_event TO goatherd_reader;
