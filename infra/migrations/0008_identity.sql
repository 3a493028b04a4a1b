-- The account of a creator's handle at its first scrape, by the ids that stay when an
-- account is renamed. The rows follow from the log; a handle that comes back is pinned
-- anew.

CREATE TABLE creator_identity (
    creator_id      uuid   PRIMARY KEY,
    organization_id uuid   NOT NULL,
    -- Both are null once they were forgotten.
    user_id         text,
    sec_uid         text,
    -- The last event that changed the row, so that applying it again changes nothing.
    position        bigint NOT NULL
) WITH (fillfactor = 80);
