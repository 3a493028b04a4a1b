-- Which organizations run the installation: null is what nobody said, and then it is the
-- oldest one.
ALTER TABLE organizations ADD COLUMN is_operator boolean;
CREATE INDEX organizations_by_age ON organizations (created_at, organization_id);

-- The events from before have nothing of what is new, so the rows need no rebuilding; a
-- follower of the release before must not go on.
UPDATE projection SET version = 3 WHERE name = 'api_keys' AND version = 2;
