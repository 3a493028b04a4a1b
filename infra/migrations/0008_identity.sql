-- Whom a creator's handle belonged to when it was first seen, by the ids that stay when
-- an account is renamed. Kept from the log; a handle that comes back is pinned anew.

CREATE TABLE creator_identity (
    creator_id      uuid   PRIMARY KEY,
    organization_id uuid   NOT NULL,
    -- Both null once they were forgotten.
    user_id         text,
    sec_uid         text,
    -- The last event that changed the row, so that applying it again changes nothing.
    position        bigint NOT NULL
) WITH (fillfactor = 80);
