-- reports: what is sent each week or month. A removed report keeps no text.
CREATE TABLE reports (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    scope_type      text        NOT NULL,
    scope_id        uuid,
    name            text        NOT NULL,
    period          text        NOT NULL,
    weekday         text        NOT NULL,
    hour            integer     NOT NULL,
    recipients      text[]      NOT NULL,
    unsubscribed    text[]      NOT NULL,
    sections        text[]      NOT NULL,
    enabled         boolean     NOT NULL,
    scheduled_from  timestamptz NOT NULL,
    last_due_at     timestamptz,
    issues          integer     NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    removed_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX reports_created ON reports (organization_id, created_at, id);

-- report_issues: the issues of reports, with frozen numbers and ids in place of names.
CREATE TABLE report_issues (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    report_id         uuid        NOT NULL,
    scope_type        text        NOT NULL,
    scope_id          uuid,
    number            integer     NOT NULL,
    period            text        NOT NULL,
    first_day         date        NOT NULL,
    last_day          date        NOT NULL,
    compare_first_day date,
    compare_last_day  date,
    time_zone         text        NOT NULL,
    position          bigint      NOT NULL,
    due_at            timestamptz,
    made_at           timestamptz NOT NULL,
    sections          text[]      NOT NULL,
    contents          jsonb       NOT NULL,
    mailed            integer     NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX report_issues_listed ON report_issues (organization_id, report_id, number);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['reports', 'report_issues'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader, goatherd_limited',
                       walled);
        EXECUTE format(
            'CREATE POLICY projects ON %I FOR SELECT TO goatherd_limited '
            'USING (organization_id = goatherd_tenant() AND CASE scope_type '
            'WHEN ''org'' THEN false '
            'WHEN ''project'' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[]) '
            'WHEN ''campaign'' THEN goatherd_sees_campaign(scope_id) '
            'ELSE goatherd_sees_creator(scope_id) END)', walled);
    END LOOP;
END $$;
