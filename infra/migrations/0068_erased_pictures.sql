-- The pictures of erased persons, by the hash of their addresses, for a week: servers
-- delete their copies, and make no others. Numbers are assigned under the append lock,
-- so that they become visible in their order.
CREATE TABLE erased_pictures (
    number    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text        NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX erased_pictures_name ON erased_pictures (name);
