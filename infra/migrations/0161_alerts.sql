-- alert_rules: the rules of each organization, also those that come with Goatherd.
CREATE TABLE alert_rules (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    built_in          text,
    name              text        NOT NULL,
    scope_type        text        NOT NULL,
    scope_id          uuid,
    condition         jsonb       NOT NULL,
    for_minutes       integer     NOT NULL,
    cool_down_minutes integer     NOT NULL,
    channels          text[]      NOT NULL,
    enabled           boolean     NOT NULL,
    version           bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    removed_at        timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX alert_rules_created ON alert_rules (organization_id, created_at, id);

-- alerts: each stretch of time in which the condition of a rule holds for a subject.
-- status is pending, firing, resolved, or ok if it ended before it fired.
CREATE TABLE alerts (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    rule_id         uuid        NOT NULL,
    condition       jsonb       NOT NULL,
    subject_type    text        NOT NULL,
    subject_key     text        NOT NULL,
    creator_id      uuid,
    project_id      uuid,
    severity        text        NOT NULL,
    status          text        NOT NULL,
    since           timestamptz NOT NULL,
    noted_at        timestamptz NOT NULL,
    opened_at       timestamptz,
    ended_at        timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    snoozed_until   timestamptz,
    evidence        jsonb       NOT NULL,
    position        bigint      NOT NULL,
    version         bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX alerts_listed ON alerts (organization_id, noted_at, id);
CREATE INDEX alerts_open ON alerts (organization_id, status)
    WHERE status IN ('pending', 'firing');
CREATE INDEX alerts_subject ON alerts (organization_id, rule_id, subject_key);
CREATE INDEX alerts_creator ON alerts (organization_id, creator_id);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['alert_rules', 'alerts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader, goatherd_limited',
                       walled);
    END LOOP;
END $$;
CREATE POLICY projects ON alert_rules FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant() AND CASE scope_type
        WHEN 'org' THEN built_in IS NOT NULL
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        ELSE goatherd_sees_creator(scope_id) END);
CREATE POLICY projects ON alerts FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant() AND CASE
        WHEN creator_id IS NULL
        THEN project_id = ANY ((SELECT goatherd_projects())::uuid[])
        ELSE goatherd_sees_creator(creator_id) END);
