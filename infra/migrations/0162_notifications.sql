-- The news of the bell. A row is for one person, for admins, or for everybody who may
-- see its project; a row without a project is not shown to people who are limited to
-- some projects, unless it is theirs.
CREATE TABLE notifications (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text        NOT NULL,
    severity        text        NOT NULL,
    title           text        NOT NULL,
    path            text,
    project_id      uuid,
    person_id       uuid,
    for_admins      boolean     NOT NULL,
    rule_id         uuid,
    alert_ids       uuid[]      NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX notifications_listed ON notifications (organization_id, at, id);
CREATE INDEX notifications_at ON notifications (at);
CREATE INDEX notifications_person ON notifications (person_id)
    WHERE person_id IS NOT NULL;

-- The news that a person, or a key of the organization, has read.
CREATE TABLE notification_reads (
    organization_id uuid        NOT NULL,
    reader          text        NOT NULL,
    notification_id uuid        NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, reader, notification_id)
);
CREATE INDEX notification_reads_of ON notification_reads
    (organization_id, notification_id);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['notifications', 'notification_reads'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader, goatherd_limited',
                       walled);
    END LOOP;
END $$;
CREATE POLICY projects ON notifications FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant() AND (person_id IS NOT NULL
        OR project_id = ANY ((SELECT goatherd_projects())::uuid[])));
CREATE POLICY projects ON notification_reads FOR SELECT TO goatherd_limited
    USING (organization_id = goatherd_tenant() AND EXISTS (
        SELECT FROM notifications n WHERE n.organization_id = goatherd_tenant()
        AND n.id = notification_id));
