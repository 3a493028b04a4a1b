-- audit: what happened to organizations themselves, one row for each event. The log has
-- the words; an event that is in no organization, a sign-in, has a row for each one
-- that the person was a member of then.
CREATE TABLE audit (
    organization_id uuid        NOT NULL,
    position        bigint      NOT NULL,
    event           text        NOT NULL,
    at              timestamptz NOT NULL,
    actor           text        NOT NULL,
    PRIMARY KEY (organization_id, position)
);
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON audit TO goatherd_reader;

-- The memberships that the rules of audit need; nothing else reads them.
CREATE TABLE audit_members (
    organization_id uuid    NOT NULL,
    person_id       uuid    NOT NULL,
    is_member       boolean NOT NULL,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, person_id)
);
CREATE INDEX audit_members_person ON audit_members (person_id);
ALTER TABLE audit_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_members FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON audit_members TO goatherd_reader;

-- The events of rows of audit from the log, which readers may not read, newest first.
-- For any positions, the function reads only rows of the reader's own tenant.
CREATE FUNCTION goatherd_audit_events(wanted bigint[]) RETURNS TABLE (
    "position" bigint, stream uuid, version bigint, recorded_at timestamptz, actor text,
    correlation_id uuid, causation_id uuid, name text, body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT notification_id, originator_id, originator_version, e.recorded_at, e.actor,
           e.correlation_id, e.causation_id, topic, state
    FROM audit a JOIN goatherd_events e ON notification_id = a.position
    WHERE a.organization_id = goatherd_tenant() AND a.position = ANY (wanted)
    ORDER BY notification_id DESC
$$;
REVOKE ALL ON FUNCTION goatherd_audit_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_audit_events TO goatherd_reader;
