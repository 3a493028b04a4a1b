-- Keyed hashes of the addresses that people had before the present one, with which an
-- erasure finds what was tied to them. They are deleted at the erasure.
CREATE TABLE former_emails (
    person_id uuid  NOT NULL,
    digest    bytea NOT NULL,
    PRIMARY KEY (person_id, digest)
);
