-- The organizations that run the installation: null means that no event says it, and
-- then the oldest one does.
ALTER TABLE organizations ADD COLUMN is_operator boolean;
CREATE INDEX organizations_by_age ON organizations (created_at, organization_id);

-- Earlier events do not have the new field, so the rows need no rebuilding. A follower
-- of the previous release must stop.
UPDATE projection SET version = 3 WHERE name = 'api_keys' AND version = 2;
