-- Read models are built again in other tables than the live ones, and swapped in if
-- equal.

-- One row for each projection: its running or last rebuild. The builder locks the row;
-- ``position`` is committed together with the rows built up to it.
CREATE TABLE projection_rebuild (
    name             text        PRIMARY KEY,
    version          int         NOT NULL,
    status           text        NOT NULL CHECK (status IN (
        'building', 'comparing', 'ready', 'refused', 'swapped', 'cancelled', 'failed'
    )),
    position         bigint      NOT NULL DEFAULT 0,
    -- The end of the log at the beginning; slices are cut up to there.
    head             bigint      NOT NULL,
    facts            bigint      NOT NULL DEFAULT 0,
    working_seconds  float8      NOT NULL DEFAULT 0,
    comparison       json,
    swap_ms          float8,
    error            text,
    error_position   bigint,
    error_fact       text,
    is_cancel_asked  boolean     NOT NULL DEFAULT false,
    is_forced        boolean     NOT NULL DEFAULT false,
    started_by       text        NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 10);

-- The tables that the last swap replaced, and their position. The events that their
-- follower could not apply belong to them.
CREATE TABLE projection_kept (
    name         text        PRIMARY KEY,
    version      int         NOT NULL,
    position     bigint      NOT NULL,
    dead_letters json        NOT NULL DEFAULT '[]',
    kept_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The tasks of a rebuild that is cut into slices. A stage begins when the previous one
-- is done. A worker that leases a slice gets the next ``fence``; the work of an older
-- fence is not kept, not even if the same slice was cut anew.
CREATE SEQUENCE projection_slice_fence;
CREATE TABLE projection_slice (
    name           text        NOT NULL,
    version        int         NOT NULL,
    -- 0 is gathering; then the stages in the projection's order.
    stage_number   smallint    NOT NULL,
    stage          text        NOT NULL,
    number         int         NOT NULL,
    -- The part of the log to gather: after the first position, up to and including the
    -- last.
    after_position bigint,
    last_position  bigint,
    -- The number of shares of a stage to settle.
    shares         int,
    state          text        NOT NULL DEFAULT 'waiting'
                               CHECK (state IN ('waiting', 'done')),
    attempts       int         NOT NULL DEFAULT 0,
    fence          bigint      NOT NULL DEFAULT 0,
    leased_until   timestamptz,
    leased_by      text,
    facts          bigint      NOT NULL DEFAULT 0,
    settled        bigint      NOT NULL DEFAULT 0,
    working_seconds float8     NOT NULL DEFAULT 0,
    finished_at    timestamptz,
    PRIMARY KEY (name, version, stage_number, number)
) WITH (fillfactor = 50);
CREATE INDEX projection_slice_waiting ON projection_slice
    (name, version, stage_number, number) WHERE state = 'waiting';

-- The same as before, with a row type of its own: a swapped table has another one.
CREATE TYPE goatherd_found_creator AS (
    organization_id uuid, id uuid, project_id uuid, created_at timestamptz,
    magnitude smallint, status text, tiktok_handle text COLLATE "C"
);
DROP FUNCTION goatherd_search;
CREATE FUNCTION goatherd_search(wanted text[]) RETURNS SETOF goatherd_found_creator
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT organization_id, id, project_id, created_at, magnitude, status, tiktok_handle
    FROM creator_search
    WHERE goatherd_grams(organization_id, tiktok_handle) @> wanted
      AND organization_id IS NOT DISTINCT FROM (SELECT goatherd_tenant())
$$;
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader;
