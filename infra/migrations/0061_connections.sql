-- Creators that connect their own account. Events say that they are connected; these
-- tables have the data that can't be in the log: links, and the tokens, sealed with a
-- key of the installation.

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
    link_id  uuid        NOT NULL REFERENCES connect_links ON DELETE CASCADE,
    began_at timestamptz NOT NULL DEFAULT now(),
    answers  int         NOT NULL DEFAULT 0
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
    state           text        NOT NULL
        CHECK (state IN ('unconfirmed', 'waiting', 'connected', 'ended')),
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
    unanswered      int         NOT NULL DEFAULT 0,
    last_used_at    timestamptz,
    ended_at        timestamptz,
    reason          text,
    erased          boolean     NOT NULL DEFAULT false,
    revoke_at       timestamptz,
    revoke_tries    int         NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX creator_connections_connected
    ON creator_connections (creator_id, provider) WHERE state = 'connected';
CREATE UNIQUE INDEX creator_connections_consenting
    ON creator_connections (creator_id, provider) WHERE state IN ('unconfirmed', 'waiting');
CREATE INDEX creator_connections_of ON creator_connections (creator_id, consented_at);
CREATE INDEX creator_connections_account ON creator_connections (account)
    WHERE state <> 'ended';
CREATE INDEX creator_connections_revoke ON creator_connections (revoke_at)
    WHERE revoke_at IS NOT NULL;
