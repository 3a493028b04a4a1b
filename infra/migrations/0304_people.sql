-- People who sign in, and their places in organizations.

CREATE TABLE people (
    person_id       uuid        PRIMARY KEY,
    name            text,
    email           text,
    locale          text        NOT NULL,
    time_zone       text,
    version         bigint      NOT NULL,
    registered_at   timestamptz NOT NULL,
    erased_at       timestamptz,
    position        bigint      NOT NULL,
    email_confirmed boolean     NOT NULL DEFAULT false
);

-- The directory of addresses: a keyed hash of each, so that two people can't have the
-- same one, and the table tells nobody an address.
CREATE TABLE person_emails (
    digest    bytea PRIMARY KEY,
    person_id uuid  NOT NULL,
    UNIQUE (person_id)
);

-- Keyed hashes of the addresses that people had before the present one, with which an
-- erasure finds what was tied to them. They are deleted at the erasure.
CREATE TABLE former_emails (
    person_id uuid  NOT NULL,
    digest    bytea NOT NULL,
    PRIMARY KEY (person_id, digest)
);

-- Hashes of passwords, encrypted with the master key. They are never in the log, and go
-- with the person.
CREATE TABLE person_secrets (
    person_id  uuid        NOT NULL,
    kind       text        NOT NULL,
    sealed     bytea       NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    last_step  bigint,
    PRIMARY KEY (person_id, kind),
    CHECK (kind IN ('password', 'codes', 'recovery'))
);

-- People whom an OpenID provider knows: a keyed hash of the issuer and of its name for
-- the person. The issuer is that of the settings. A person has one identity of each.
CREATE TABLE person_identities (
    digest       bytea       PRIMARY KEY,
    person_id    uuid        NOT NULL,
    issuer       text        NOT NULL,
    connected_at timestamptz NOT NULL DEFAULT now(),
    -- The time at which a provider last signed the person in: personal keys of people whom
    -- only a provider signs in work for a while from then on.
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (person_id, issuer)
);

-- The digest of a session's cookie; a session that ended has no row.
CREATE TABLE person_sessions (
    id              uuid        PRIMARY KEY,
    digest          bytea       NOT NULL,
    person_id       uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_used_at    timestamptz NOT NULL DEFAULT now(),
    address         text        NOT NULL,
    browser         text        NOT NULL,
    -- The time at which the person of a session last proved who they are, at the latest at
    -- the sign-in.
    proved_at       timestamptz NOT NULL DEFAULT now(),
    -- A session that a provider allowed ends at this time, even if it is used.
    ends_at         timestamptz,
    -- A session that began with a password and nothing else ends where a second factor is
    -- required. Nobody knows how the sessions of before began.
    password_alone  boolean     NOT NULL DEFAULT true,
    UNIQUE (digest)
);
CREATE INDEX person_sessions_person ON person_sessions (person_id);

-- A right password that waits for its code, by the digest of a cookie. It ends with its
-- time, with too many wrong codes, and with the sessions of the person.
CREATE TABLE pending_sign_ins (
    digest     bytea       PRIMARY KEY,
    person_id  uuid        NOT NULL,
    tries      integer     NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX pending_sign_ins_person ON pending_sign_ins (person_id);

CREATE TABLE ended_sessions (
    nonce      bytea       PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- The browsers in which a person signed in, each by the digest of a cookie with random
-- text. is_new is true until the person has seen that somebody signed in there.
CREATE TABLE person_devices (
    person_id uuid        NOT NULL,
    digest    bytea       NOT NULL,
    first_at  timestamptz NOT NULL DEFAULT now(),
    last_at   timestamptz NOT NULL DEFAULT now(),
    address   text        NOT NULL,
    browser   text        NOT NULL,
    is_new    boolean     NOT NULL,
    PRIMARY KEY (person_id, digest)
);

-- Passkeys: the name and the public key are encrypted with the master key. The counter
-- is the authenticator's own, and grows with each use if it has one.
CREATE TABLE passkeys (
    id            uuid        PRIMARY KEY,
    credential_id bytea       NOT NULL,
    person_id     uuid        NOT NULL,
    sealed        bytea       NOT NULL,
    sign_count    bigint      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    UNIQUE (credential_id)
);
CREATE INDEX passkeys_person ON passkeys (person_id);

-- Challenges that were answered, until their time is over: each is answered once.
CREATE TABLE spent_challenges (
    digest     bytea       PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- Sign-ins that came back from the provider, so that none of them comes back twice.
CREATE TABLE used_oidc_states (
    digest     bytea       PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- The digest of a link with which a person chooses a password; a used one has no row.
CREATE TABLE password_links (
    digest          bytea       PRIMARY KEY,
    person_id       uuid        NOT NULL,
    expires_at      timestamptz NOT NULL,
    -- A link that went by mail confirms the address; one that was handed over does not.
    by_mail         boolean     NOT NULL DEFAULT false,
    -- A link that an admin or a key made is worth no more than its maker's rights: the
    -- organization in which it was made, and the person or key. An operator's has none.
    organization_id uuid,
    maker_id        uuid,
    key_id          uuid,
    UNIQUE (person_id, by_mail)
);

-- The digest of a link with which a person confirms an address: the keyed hash is that
-- of the address. A used one has no row. Mails are counted for a day.
CREATE TABLE email_links (
    digest       bytea       PRIMARY KEY,
    person_id    uuid        NOT NULL,
    email_digest bytea       NOT NULL,
    expires_at   timestamptz NOT NULL,
    counted_from timestamptz NOT NULL DEFAULT now(),
    mails        integer     NOT NULL DEFAULT 1,
    UNIQUE (person_id)
);

CREATE TABLE sign_in_links (
    digest     bytea       PRIMARY KEY,
    key_digest bytea       NOT NULL,
    expires_at timestamptz NOT NULL
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
    version         bigint      NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, person_id)
);
CREATE INDEX members_person ON members (person_id);

CREATE TABLE invitations (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    email           text,
    role            text        NOT NULL,
    project_ids     uuid[],
    money           boolean     NOT NULL,
    invited_by      text        NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- The digest of an open invitation's link, and a keyed hash of the address, with which
-- an erasure finds it. An invitation that ended has no row.
CREATE TABLE invitation_links (
    digest          bytea PRIMARY KEY,
    invitation_id   uuid  NOT NULL,
    organization_id uuid  NOT NULL,
    email_digest    bytea NOT NULL,
    -- The link of an invitation that was sent by mail. It is another one than the link that
    -- the inviting person sees: whoever has it reads the mails of the invited address.
    mail_digest     bytea,
    UNIQUE (invitation_id),
    UNIQUE (mail_digest)
);
CREATE INDEX invitation_links_email ON invitation_links (email_digest);

-- Mails of invitations in the last day, each with a keyed hash of its address, so that
-- nobody is sent many of them.
CREATE TABLE invitation_mails (
    organization_id uuid        NOT NULL,
    email_digest    bytea       NOT NULL,
    sent_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invitation_mails_organization ON invitation_mails (organization_id,
    sent_at);
