-- The erased values of a person, for `goatherd erase --verify`: names, texts and ids in
-- a sealed list. Its key is in installation_keys, under the name `erased values` and
-- the id; both are deleted after a day. No backup has the list.
CREATE TABLE erased_values (
    id           uuid        PRIMARY KEY,
    organization_id uuid     NOT NULL,
    creator_ids  uuid[]      NOT NULL,
    -- The position of the erasure: read models have the values until they have reached
    -- it.
    position     bigint      NOT NULL,
    kept_until   timestamptz NOT NULL,
    sealed       bytea       NOT NULL,
    -- The time since which the old versions of rows and the planner's statistics are
    -- gone.
    tidied_at    timestamptz
) WITH (
    -- A deleted list is in the table's file until the row's old version is removed.
    autovacuum_vacuum_threshold = 0,
    autovacuum_vacuum_scale_factor = 0
);
