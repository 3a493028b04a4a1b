-- videos: the videos of a project, and apart from them the newest observations.
--
-- A snapshot comes before the events that its videos were discovered, and twice a day
-- it has new figures of all videos of a creator. Figures therefore have a small table
-- of their own without any index but its key: they may come first, and they do not
-- touch the lists.

CREATE TABLE videos (
    organization_id  uuid        NOT NULL,
    id               uuid        NOT NULL,
    project_id       uuid        NOT NULL,
    creator_id       uuid,
    tiktok_video_id  text        NOT NULL COLLATE "C",
    tiktok_handle    text        NOT NULL COLLATE "C",
    kind             text,
    title            text,
    posted_at        timestamptz,
    description      text,
    readme           text,
    -- jsonb would write out every digit of a large number.
    metadata         json        NOT NULL,
    tracking_status  text        NOT NULL,
    tracking_enabled boolean     NOT NULL,
    missing_since    timestamptz,
    version          bigint      NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
-- The status comes first: a list of several statuses merges the first rows of each.
CREATE INDEX videos_created ON videos
    (organization_id, tracking_status, created_at DESC, id DESC);
CREATE INDEX videos_project_created ON videos
    (organization_id, project_id, tracking_status, created_at DESC, id DESC);
CREATE INDEX videos_creator_created ON videos
    (organization_id, creator_id, tracking_status, created_at DESC, id DESC)
    WHERE creator_id IS NOT NULL;

CREATE TABLE video_figures (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text,
    title           text,
    posted_at       timestamptz,
    view_count      bigint,
    like_count      bigint,
    comment_count   bigint,
    share_count     bigint,
    save_count      bigint,
    first_seen_at   timestamptz NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 50);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['videos', 'video_figures'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;
