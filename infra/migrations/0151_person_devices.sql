-- The browsers in which a person signed in, each by the digest of a cookie with random
-- text. is_new is true until the person has seen that somebody signed in there.
CREATE TABLE person_devices (
    person_id    uuid        NOT NULL,
    digest       bytea       NOT NULL,
    first_at     timestamptz NOT NULL DEFAULT now(),
    last_at      timestamptz NOT NULL DEFAULT now(),
    address      text        NOT NULL,
    browser      text        NOT NULL,
    is_new       boolean     NOT NULL,
    PRIMARY KEY (person_id, digest)
);
