-- The tables behind /analytics: every observation as it came, and sums by the quarter
-- of an hour. One projection, analytics, keeps these tables.

-- The subjects of series, except videos. ``earliest_at`` is the time of a creator's
-- first scrape, of the profile or of videos; ``position`` is where the creator was
-- added.
CREATE TABLE analytics_subjects (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text,
    project_id      uuid,
    label           text,
    label_position  bigint      NOT NULL,
    position        bigint,
    earliest_at     timestamptz,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);

-- ``changes`` has all observations of the video, by position; the other columns follow
-- from it.
CREATE TABLE analytics_videos (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    project_id      uuid,
    creator_id      uuid,
    tiktok_video_id text,
    label           text,
    is_there        boolean NOT NULL,
    is_counted      boolean NOT NULL,
    posted_at       timestamptz,
    changes         json    NOT NULL,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX analytics_videos_creator ON analytics_videos
    (organization_id, creator_id, posted_at);
CREATE INDEX analytics_videos_project ON analytics_videos
    (organization_id, project_id) WHERE is_counted;

-- One row for each observation. A counter that an observation left out has the former
-- level; bit n of ``missing`` marks counter n as left out, to tell it from an observed
-- value.
CREATE TABLE analytics_video_levels (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    views           bigint,
    likes           bigint,
    comments        bigint,
    shares          bigint,
    saves           bigint,
    missing         smallint    NOT NULL,
    PRIMARY KEY (organization_id, id, observed_at, position)
);
CREATE TABLE analytics_profile_levels (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    followers       bigint,
    following       bigint,
    total_likes     bigint,
    video_count     bigint,
    missing         smallint    NOT NULL,
    PRIMARY KEY (organization_id, id, observed_at, position)
);

-- One row for each snapshot, with any content: the origin of a level.
CREATE TABLE analytics_looks (
    organization_id uuid        NOT NULL,
    position        bigint      NOT NULL,
    scrape_id       uuid        NOT NULL,
    creator_id      uuid,
    provider        text        NOT NULL,
    observed_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (organization_id, position)
);

CREATE INDEX analytics_looks_creator ON analytics_looks
    (organization_id, creator_id, observed_at);

-- The changes of levels of creators and projects in each quarter of an hour with a
-- change. Slot n ends n quarters after 1970, and every zone of today is a whole number
-- of quarters from UTC. For each metric a row has the change of the sum, the change of
-- the number of known levels, and the sum and the number of baselines.
CREATE TABLE analytics_video_sums (
    organization_id    uuid    NOT NULL,
    id                 uuid    NOT NULL,
    slot               int     NOT NULL,
    snapshots          int     NOT NULL,
    posts              int     NOT NULL,
    views              numeric NOT NULL,
    views_known        int     NOT NULL,
    views_base         numeric NOT NULL,
    views_baselines    int     NOT NULL,
    likes              numeric NOT NULL,
    likes_known        int     NOT NULL,
    likes_base         numeric NOT NULL,
    likes_baselines    int     NOT NULL,
    comments           numeric NOT NULL,
    comments_known     int     NOT NULL,
    comments_base      numeric NOT NULL,
    comments_baselines int     NOT NULL,
    shares             numeric NOT NULL,
    shares_known       int     NOT NULL,
    shares_base        numeric NOT NULL,
    shares_baselines   int     NOT NULL,
    saves              numeric NOT NULL,
    saves_known        int     NOT NULL,
    saves_base         numeric NOT NULL,
    saves_baselines    int     NOT NULL,
    PRIMARY KEY (organization_id, id, slot)
) WITH (fillfactor = 80);
CREATE TABLE analytics_profile_sums (
    organization_id       uuid    NOT NULL,
    id                    uuid    NOT NULL,
    slot                  int     NOT NULL,
    snapshots             int     NOT NULL,
    followers             numeric NOT NULL,
    followers_known       int     NOT NULL,
    followers_base        numeric NOT NULL,
    followers_baselines   int     NOT NULL,
    following             numeric NOT NULL,
    following_known       int     NOT NULL,
    following_base        numeric NOT NULL,
    following_baselines   int     NOT NULL,
    total_likes           numeric NOT NULL,
    total_likes_known     int     NOT NULL,
    total_likes_base      numeric NOT NULL,
    total_likes_baselines int     NOT NULL,
    video_count           numeric NOT NULL,
    video_count_known     int     NOT NULL,
    video_count_base      numeric NOT NULL,
    video_count_baselines int     NOT NULL,
    PRIMARY KEY (organization_id, id, slot)
) WITH (fillfactor = 80);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'analytics_subjects', 'analytics_videos', 'analytics_video_levels',
        'analytics_profile_levels', 'analytics_looks', 'analytics_video_sums',
        'analytics_profile_sums'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;

-- The end of the log at a time, and the time of recording of the event there; null in
-- an empty log. Times grow with positions, because both are assigned under the append
-- lock.
CREATE FUNCTION goatherd_log_end(
    at timestamptz, until bigint, OUT "position" bigint, OUT told_at timestamptz
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    low    bigint := 0;
    high   bigint;
    middle bigint;
    found_at timestamptz;
BEGIN
    SELECT max(notification_id) INTO high FROM goatherd_events;
    IF at IS NOT NULL THEN
        WHILE low < high LOOP
            middle := (low + high + 1) / 2;
            SELECT notification_id, recorded_at INTO until, found_at
            FROM goatherd_events WHERE notification_id >= middle
            ORDER BY notification_id LIMIT 1;
            IF found_at <= at THEN
                low := until;
            ELSE
                high := middle - 1;
            END IF;
        END LOOP;
        until := low;
    END IF;
    SELECT notification_id, recorded_at INTO "position", told_at
    FROM goatherd_events WHERE notification_id <= until
    ORDER BY notification_id DESC LIMIT 1;
END $$;
REVOKE ALL ON FUNCTION goatherd_log_end FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_log_end TO goatherd_reader;
