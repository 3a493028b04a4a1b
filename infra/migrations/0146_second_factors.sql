-- Seeds of one-time codes and recovery codes, encrypted like hashes of passwords. The
-- step is the 30 seconds of the last code that was used: each code works once.
ALTER TABLE person_secrets DROP CONSTRAINT person_secrets_kind_check;
ALTER TABLE person_secrets ADD CONSTRAINT person_secrets_kind_check
    CHECK (kind IN ('password', 'codes', 'recovery'));
ALTER TABLE person_secrets ADD COLUMN last_step bigint;

-- A right password that waits for its code, by the digest of a cookie. It ends with its
-- time, with too many wrong codes, and with the sessions of the person.
CREATE TABLE pending_sign_ins (
    digest     bytea       NOT NULL PRIMARY KEY,
    person_id  uuid        NOT NULL,
    tries      integer     NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX pending_sign_ins_person ON pending_sign_ins (person_id);

-- Passkeys: the name and the public key are encrypted with the master key. The counter
-- is the authenticator's own, and grows with each use if it has one.
CREATE TABLE passkeys (
    id            uuid        NOT NULL PRIMARY KEY,
    credential_id bytea       NOT NULL UNIQUE,
    person_id     uuid        NOT NULL,
    sealed        bytea       NOT NULL,
    sign_count    bigint      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz
);
CREATE INDEX passkeys_person ON passkeys (person_id);

-- Challenges that were answered, until their time is over: each is answered once.
CREATE TABLE spent_challenges (
    digest     bytea       NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
