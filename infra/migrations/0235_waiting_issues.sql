-- report_waits: the reports whose issue fell due and waits, since when, and because of
-- what.
CREATE TABLE report_waits (
    organization_id uuid        NOT NULL,
    report_id       uuid        NOT NULL,
    scope_type      text        NOT NULL,
    scope_id        uuid,
    since           timestamptz NOT NULL DEFAULT clock_timestamp(),
    because         text        NOT NULL,
    PRIMARY KEY (organization_id, report_id)
);
ALTER TABLE report_waits ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON report_waits FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
CREATE POLICY projects ON report_waits FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant() AND CASE scope_type
        WHEN 'org' THEN false
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        ELSE goatherd_sees_creator(scope_id) END);
GRANT SELECT ON report_waits TO goatherd_reader, goatherd_limited;

-- A task that fails again and again holds up no issue.
ALTER TABLE policy_task ADD COLUMN failures integer NOT NULL DEFAULT 0;

-- Why the numbers of an issue may lack something, null if they lack nothing.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_reports', 'goatherd_next_reports']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.report_issues '
                       'ADD COLUMN incomplete_because text', place);
    END LOOP;
END $$;
