-- Tables for readers, which only the followers of the log write.
--
-- Every key of a tenant's table begins with organization_id, and every such table has a
-- second protection: the reader role sees the rows of one organization, which
-- goatherd.organization_id names for the length of the transaction.

CREATE FUNCTION goatherd_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('goatherd.organization_id', true), '')::uuid;

-- The position of each projection. The row is checkpoint, lock and fence in one.
CREATE TABLE projection (
    name         text        PRIMARY KEY,
    version      int         NOT NULL,
    position     bigint      NOT NULL DEFAULT 0,
    status       text        NOT NULL DEFAULT 'following',
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    error        text
) WITH (fillfactor = 10);

-- Events that a projection could not apply and left out.
CREATE TABLE dead_letter (
    projection text        NOT NULL,
    position   bigint      NOT NULL,
    name       text        NOT NULL,
    error      text        NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, position)
);

-- api_keys

CREATE TABLE organizations (
    organization_id uuid        PRIMARY KEY,
    name            text        NOT NULL,
    plan            text        NOT NULL,
    time_zone       text        NOT NULL,
    position        bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE TABLE api_keys (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    digest          text        NOT NULL UNIQUE,
    hint            text        NOT NULL,
    scopes          text[]      NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);

-- projects

CREATE TABLE projects (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    description     text,
    version         bigint      NOT NULL,
    position        bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- bans: they apply to the whole installation, so they have no tenant

CREATE TABLE bans (
    handle     text        COLLATE "C" PRIMARY KEY,
    reason     text,
    created_at timestamptz NOT NULL
);

-- creator_list

CREATE TABLE creator_list (
    organization_id      uuid        NOT NULL,
    id                   uuid        NOT NULL,
    project_id           uuid        NOT NULL,
    tiktok_handle        text        NOT NULL COLLATE "C",
    display_name         text,
    scraped_display_name text,
    description          text,
    readme               text,
    -- jsonb would write out every digit of a large number.
    metadata             json        NOT NULL,
    tracking_mode        text        NOT NULL,
    tracking_start_date  date,
    tracking_end_date    date,
    avatar_url           text,
    follower_count       bigint,
    following_count      bigint,
    total_likes_count    bigint,
    video_count          bigint,
    profile_observed_at  timestamptz,
    profile_position     bigint,
    last_scraped_at      timestamptz,
    status               text        NOT NULL,
    disabled_reason      text,
    version              bigint      NOT NULL,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
-- One index for each sort order, with and without a project. The status comes first, so
-- that a list of one status reads nothing else; a list of several merges their first
-- rows. The handle is in each index, so that a search can scan thousands without their
-- rows.
CREATE INDEX creator_list_created ON creator_list
    (organization_id, status, created_at DESC, id DESC) INCLUDE (tiktok_handle);
CREATE INDEX creator_list_project_created ON creator_list
    (organization_id, project_id, status, created_at DESC, id DESC)
    INCLUDE (tiktok_handle);
CREATE INDEX creator_list_handle ON creator_list
    (organization_id, status, tiktok_handle, id);
CREATE INDEX creator_list_project_handle ON creator_list
    (organization_id, project_id, status, tiktok_handle, id);
CREATE INDEX creator_list_followers ON creator_list
    (organization_id, status, coalesce(follower_count, -1) DESC, id DESC)
    INCLUDE (follower_count, tiktok_handle);
CREATE INDEX creator_list_project_followers ON creator_list
    (organization_id, project_id, status, coalesce(follower_count, -1) DESC, id DESC)
    INCLUDE (follower_count, tiktok_handle);

-- Partial search: every run of 1 to 3 characters of a handle, each with its tenant
-- before it, so that the size of one organization costs others nothing. The table is
-- apart from creator_list, because new figures of a scrape must not touch this index.
CREATE TABLE creator_grams (
    organization_id uuid   NOT NULL,
    creator_id      uuid   NOT NULL,
    grams           text[] NOT NULL,
    PRIMARY KEY (organization_id, creator_id)
);
CREATE INDEX creator_grams_search ON creator_grams USING gin (grams);

-- scrape_runs

CREATE TABLE scrape_runs (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    tiktok_handle   text        NOT NULL,
    job_type        text        NOT NULL,
    trigger         text        NOT NULL,
    status          text        NOT NULL,
    attempts        int         NOT NULL,
    outcome         text,
    error           text,
    provider        text,
    observed_at     timestamptz,
    duration_ms     bigint,
    profile_seen    boolean,
    videos_seen     int,
    pages           int,
    payload_sha256  text,
    requested_at    timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX scrape_runs_creator ON scrape_runs
    (organization_id, creator_id, requested_at DESC, id DESC);

-- Row-level security

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'organizations', 'api_keys', 'projects', 'creator_list', 'scrape_runs'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
    GRANT SELECT ON projection TO goatherd_reader;
    REVOKE SELECT ON api_keys FROM goatherd_reader;
    GRANT SELECT (organization_id, id, name, hint, scopes, created_at, expires_at,
                  revoked_at) ON api_keys TO goatherd_reader;
END $$;

-- Row-level security would keep the planner from the grams index, whose operator is not
-- leakproof. This function protects the rows instead: it runs as its owner and reads
-- only the reader's own tenant, for any argument.
CREATE FUNCTION goatherd_search(wanted text[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT creator_id FROM creator_grams
    WHERE grams @> wanted AND organization_id = goatherd_tenant()
$$;
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader;
