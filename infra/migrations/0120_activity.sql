-- activity: what happened, one row for each thing. ``at`` may lie in the future: a
-- creator stops posting then unless a post comes before, and a campaign begins.
-- ``from_project_id`` is the project that a creator moved out of.
CREATE TABLE activity (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text        NOT NULL,
    at              timestamptz NOT NULL,
    position        bigint      NOT NULL,
    subject_type    text        NOT NULL,
    subject_id      uuid        NOT NULL,
    project_id      uuid,
    from_project_id uuid,
    creator_id      uuid,
    actor           text        NOT NULL,
    data            jsonb       NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX activity_listed ON activity (organization_id, at, id);
CREATE INDEX activity_of_creator ON activity (organization_id, creator_id, at, id);
CREATE INDEX activity_of_subject ON activity (organization_id, subject_id, at, id);

-- The state of organizations, creators and videos that the rules of activity need;
-- nothing else reads it. ``milestones`` counts the numbers that were reached.
CREATE TABLE activity_organizations (
    organization_id uuid   NOT NULL PRIMARY KEY,
    time_zone       text   NOT NULL,
    position        bigint NOT NULL
);
CREATE TABLE activity_creators (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    project_id      uuid    NOT NULL,
    is_erased       boolean NOT NULL,
    untracked_at    timestamptz,
    failing_kinds   jsonb   NOT NULL,
    run_position    bigint  NOT NULL,
    milestones      integer,
    observed_at     timestamptz,
    first_import    uuid,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE activity_videos (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    project_id      uuid    NOT NULL,
    creator_id      uuid,
    is_erased       boolean NOT NULL,
    milestones      integer,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX activity_videos_of_creator ON activity_videos (organization_id, creator_id);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['activity', 'activity_organizations',
                                  'activity_creators', 'activity_videos'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;
