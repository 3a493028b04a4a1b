-- People and their memberships. A person is in no organization: the reading role does
-- not see the table people, and members has the name and address again, so that each
-- organization sees those of its own members only.

CREATE TABLE people (
    person_id     uuid        NOT NULL PRIMARY KEY,
    name          text,
    email         text,
    locale        text        NOT NULL,
    time_zone     text,
    version       bigint      NOT NULL,
    registered_at timestamptz NOT NULL,
    erased_at     timestamptz,
    position      bigint      NOT NULL
);

-- Somebody who left keeps their row: histories name them.
CREATE TABLE members (
    organization_id uuid        NOT NULL,
    person_id       uuid        NOT NULL,
    name            text,
    email           text,
    role            text        NOT NULL,
    project_ids     uuid[],
    money           boolean     NOT NULL,
    joined_at       timestamptz NOT NULL,
    removed_at      timestamptz,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, person_id)
);
CREATE INDEX members_person ON members (person_id);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON members FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON members TO goatherd_reader;

-- The directory of addresses: a keyed hash of each, so that two people can't have the
-- same one, and the table tells nobody an address.
CREATE TABLE person_emails (
    digest    bytea NOT NULL PRIMARY KEY,
    person_id uuid  NOT NULL UNIQUE
);

-- Hashes of passwords, encrypted with the master key. They are never in the log, and go
-- with the person.
CREATE TABLE person_secrets (
    person_id  uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('password')),
    sealed     bytea       NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, kind)
);

-- The digest of a session's cookie; a session that ended has no row.
CREATE TABLE person_sessions (
    id              uuid        NOT NULL PRIMARY KEY,
    digest          bytea       NOT NULL UNIQUE,
    person_id       uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_used_at    timestamptz NOT NULL DEFAULT now(),
    address         text        NOT NULL,
    browser         text        NOT NULL
);
CREATE INDEX person_sessions_person ON person_sessions (person_id);

-- The digest of a link with which a person chooses a password; a used one has no row.
CREATE TABLE password_links (
    digest     bytea       NOT NULL PRIMARY KEY,
    person_id  uuid        NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);
