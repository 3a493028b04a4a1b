-- Analytics: the figures of profiles and videos, and of all that has them.

CREATE TABLE analytics_campaign_changes (
    organization_id uuid        NOT NULL,
    campaign_id     uuid        NOT NULL,
    position        bigint      NOT NULL,
    recorded_at     timestamptz NOT NULL,
    item_type       text,
    item_id         uuid        NOT NULL,
    is_added        boolean     NOT NULL,
    PRIMARY KEY (organization_id, campaign_id, position)
);
CREATE INDEX analytics_campaign_changes_item ON analytics_campaign_changes
    (organization_id, item_id);

CREATE TABLE analytics_campaign_members (
    organization_id uuid    NOT NULL,
    campaign_id     uuid    NOT NULL,
    member_id       uuid    NOT NULL,
    is_creator      boolean NOT NULL,
    PRIMARY KEY (organization_id, campaign_id, member_id)
);
CREATE INDEX analytics_campaign_members_member ON analytics_campaign_members
    (organization_id, member_id);

CREATE TABLE analytics_creator_moves (
    organization_id uuid   NOT NULL,
    creator_id      uuid   NOT NULL,
    position        bigint NOT NULL,
    project_id      uuid   NOT NULL,
    stays_until     bigint,
    PRIMARY KEY (organization_id, creator_id, position)
);
CREATE INDEX analytics_creator_moves_that_leave_numbers ON analytics_creator_moves
    (organization_id, creator_id) WHERE stays_until IS NOT NULL;

CREATE TABLE analytics_creator_posts (
    organization_id uuid      NOT NULL,
    id              uuid      NOT NULL,
    slots           integer[] NOT NULL,
    project_id      uuid,
    PRIMARY KEY (organization_id, id)
);

-- Owners whose snapshots a rebuild has gathered and not merged yet.
CREATE TABLE analytics_gathered (
    organization_id uuid     NOT NULL,
    metric_group    smallint CONSTRAINT analytics_gathered_family_not_null NOT NULL,
    owner           uuid     NOT NULL,
    is_attributed   boolean  CONSTRAINT analytics_gathered_is_routed_not_null NOT NULL,
    PRIMARY KEY (organization_id, metric_group, owner)
);

CREATE TABLE analytics_owner_days (
    organization_id uuid    NOT NULL,
    owner           uuid    NOT NULL,
    day             integer NOT NULL,
    levels          bytea   NOT NULL,
    PRIMARY KEY (organization_id, owner, day)
);
ALTER TABLE analytics_owner_days
    ALTER COLUMN levels SET STORAGE EXTERNAL;

-- The state of an owner's videos after their last snapshot, and the parts of the
-- owner's sums; packed by projections/analytics_herds.py.
CREATE TABLE analytics_owner_states (
    organization_id uuid        NOT NULL,
    metric_group smallint CONSTRAINT analytics_owner_states_family_not_null NOT NULL,
    owner           uuid        NOT NULL,
    project_id      uuid,
    creator_id      uuid,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    state           bytea       CONSTRAINT analytics_owner_states_herd_not_null NOT NULL,
    PRIMARY KEY (organization_id, metric_group, owner)
) WITH (fillfactor = 80);
ALTER TABLE analytics_owner_states
    ALTER COLUMN state SET STORAGE EXTERNAL;

CREATE TABLE analytics_positions (
    organization_id uuid   PRIMARY KEY,
    position        bigint NOT NULL
);

CREATE TABLE analytics_profile_days (
    organization_id       uuid    NOT NULL,
    day                   integer NOT NULL,
    id                    uuid    NOT NULL,
    followers             numeric NOT NULL,
    followers_new         numeric NOT NULL,
    followers_known       integer NOT NULL,
    followers_sharpenings integer NOT NULL,
    followers_rounded     integer NOT NULL,
    followers_changes     integer NOT NULL,
    project_id            uuid,
    PRIMARY KEY (organization_id, day, id)
);

CREATE TABLE analytics_profile_precision (
    organization_id         uuid    NOT NULL,
    id                      uuid    NOT NULL,
    slot                    integer NOT NULL,
    followers_sharpened     bigint  NOT NULL,
    followers_sharpenings   integer NOT NULL,
    followers_rounded       integer NOT NULL,
    followers_changes       integer NOT NULL,
    following_sharpened     bigint  NOT NULL,
    following_sharpenings   integer NOT NULL,
    following_rounded       integer NOT NULL,
    following_changes       integer NOT NULL,
    total_likes_sharpened   bigint  NOT NULL,
    total_likes_sharpenings integer NOT NULL,
    total_likes_rounded     integer NOT NULL,
    total_likes_changes     integer NOT NULL,
    video_count_sharpened   bigint  NOT NULL,
    video_count_sharpenings integer NOT NULL,
    video_count_rounded     integer NOT NULL,
    video_count_changes     integer NOT NULL,
    PRIMARY KEY (organization_id, id, slot)
) WITH (fillfactor = 80);

CREATE TABLE analytics_profile_rollups (
    organization_id       uuid    NOT NULL,
    id                    uuid    NOT NULL,
    slot                  integer NOT NULL,
    snapshots             integer NOT NULL,
    followers             numeric NOT NULL,
    followers_known       integer NOT NULL,
    followers_base        numeric NOT NULL,
    followers_baselines   integer NOT NULL,
    following             numeric NOT NULL,
    following_known       integer NOT NULL,
    following_base        numeric NOT NULL,
    following_baselines   integer NOT NULL,
    total_likes           numeric NOT NULL,
    total_likes_known     integer NOT NULL,
    total_likes_base      numeric NOT NULL,
    total_likes_baselines integer NOT NULL,
    video_count           numeric NOT NULL,
    video_count_known     integer NOT NULL,
    video_count_base      numeric NOT NULL,
    video_count_baselines integer NOT NULL,
    PRIMARY KEY (organization_id, id, slot)
) WITH (fillfactor = 80);
ALTER TABLE analytics_profile_rollups
    ALTER COLUMN snapshots SET STATISTICS 0,
    ALTER COLUMN followers SET STATISTICS 0,
    ALTER COLUMN followers_known SET STATISTICS 0,
    ALTER COLUMN followers_base SET STATISTICS 0,
    ALTER COLUMN followers_baselines SET STATISTICS 0,
    ALTER COLUMN following SET STATISTICS 0,
    ALTER COLUMN following_known SET STATISTICS 0,
    ALTER COLUMN following_base SET STATISTICS 0,
    ALTER COLUMN following_baselines SET STATISTICS 0,
    ALTER COLUMN total_likes SET STATISTICS 0,
    ALTER COLUMN total_likes_known SET STATISTICS 0,
    ALTER COLUMN total_likes_base SET STATISTICS 0,
    ALTER COLUMN total_likes_baselines SET STATISTICS 0,
    ALTER COLUMN video_count SET STATISTICS 0,
    ALTER COLUMN video_count_known SET STATISTICS 0,
    ALTER COLUMN video_count_base SET STATISTICS 0,
    ALTER COLUMN video_count_baselines SET STATISTICS 0;
CREATE INDEX analytics_profile_rollups_slot ON analytics_profile_rollups
    (organization_id, slot);

CREATE TABLE analytics_profile_totals (
    organization_id       uuid    NOT NULL,
    id                    uuid    NOT NULL,
    first_day             integer NOT NULL,
    last_day              integer NOT NULL,
    followers             numeric NOT NULL,
    followers_new         numeric NOT NULL,
    followers_known       integer NOT NULL,
    followers_sharpenings integer NOT NULL,
    followers_rounded     integer NOT NULL,
    followers_changes     integer NOT NULL,
    project_id            uuid,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);

CREATE TABLE analytics_rule (
    is_only  boolean PRIMARY KEY DEFAULT true,
    baseline text    NOT NULL,
    CHECK (baseline IN ('posted_before_first_snapshot', 'first_snapshot', 'never')),
    CHECK (is_only)
);

INSERT INTO analytics_rule (baseline) VALUES ('posted_before_first_snapshot');

-- The content of one snapshot for one owner: a creator's videos (family 0) or profile
-- (family 1), or a video without a creator, which owns itself. Videos of unknown owners
-- are stored under the snapshot's creator, else its project.
-- projections/analytics_observations.py packs ``seen``; compressing it once more would
-- halve the speed for little.
CREATE TABLE analytics_snapshots (
    organization_id uuid        NOT NULL,
    metric_group    smallint    CONSTRAINT analytics_snapshots_family_not_null NOT NULL,
    owner           uuid        NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    creator_id      uuid,
    scrape_id       uuid        NOT NULL,
    provider        text        NOT NULL,
    recorded_at     timestamptz NOT NULL,
    counts          bytea       CONSTRAINT analytics_snapshots_seen_not_null NOT NULL,
    PRIMARY KEY (organization_id, metric_group, owner, observed_at, position)
);
ALTER TABLE analytics_snapshots
    ALTER COLUMN counts SET STORAGE EXTERNAL;
CREATE INDEX analytics_snapshots_untimely ON analytics_snapshots (organization_id,
    owner, position, observed_at) WHERE recorded_at < observed_at OR ((recorded_at -
    observed_at) > '1 day'::interval);

-- The subjects of series, except videos. ``earliest_at`` is the time of a creator's
-- first scrape, of the profile or of videos; ``position`` is where the creator was
-- added.
CREATE TABLE analytics_subjects (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    kind              text,
    project_id        uuid,
    label             text,
    label_position    bigint      NOT NULL,
    position          bigint,
    earliest_at       timestamptz,
    deleted_position  bigint,
    origin_project_id uuid,
    project_position  bigint      NOT NULL DEFAULT 0,
    erased_position   bigint,
    erased_time_zone  text,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX analytics_subjects_erased ON analytics_subjects (organization_id, id) WHERE
    erased_position IS NOT NULL;
CREATE INDEX analytics_subjects_of_project ON analytics_subjects (organization_id,
    coalesce(project_id, id)) INCLUDE (id, project_id);

-- Videos that were observed before their owner was known, and the place of their
-- snapshots.
CREATE TABLE analytics_unattributed (
    organization_id   uuid   NOT NULL,
    number            bigint NOT NULL,
    provisional_owner uuid   CONSTRAINT analytics_unattributed_owner_not_null NOT NULL,
    PRIMARY KEY (organization_id, number, provisional_owner)
);
CREATE INDEX analytics_unattributed_owner ON analytics_unattributed (organization_id,
    provisional_owner);

CREATE TABLE analytics_video_days (
    organization_id uuid    NOT NULL,
    day             integer NOT NULL,
    id              uuid    NOT NULL,
    views           numeric NOT NULL,
    views_new       numeric NOT NULL,
    views_known     integer NOT NULL,
    likes           numeric NOT NULL,
    likes_new       numeric NOT NULL,
    likes_known     integer NOT NULL,
    comments        numeric NOT NULL,
    comments_new    numeric NOT NULL,
    comments_known  integer NOT NULL,
    shares          numeric NOT NULL,
    shares_new      numeric NOT NULL,
    shares_known    integer NOT NULL,
    saves           numeric NOT NULL,
    saves_new       numeric NOT NULL,
    saves_known     integer NOT NULL,
    project_id      uuid,
    PRIMARY KEY (organization_id, day, id)
);

CREATE TABLE analytics_video_lists (
    organization_id   uuid  NOT NULL,
    provisional_owner uuid  CONSTRAINT analytics_video_lists_owner_not_null NOT NULL,
    digest            uuid  NOT NULL,
    video_numbers     bytea CONSTRAINT analytics_video_lists_things_not_null NOT NULL,
    PRIMARY KEY (organization_id, provisional_owner, digest)
);

-- The changes of levels of creators and projects in each quarter of an hour with a
-- change. Slot n ends n quarters after 1970, and every zone of today is a whole number
-- of quarters from UTC. For each metric a row has the change of the sum, the change of
-- the number of known levels, and the sum and the number of baselines.
CREATE TABLE analytics_video_rollups (
    organization_id    uuid    NOT NULL,
    id                 uuid    NOT NULL,
    slot               integer NOT NULL,
    snapshots          integer NOT NULL,
    posts              integer NOT NULL,
    views              numeric NOT NULL,
    views_known        integer NOT NULL,
    views_base         numeric NOT NULL,
    views_baselines    integer NOT NULL,
    likes              numeric NOT NULL,
    likes_known        integer NOT NULL,
    likes_base         numeric NOT NULL,
    likes_baselines    integer NOT NULL,
    comments           numeric NOT NULL,
    comments_known     integer NOT NULL,
    comments_base      numeric NOT NULL,
    comments_baselines integer NOT NULL,
    shares             numeric NOT NULL,
    shares_known       integer NOT NULL,
    shares_base        numeric NOT NULL,
    shares_baselines   integer NOT NULL,
    saves              numeric NOT NULL,
    saves_known        integer NOT NULL,
    saves_base         numeric NOT NULL,
    saves_baselines    integer NOT NULL,
    PRIMARY KEY (organization_id, id, slot)
) WITH (fillfactor = 80);
ALTER TABLE analytics_video_rollups
    ALTER COLUMN snapshots SET STATISTICS 0,
    ALTER COLUMN posts SET STATISTICS 0,
    ALTER COLUMN views SET STATISTICS 0,
    ALTER COLUMN views_known SET STATISTICS 0,
    ALTER COLUMN views_base SET STATISTICS 0,
    ALTER COLUMN views_baselines SET STATISTICS 0,
    ALTER COLUMN likes SET STATISTICS 0,
    ALTER COLUMN likes_known SET STATISTICS 0,
    ALTER COLUMN likes_base SET STATISTICS 0,
    ALTER COLUMN likes_baselines SET STATISTICS 0,
    ALTER COLUMN comments SET STATISTICS 0,
    ALTER COLUMN comments_known SET STATISTICS 0,
    ALTER COLUMN comments_base SET STATISTICS 0,
    ALTER COLUMN comments_baselines SET STATISTICS 0,
    ALTER COLUMN shares SET STATISTICS 0,
    ALTER COLUMN shares_known SET STATISTICS 0,
    ALTER COLUMN shares_base SET STATISTICS 0,
    ALTER COLUMN shares_baselines SET STATISTICS 0,
    ALTER COLUMN saves SET STATISTICS 0,
    ALTER COLUMN saves_known SET STATISTICS 0,
    ALTER COLUMN saves_base SET STATISTICS 0,
    ALTER COLUMN saves_baselines SET STATISTICS 0;
-- Lists of all creators read few quarters of an hour of each, if the day of their time
-- zone ends inside of a UTC day. Shadow tables and previous tables do not get the index
-- here, because a rebuild copies the indexes of the live ones.
CREATE INDEX analytics_video_rollups_slot ON analytics_video_rollups (organization_id,
    slot);

CREATE TABLE analytics_video_totals (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    first_day       integer NOT NULL,
    last_day        integer NOT NULL,
    views           numeric NOT NULL,
    views_new       numeric NOT NULL,
    views_known     integer NOT NULL,
    likes           numeric NOT NULL,
    likes_new       numeric NOT NULL,
    likes_known     integer NOT NULL,
    comments        numeric NOT NULL,
    comments_new    numeric NOT NULL,
    comments_known  integer NOT NULL,
    shares          numeric NOT NULL,
    shares_new      numeric NOT NULL,
    shares_known    integer NOT NULL,
    saves           numeric NOT NULL,
    saves_new       numeric NOT NULL,
    saves_known     integer NOT NULL,
    project_id      uuid,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);

-- ``changes`` has all observations of the video, by position; the other columns follow
-- from it.
CREATE TABLE analytics_videos (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    project_id        uuid,
    creator_id        uuid,
    tiktok_video_id   text,
    label             text,
    is_there          boolean     NOT NULL,
    is_counted        boolean     NOT NULL,
    posted_at         timestamptz,
    changes           json        NOT NULL,
    -- ``number`` is the video's id on TikTok as a number. ``is_raw`` is true while a
    -- rebuild has not folded the video's observations.
    number            bigint,
    is_raw            boolean     NOT NULL DEFAULT false,
    is_campaign_item  boolean     NOT NULL DEFAULT false,
    posted_exactly_at timestamptz,
    changed_position bigint GENERATED ALWAYS AS ((((changes -> '-1'::integer) ->> 0))::bigint) STORED,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX analytics_videos_changed ON analytics_videos (organization_id, creator_id,
    changed_position);
CREATE INDEX analytics_videos_creator ON analytics_videos (organization_id, creator_id,
    posted_at);
CREATE INDEX analytics_videos_number ON analytics_videos (organization_id, number);
CREATE INDEX analytics_videos_project ON analytics_videos (organization_id, project_id)
    WHERE is_counted;
CREATE INDEX analytics_videos_raw ON analytics_videos (organization_id, id) WHERE
    is_raw;
