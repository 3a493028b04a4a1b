-- annotations: notes of people, and annotations that follow from the log (kind
-- "system"). Both days are inclusive. ``position`` is that of the event that made the
-- annotation.
CREATE TABLE annotations (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    scope           text        NOT NULL,
    scope_id        uuid        NOT NULL,
    kind            text        NOT NULL,
    starts_on       date        NOT NULL,
    ends_on         date        NOT NULL,
    text            text        NOT NULL,
    actor           text,
    version         bigint      NOT NULL,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX annotations_listed ON annotations (organization_id, starts_on, id);
CREATE INDEX annotations_of_scope ON annotations (organization_id, scope_id, starts_on, id);

-- The state of organizations, projects and creators that the rules of system
-- annotations need; nothing else reads it.
CREATE TABLE annotation_organizations (
    organization_id        uuid    NOT NULL PRIMARY KEY,
    plan                   text    NOT NULL,
    time_zone              text    NOT NULL,
    creator_profiles_hours integer,
    discover_videos_hours  integer,
    video_stats_hours      integer,
    position               bigint  NOT NULL
);
CREATE TABLE annotation_projects (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    tracked         integer NOT NULL,
    observed_times  json,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE annotation_creators (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    project_id      uuid    NOT NULL,
    is_tracked      boolean NOT NULL,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, id)
);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['annotations', 'annotation_organizations',
                                  'annotation_projects', 'annotation_creators'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;
