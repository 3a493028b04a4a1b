-- A snapshot is one row for all of its observations. This takes a fifth of the bytes
-- and is many times as fast. The tables are folded anew.
DROP TABLE analytics_video_levels, analytics_profile_levels, analytics_looks;
TRUNCATE analytics_subjects, analytics_videos, analytics_video_sums,
    analytics_profile_sums;
DELETE FROM dead_letter WHERE projection = 'analytics';
DELETE FROM projection WHERE name = 'analytics';

-- ``number`` is the video's id on TikTok as a number. ``is_raw`` is true while a
-- rebuild has not folded the video's observations.
ALTER TABLE analytics_videos
    ADD COLUMN number bigint,
    ADD COLUMN is_raw boolean NOT NULL DEFAULT false;
CREATE INDEX analytics_videos_number ON analytics_videos (organization_id, number);
CREATE INDEX analytics_videos_raw ON analytics_videos (organization_id, id)
    WHERE is_raw;

-- The content of one snapshot for one owner: a creator's videos (family 0) or profile
-- (family 1), or a video without a creator, which owns itself. Videos of unknown owners
-- are stored under the snapshot's creator, else its project.
-- projections/analytics_observations.py packs ``seen``; compressing it once more would
-- halve the speed for little.
CREATE TABLE analytics_looks (
    organization_id uuid        NOT NULL,
    family          smallint    NOT NULL,
    owner           uuid        NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    creator_id      uuid,
    scrape_id       uuid        NOT NULL,
    provider        text        NOT NULL,
    recorded_at     timestamptz NOT NULL,
    seen            bytea       NOT NULL,
    PRIMARY KEY (organization_id, family, owner, observed_at, position)
);
ALTER TABLE analytics_looks ALTER COLUMN seen SET STORAGE EXTERNAL;

-- The state of an owner's videos after their last snapshot, and the parts of the
-- owner's sums; packed by projections/analytics_herds.py.
CREATE TABLE analytics_herds (
    organization_id uuid        NOT NULL,
    family          smallint    NOT NULL,
    owner           uuid        NOT NULL,
    project_id      uuid,
    creator_id      uuid,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    herd            bytea       NOT NULL,
    PRIMARY KEY (organization_id, family, owner)
) WITH (fillfactor = 80);
ALTER TABLE analytics_herds ALTER COLUMN herd SET STORAGE EXTERNAL;

-- Videos that were observed before their owner was known, and the place of their
-- snapshots.
CREATE TABLE analytics_unowned (
    organization_id uuid   NOT NULL,
    number          bigint NOT NULL,
    owner           uuid   NOT NULL,
    PRIMARY KEY (organization_id, number, owner)
);
CREATE INDEX analytics_unowned_owner ON analytics_unowned (organization_id, owner);

-- Owners whose snapshots a rebuild has gathered and not merged yet.
CREATE TABLE analytics_gathered (
    organization_id uuid     NOT NULL,
    family          smallint NOT NULL,
    owner           uuid     NOT NULL,
    is_routed       boolean  NOT NULL,
    PRIMARY KEY (organization_id, family, owner)
);

-- Queries read only the snapshots among these.
ALTER TABLE analytics_looks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON analytics_looks FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON analytics_looks TO goatherd_reader;
