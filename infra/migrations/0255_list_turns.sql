-- The turns of each creator's older videos, for sources that list them in turn: the run
-- that listed some last, and where the next one begins. The rows follow from the log.

CREATE TABLE list_turn (
    creator_id      uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    is_complete     boolean     NOT NULL,
    turned_at       timestamptz,
    -- A time of posting; null begins after the newest videos.
    older_than      timestamptz,
    -- The last event that changed the row, so that applying it again changes nothing.
    position        bigint      NOT NULL
) WITH (fillfactor = 80);
