-- Organizations and their own things: projects, keys, bans, views, shared links, audit.

CREATE TABLE organizations (
    organization_id          uuid        PRIMARY KEY,
    name                     text        NOT NULL,
    plan                     text        NOT NULL,
    time_zone                text        NOT NULL,
    position                 bigint      NOT NULL,
    created_at               timestamptz NOT NULL,
    updated_at               timestamptz NOT NULL,
    -- Null hours are the default.
    creator_profiles_hours   integer,
    discover_videos_hours    integer,
    video_stats_hours        integer,
    version                  bigint      NOT NULL DEFAULT 1,
    -- The organizations that run the installation: null means that no event says it, and
    -- then the oldest one does.
    is_operator              boolean,
    erase_removed_after_days integer,
    -- Members of the organization sign in with a second factor, or set one up first.
    requires_second_factor   boolean     NOT NULL DEFAULT false
);
CREATE INDEX organizations_by_age ON organizations (created_at, organization_id);

CREATE TABLE projects (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    description     text,
    version         bigint      NOT NULL,
    position        bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    client          text,
    comment         text,
    logo            jsonb,
    color           text,
    archived_at     timestamptz,
    PRIMARY KEY (organization_id, id)
);

-- The present logo of each project. The log has only its digest: a logo that was
-- replaced is gone. Rows are written with the event, and no read model makes them.
CREATE TABLE project_logos (
    organization_id uuid  NOT NULL,
    project_id      uuid  NOT NULL,
    media_type      text  NOT NULL,
    content         bytea NOT NULL,
    PRIMARY KEY (organization_id, project_id)
);

CREATE TABLE api_keys (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    digest          text        NOT NULL,
    hint            text        NOT NULL,
    scopes          text[]      NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    person_id       uuid,
    PRIMARY KEY (organization_id, id),
    UNIQUE (digest)
);

CREATE TABLE api_usage (
    organization_id uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    started_at      timestamptz NOT NULL,
    used            integer     NOT NULL,
    PRIMARY KEY (organization_id, subject_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE bans (
    handle     text        PRIMARY KEY COLLATE "C",
    reason     text,
    created_at timestamptz NOT NULL
);

-- views: filters, an order and columns of a list. A built-in one belongs to every
-- organization, and a deleted one keeps no text.
CREATE TABLE views (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    name            text        NOT NULL,
    list            text        NOT NULL,
    query           text        NOT NULL,
    columns         text[]      NOT NULL,
    is_built_in     boolean     NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    owner_id        uuid,
    is_private      boolean     NOT NULL DEFAULT false,
    project_id      uuid,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX views_created ON views (organization_id, created_at, id);

-- shares: links to read-only pages for people without an account. A revoked link keeps
-- no text.
CREATE TABLE shares (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    scope           text        NOT NULL,
    scope_id        uuid        NOT NULL,
    name            text        NOT NULL,
    first_day       date,
    last_day        date,
    rolling         text,
    hide            text[]      NOT NULL,
    has_password    boolean     NOT NULL,
    expires_at      timestamptz,
    as_of           text,
    as_of_at        timestamptz,
    embed           boolean     NOT NULL,
    origins         text[]      NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    revoked_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX shares_created ON shares (organization_id, created_at, id);

-- The digest of a link's token, the hash of its password, encrypted with the master key,
-- and how often it was opened. The row of a revoked link stays: the link says that it
-- was revoked. Readers see how often a link was opened, and neither digest nor password.
CREATE TABLE share_links (
    digest          bytea       PRIMARY KEY,
    share_id        uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    password        bytea,
    opened_count    bigint      NOT NULL DEFAULT 0,
    last_opened_at  timestamptz,
    UNIQUE (share_id)
);

-- audit: what happened to organizations themselves, one row for each event. The log has
-- the words; an event that is in no organization, a sign-in, has a row for each one
-- that the person was a member of then.
CREATE TABLE audit (
    organization_id uuid        NOT NULL,
    position        bigint      NOT NULL,
    event           text        NOT NULL,
    at              timestamptz NOT NULL,
    actor           text        NOT NULL,
    PRIMARY KEY (organization_id, position)
);

-- The memberships that the rules of audit need; nothing else reads them.
CREATE TABLE audit_members (
    organization_id uuid    NOT NULL,
    person_id       uuid    NOT NULL,
    is_member       boolean NOT NULL,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, person_id)
);
CREATE INDEX audit_members_person ON audit_members (person_id);

CREATE TABLE first_start_questions (
    organization_id uuid PRIMARY KEY
);
