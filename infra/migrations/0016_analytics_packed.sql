-- A snapshot is one row, however many observations it has, and not a row for each: a fifth of the
-- bytes, and many times as fast to take in. What is in the tables is folded anew.
DROP TABLE analytics_video_levels, analytics_profile_levels, analytics_looks;
TRUNCATE analytics_subjects, analytics_videos, analytics_video_sums,
    analytics_profile_sums;
DELETE FROM dead_letter WHERE projection = 'analytics';
DELETE FROM projection WHERE name = 'analytics';

-- ``number`` is the number that the video's id on TikTok is. ``is_raw`` is true while
-- a rebuild has not folded what was observed of it.
ALTER TABLE analytics_videos
    ADD COLUMN number bigint,
    ADD COLUMN is_raw boolean NOT NULL DEFAULT false;
CREATE INDEX analytics_videos_number ON analytics_videos (organization_id, number);
CREATE INDEX analytics_videos_raw ON analytics_videos (organization_id, id)
    WHERE is_raw;

-- What one snapshot saw of the things of one owner: a creator's videos (family 0) or
-- profile (family 1), or a video of no creator, which owns itself. What nobody owns
-- yet is with whom the snapshot was of: its creator, else its project. ``seen`` is
-- packed by projections/analytics_observations.py; compressing it once more would
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

-- What is known of an owner's things after the last snapshot of any of them, and what its
-- sums were added up from; packed by projections/analytics_herds.py.
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

-- Videos that were seen before anybody said whose they are, and where that is kept.
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

-- Of these, only snapshots are read by queries.
ALTER TABLE analytics_looks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON analytics_looks FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON analytics_looks TO goatherd_reader;
