-- The partial search decides from one narrow table which few creators to fetch.
--
-- The grams were a column of their own, and what a search filters and sorts by stood
-- elsewhere: each creator with the part in its handle cost two wide rows. Now the grams
-- are in the index alone, beside them stands what decides, and what nobody searches by
-- stays out, so that millions fit in memory.

-- Every run of 1 to 3 characters of a handle, each led by a mark of its tenant, so that
-- one organization's size is not another's cost. The end of a handle repeats itself,
-- which the index does not mind. Never replace this without building the index anew.
CREATE FUNCTION goatherd_grams(organization_id uuid, handle text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS $$
DECLARE
    mark  text := right(organization_id::text, 6);
    found text[] := '{}';
BEGIN
    FOR n IN 1 .. length(handle) LOOP
        found := found || ARRAY[
            mark || substr(handle, n, 1),
            mark || substr(handle, n, 2),
            mark || substr(handle, n, 3)
        ];
    END LOOP;
    RETURN found;
END $$;

-- Apart from creator_list, because a scrape's new figures must not touch the grams: of
-- the followers only the magnitude is here, which seldom changes. The room left in each
-- page is for such changes, which then touch no index at all.
CREATE TABLE creator_search (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    created_at      timestamptz NOT NULL,
    magnitude       smallint    NOT NULL,
    status          text        NOT NULL,
    tiktok_handle   text        NOT NULL COLLATE "C",
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
INSERT INTO creator_search
SELECT organization_id, id, project_id, created_at,
       -- As projections/creator_list.py says it.
       CASE WHEN followers >= 0 THEN length(ltrim(followers::bit(64)::text, '0'))
            ELSE -1 - length(ltrim((~followers)::bit(64)::text, '0')) END,
       status, tiktok_handle
FROM (SELECT *, coalesce(follower_count, -1) AS followers FROM creator_list) AS counted;
-- What waits to be put into the index every search looks through as well, so little may.
CREATE INDEX creator_search_grams ON creator_search
    USING gin (goatherd_grams(organization_id, tiktok_handle))
    WITH (gin_pending_list_limit = 512);

DROP FUNCTION goatherd_search;
DROP TABLE creator_grams;

-- Row-level security would keep the planner from the grams, whose operator is not
-- leakproof. This function is the wall instead: it runs as its owner and looks only
-- into the reader's own tenant, for any argument.
--
-- IS NOT DISTINCT FROM, for which no index is of use: one that begins with the tenant
-- would be worse than the grams by far, and look better for tenants of usual size.
CREATE FUNCTION goatherd_search(wanted text[]) RETURNS SETOF creator_search
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT * FROM creator_search
    WHERE goatherd_grams(organization_id, tiktok_handle) @> wanted
      AND organization_id IS NOT DISTINCT FROM (SELECT goatherd_tenant())
$$;
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader;
