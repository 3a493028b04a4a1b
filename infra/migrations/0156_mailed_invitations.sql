-- The link of an invitation that was sent by mail. It is another one than the link that
-- the inviting person sees: whoever has it reads the mails of the invited address.
ALTER TABLE invitation_links ADD COLUMN mail_digest bytea UNIQUE;

-- A mail goes with the person or the invitation that it is about.
ALTER TABLE mails RENAME COLUMN person_id TO subject;
ALTER INDEX mails_person RENAME TO mails_subject;

-- Mails of invitations in the last day, each with a keyed hash of its address, so that
-- nobody is sent many of them.
CREATE TABLE invitation_mails (
    organization_id uuid        NOT NULL,
    email_digest    bytea       NOT NULL,
    sent_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invitation_mails_organization
    ON invitation_mails (organization_id, sent_at);
