-- The partial search finds the few creators to fetch in one narrow table.
--
-- Before, the grams were a column, and the filtered and sorted columns were elsewhere:
-- each creator with the part in its handle cost two wide rows. Now only the index has
-- the grams, the table has the columns that decide, and all others stay outside, so
-- that millions of rows fit in memory.

-- Every run of 1 to 3 characters of a handle, each with a mark of its tenant before it,
-- so that the size of one organization costs others nothing. The end of a handle
-- repeats itself, which does not harm the index. Build the index anew whenever this
-- changes.
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

-- The table is apart from creator_list, because new figures of a scrape must not touch
-- the grams. Only the magnitude of the followers is here, which seldom changes. Each
-- page has free room for such changes, which then touch no index at all.
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
       -- The same rule is in projections/creator_list.py.
       CASE WHEN followers >= 0 THEN length(ltrim(followers::bit(64)::text, '0'))
            ELSE -1 - length(ltrim((~followers)::bit(64)::text, '0')) END,
       status, tiktok_handle
FROM (SELECT *, coalesce(follower_count, -1) AS followers FROM creator_list) AS counted;
-- Every search also reads the rows that wait for their place in the index, so few may
-- wait.
CREATE INDEX creator_search_grams ON creator_search
    USING gin (goatherd_grams(organization_id, tiktok_handle))
    WITH (gin_pending_list_limit = 512);

DROP FUNCTION goatherd_search;
DROP TABLE creator_grams;

-- Row-level security would keep the planner from the grams, whose operator is not
-- leakproof. This function protects the rows instead: it runs as its owner and reads
-- only the reader's own tenant, for any argument.
--
-- IS NOT DISTINCT FROM can't use an index: one that begins with the tenant would be far
-- worse than the grams, and look better for tenants of usual size.
CREATE FUNCTION goatherd_search(wanted text[]) RETURNS SETOF creator_search
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT * FROM creator_search
    WHERE goatherd_grams(organization_id, tiktok_handle) @> wanted
      AND organization_id IS NOT DISTINCT FROM (SELECT goatherd_tenant())
$$;
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader;
