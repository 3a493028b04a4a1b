-- issue_links: the digest of the link by which a recipient opens an issue of a report
-- without an account. recipient is a keyed hash of the address, null once it was taken
-- out. project_id is null for a report about the whole organization.
CREATE TABLE issue_links (
    digest          bytea       NOT NULL PRIMARY KEY,
    organization_id uuid        NOT NULL,
    project_id      uuid,
    report_id       uuid        NOT NULL,
    number          integer     NOT NULL,
    recipient       uuid,
    until           timestamptz NOT NULL
);
CREATE INDEX issue_links_recipient ON issue_links (recipient);
CREATE INDEX issue_links_until ON issue_links (until);
ALTER TABLE issue_links ENABLE ROW LEVEL SECURITY;
