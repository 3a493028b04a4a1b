-- Read models of creators, videos, campaigns and notes, and of what happened to them.

-- The grams of a text are the same as before, in time that grows with its length. A
-- name of 10,000 characters took seconds: each step copied the grams so far, and
-- counted the characters of the text from its first one. The index stays as it is.
CREATE FUNCTION goatherd_grams(organization_id uuid, handle text)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS $$
DECLARE
    mark   text := right(organization_id::text, 6);
    found  text[] := '{}';
    former text := '';
    before text := '';
    letter text;
BEGIN
    FOREACH letter IN ARRAY string_to_array(handle, NULL) LOOP
        -- Each run ends with this letter. Elements are appended one by one, since that
        -- copies nothing.
        found := array_append(found, mark || letter);
        found := array_append(found, mark || former || letter);
        found := array_append(found, mark || before || former || letter);
        before := former;
        former := letter;
    END LOOP;
    RETURN found;
END $$;

CREATE TABLE creator_list (
    organization_id      uuid        NOT NULL,
    id                   uuid        NOT NULL,
    project_id           uuid        NOT NULL,
    tiktok_handle        text        NOT NULL COLLATE "C",
    display_name text, scraped_display_name text, description text, readme text,
    -- jsonb would write out every digit of a large number.
    metadata             json        NOT NULL,
    tracking_mode        text        NOT NULL,
    tracking_start_date  date,
    tracking_end_date    date,
    avatar_url           text,
    follower_count bigint, following_count bigint, total_likes_count bigint,
    video_count bigint,
    profile_observed_at  timestamptz,
    profile_position     bigint,
    last_scraped_at      timestamptz,
    status               text        NOT NULL,
    disabled_reason      text,
    version              bigint      NOT NULL,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    last_outcome         text,
    failing_since        timestamptz,
    failed_scrapes       integer     NOT NULL DEFAULT 0,
    run_position         bigint,
    tags                 text[]      NOT NULL DEFAULT '{}',
    tag_keys             text[]      NOT NULL DEFAULT '{}',
    rounded_counts       text[]      NOT NULL DEFAULT '{}',
    searched             text        NOT NULL COLLATE "C",
    failing_kinds        jsonb       NOT NULL DEFAULT '[]',
    connected_at         timestamptz,
    duplicate_of         uuid,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX creator_list_connected ON creator_list (organization_id, status) WHERE
    connected_at IS NOT NULL;
-- One index for each sort order, with and without a project. The status comes first, so
-- that a list of one status reads nothing else; a list of several merges their first
-- rows. The handle is in each index, so that a search can scan thousands without their
-- rows.
CREATE INDEX creator_list_created ON creator_list (organization_id, status, created_at
    DESC, id DESC) INCLUDE (tiktok_handle);
CREATE INDEX creator_list_duplicates ON creator_list (organization_id, duplicate_of)
    WHERE duplicate_of IS NOT NULL;
CREATE INDEX creator_list_failing ON creator_list (organization_id, status) WHERE
    failing_since IS NOT NULL;
CREATE INDEX creator_list_followers ON creator_list (organization_id, status,
    coalesce(follower_count, -1) DESC, id DESC) INCLUDE
    (follower_count, tiktok_handle);
CREATE INDEX creator_list_handle ON creator_list (organization_id, status,
    tiktok_handle, id);
CREATE INDEX creator_list_project_created ON creator_list (organization_id, project_id,
    status, created_at DESC, id DESC) INCLUDE (tiktok_handle);
CREATE INDEX creator_list_project_followers ON creator_list (organization_id,
    project_id, status, coalesce(follower_count, -1) DESC, id DESC)
    INCLUDE (follower_count, tiktok_handle);
CREATE INDEX creator_list_project_handle ON creator_list (organization_id, project_id,
    status, tiktok_handle, id);
-- The few creators that have tags, for GET /tags.
CREATE INDEX creator_list_tagged ON creator_list (organization_id, project_id) WHERE
    tag_keys <> '{}'::text[];

-- The same as before, with a row type of its own: a swapped table has another one.
CREATE TYPE goatherd_found_creator AS (
    organization_id uuid,
    id uuid,
    project_id uuid,
    created_at timestamptz,
    follower_bucket smallint,
    status text,
    tiktok_handle text COLLATE "C",
    searched text COLLATE "C"
);

-- The table is apart from creator_list, because new figures of a scrape must not touch
-- the grams. Only the magnitude of the followers is here, which seldom changes. Each
-- page has free room for such changes, which then touch no index at all.
CREATE TABLE creator_search (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    created_at      timestamptz NOT NULL,
    follower_bucket smallint    CONSTRAINT creator_search_magnitude_not_null NOT NULL,
    status          text        NOT NULL,
    tiktok_handle   text        NOT NULL COLLATE "C",
    searched        text        NOT NULL COLLATE "C",
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
-- Every search also reads the rows that wait for their place in the index, so few may
-- wait.
CREATE INDEX creator_search_grams ON creator_search USING gin
    (goatherd_grams(organization_id, searched)) WITH (gin_pending_list_limit='512');

CREATE TABLE creator_identity (
    creator_id      uuid    PRIMARY KEY,
    organization_id uuid    NOT NULL,
    -- Both are null once they were forgotten.
    user_id         text,
    sec_uid         text,
    -- The last event that changed the row, so that applying it again changes nothing.
    position        bigint  NOT NULL,
    -- The column is true once another creator had the same account, and stays true after
    -- that one has forgotten it.
    is_shared       boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
-- The first scrape of an account asks for the other creators with the same account.
CREATE INDEX creator_identity_account ON creator_identity (organization_id, user_id);
CREATE INDEX creator_identity_accounts ON creator_identity (organization_id, user_id)
    WHERE user_id IS NOT NULL;
CREATE INDEX creator_identity_shared ON creator_identity (organization_id) WHERE
    is_shared;

-- The contact addresses of creators, encrypted with the master key. An erasure deletes
-- the row.
CREATE TABLE creator_contacts (
    creator_id uuid  PRIMARY KEY,
    sealed     bytea NOT NULL
);

-- The present projects of videos whose creators moved, also of those discovered later.
CREATE TABLE moved_creators (
    organization_id uuid   NOT NULL,
    id              uuid   NOT NULL,
    project_id      uuid   NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- ``observed_at`` is set for snapshots of the profile, to tell which of them counted.
-- It and the event are in the key's index too, so that filters read nothing else.
CREATE TABLE creator_history (
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    position        bigint      NOT NULL,
    event           text        NOT NULL COLLATE "C",
    observed_at     timestamptz,
    PRIMARY KEY (organization_id, creator_id, position) INCLUDE (event, observed_at)
);
CREATE INDEX creator_history_positions ON creator_history (organization_id, position);

-- The creator of each video. Events from before the creator was known wait in
-- ``early``, as pairs of position and event.
CREATE TABLE creator_history_videos (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    tiktok_video_id text NOT NULL,
    creator_id      uuid,
    early           json NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- The earliest observation at or past a number of followers; at 0 the earliest of any.
CREATE TABLE creator_milestones (
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    mark            bigint      NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    followers       bigint      NOT NULL,
    PRIMARY KEY (organization_id, creator_id, mark)
);

-- The address of a link follows from its id and a key, and is not stored.
CREATE TABLE connect_links (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    revoked_at      timestamptz
);
CREATE INDEX connect_links_of ON connect_links (creator_id, created_at);

-- Somebody followed a link to TikTok: the digest of the value that TikTok must return,
-- and of a cookie that only that browser has.
CREATE TABLE connect_attempts (
    state    bytea       PRIMARY KEY,
    browser  bytea       NOT NULL,
    link_id  uuid        NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    answers  integer     NOT NULL DEFAULT 0,
    FOREIGN KEY (link_id) REFERENCES connect_links(id) ON DELETE CASCADE
);
CREATE INDEX connect_attempts_of ON connect_attempts (link_id);

-- One row for each consent. It is "unconfirmed" while the account must confirm that it
-- is the creator under another handle, "waiting" until somebody here accepts that,
-- "connected" since the event at ``position``, and "ended". ``account`` is a keyed
-- digest of TikTok's id. ``unanswered`` counts refreshes of the token whose answers
-- were not stored. ``revoke_at`` is the time to return the tokens to TikTok, null if
-- there is nothing to do; the row of an ``erased`` person is deleted after that.
CREATE TABLE creator_connections (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    provider        text        NOT NULL,
    state           text        NOT NULL,
    account         bytea       NOT NULL,
    sealed          bytea,
    scopes          text[]      NOT NULL,
    link_id         uuid,
    consented_at    timestamptz NOT NULL DEFAULT now(),
    connected_at    timestamptz,
    position        bigint,
    access_ends_at  timestamptz NOT NULL,
    refresh_at      timestamptz NOT NULL,
    refresh_ends_at timestamptz NOT NULL,
    unanswered      integer     NOT NULL DEFAULT 0,
    last_used_at    timestamptz,
    ended_at        timestamptz,
    reason          text,
    erased          boolean     NOT NULL DEFAULT false,
    revoke_at       timestamptz,
    revoke_tries    integer     NOT NULL DEFAULT 0,
    CHECK (state IN ('unconfirmed', 'waiting', 'connected', 'ended'))
);
CREATE INDEX creator_connections_account ON creator_connections (account) WHERE state <>
    'ended';
CREATE UNIQUE INDEX creator_connections_connected ON creator_connections (creator_id,
    provider) WHERE state = 'connected';
CREATE UNIQUE INDEX creator_connections_consenting ON creator_connections (creator_id,
    provider) WHERE state IN ('unconfirmed', 'waiting');
CREATE INDEX creator_connections_of ON creator_connections (creator_id, consented_at);
CREATE INDEX creator_connections_revoke ON creator_connections (revoke_at) WHERE
    revoke_at IS NOT NULL;

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
    tags             text[]      NOT NULL DEFAULT '{}',
    tag_keys         text[]      NOT NULL DEFAULT '{}',
    merged_into      uuid,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
-- The status comes first: a list of several statuses merges the first rows of each.
CREATE INDEX videos_created ON videos (organization_id, tracking_status, created_at
    DESC, id DESC);
CREATE INDEX videos_creator_created ON videos (organization_id, creator_id,
    tracking_status, created_at DESC, id DESC) WHERE creator_id IS NOT NULL;
CREATE INDEX videos_project_created ON videos (organization_id, project_id,
    tracking_status, created_at DESC, id DESC);
CREATE INDEX videos_single ON videos (organization_id, project_id, tiktok_video_id)
    WHERE creator_id IS NULL;
CREATE INDEX videos_tagged ON videos (organization_id, project_id) WHERE tag_keys <>
    '{}'::text[];

CREATE TABLE video_figures (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text,
    title           text,
    posted_at       timestamptz,
    view_count bigint, like_count bigint, comment_count bigint, share_count bigint,
    save_count bigint,
    first_seen_at   timestamptz NOT NULL,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    thumbnail_url   text,
    creator_id      uuid,
    older_counts    jsonb,
    posted_position bigint,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 50);

CREATE TABLE video_attributes (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    duration_s      integer,
    sound_id        text,
    sound_title     text,
    sound_author    text,
    sound_original  boolean,
    hashtags        text[],
    hashtag_keys    text[],
    mentions        text[],
    is_ad           boolean,
    is_pinned       boolean,
    is_private      boolean,
    language        text,
    observed_at     timestamptz NOT NULL,
    position        bigint      NOT NULL,
    creator_id      uuid,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX video_attributes_hashtags ON video_attributes USING gin (hashtag_keys);
CREATE INDEX video_attributes_sound ON video_attributes (organization_id, sound_id)
    WHERE sound_id IS NOT NULL;

-- campaigns and campaign_items: campaigns with the number of their direct items, and
-- these items. A deleted campaign keeps its row for its history, and loses its items.
CREATE TABLE campaigns (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    project_id        uuid        NOT NULL,
    name              text        NOT NULL,
    description       text,
    readme            text,
    metadata          json        NOT NULL,
    starts_on         date,
    ends_on           date,
    target_views      bigint,
    target_at         timestamptz,
    creator_count     integer     NOT NULL,
    video_count       integer     NOT NULL,
    campaign_count    integer     NOT NULL,
    version           bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    target_scope      text        NOT NULL DEFAULT 'lifetime',
    target_posts      bigint,
    target_engagement bigint,
    cost_minor        bigint,
    currency          text,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX campaigns_listed ON campaigns (organization_id, created_at, id) WHERE
    deleted_at IS NULL;
CREATE INDEX campaigns_of_project ON campaigns (organization_id, project_id, created_at,
    id) WHERE deleted_at IS NULL;

-- ``position`` is that of the event that added the item; the list is in its order.
CREATE TABLE campaign_items (
    organization_id uuid        NOT NULL,
    campaign_id     uuid        NOT NULL,
    item_id         uuid        NOT NULL,
    item_type       text        NOT NULL,
    position        bigint      NOT NULL,
    added_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, campaign_id, item_id)
);
CREATE INDEX campaign_items_listed ON campaign_items (organization_id, campaign_id,
    position);

-- annotations: notes of people, and annotations that follow from the log (kind
-- "system"). Both days are inclusive. ``position`` is that of the event that made the
-- annotation.
CREATE TABLE annotations (
    organization_id uuid   NOT NULL,
    id              uuid   NOT NULL,
    scope           text   NOT NULL,
    scope_id        uuid   NOT NULL,
    kind            text   NOT NULL,
    starts_on       date   NOT NULL,
    ends_on         date   NOT NULL,
    text            text   NOT NULL,
    actor           text,
    version         bigint NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX annotations_listed ON annotations (organization_id, starts_on, id);
CREATE INDEX annotations_of_scope ON annotations (organization_id, scope_id, starts_on,
    id);

-- The state of organizations, projects and creators that the rules of system
-- annotations need; nothing else reads it.
CREATE TABLE annotation_organizations (
    organization_id        uuid    PRIMARY KEY,
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
    organization_id uuid   PRIMARY KEY,
    time_zone       text   NOT NULL,
    position        bigint NOT NULL
);

CREATE TABLE activity_creators (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    is_erased       boolean     NOT NULL,
    untracked_at    timestamptz,
    failing_kinds   jsonb       NOT NULL,
    run_position    bigint      NOT NULL,
    milestones      integer,
    observed_at     timestamptz,
    first_import    uuid,
    position        bigint      NOT NULL,
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
CREATE INDEX activity_videos_of_creator ON activity_videos (organization_id,
    creator_id);

-- imports: the ends of imports of recordings. outcome is stored, refused or interrupted.
CREATE TABLE imports (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    outcome         text        NOT NULL,
    at              timestamptz NOT NULL,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX imports_at ON imports (organization_id, at);
