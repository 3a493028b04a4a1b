-- People whom an OpenID provider knows: a keyed hash of the issuer and of its name for
-- the person. The issuer is that of the settings. A person has one identity of each.
CREATE TABLE person_identities (
    digest       bytea       NOT NULL PRIMARY KEY,
    person_id    uuid        NOT NULL,
    issuer       text        NOT NULL,
    connected_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (person_id, issuer)
);

-- Sign-ins that came back from the provider, so that none of them comes back twice.
CREATE TABLE used_oidc_states (
    digest     bytea       NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- A session that a provider allowed ends at this time, even if it is used.
ALTER TABLE person_sessions ADD COLUMN ends_at timestamptz;
