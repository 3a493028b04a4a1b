-- creators_of is the organization whose creators a mail names. An erasure deletes it.
ALTER TABLE mails ADD COLUMN creators_of uuid;
CREATE INDEX mails_creators ON mails (creators_of) WHERE creators_of IS NOT NULL;
