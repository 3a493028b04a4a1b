-- Mails that wait for the mail server, encrypted with the master key. A mail that was
-- taken, refused or given up has no row.
CREATE TABLE mails (
    id        uuid        NOT NULL PRIMARY KEY,
    person_id uuid,
    sealed    bytea       NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    send_at   timestamptz NOT NULL DEFAULT now(),
    until     timestamptz NOT NULL,
    tries     integer     NOT NULL DEFAULT 0
);
CREATE INDEX mails_send_at ON mails (send_at);
CREATE INDEX mails_person ON mails (person_id);
