-- The search also finds creators by names and tags. ``searched`` has the handle, the
-- name and the tags on lines of their own, in one letter case. A rebuild of the read
-- model fills it; until then the search finds creators by their handles alone. Shadow
-- tables and previous tables change in the same way.
DO $$
DECLARE
    place name;
    kept  name;
BEGIN
    FOR place, kept IN
        SELECT n.nspname, c.relname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname IN ('creator_list', 'creator_search') AND c.relkind = 'r'
          AND n.nspname IN (current_schema(), 'goatherd_old_creator_list',
                            'goatherd_next_creator_list')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ADD COLUMN searched text COLLATE "C"',
                       place, kept);
        EXECUTE format('UPDATE %I.%I SET searched = tiktok_handle', place, kept);
        EXECUTE format('ALTER TABLE %I.%I ALTER COLUMN searched SET NOT NULL',
                       place, kept);
    END LOOP;
END $$;

DROP FUNCTION goatherd_search;
DROP INDEX creator_search_grams;
CREATE INDEX creator_search_grams ON creator_search
    USING gin (goatherd_grams(organization_id, searched))
    WITH (gin_pending_list_limit = 512);
ALTER TYPE goatherd_found_creator ADD ATTRIBUTE searched text COLLATE "C";
CREATE FUNCTION goatherd_search(grams text[]) RETURNS SETOF goatherd_found_creator
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT organization_id, id, project_id, created_at, follower_bucket, status,
           tiktok_handle, searched
    FROM creator_search
    WHERE goatherd_grams(organization_id, searched) @> grams
      AND organization_id IS NOT DISTINCT FROM (SELECT goatherd_tenant())
$$;
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader;

-- The few creators that have tags, for GET /tags.
CREATE INDEX creator_list_tagged ON creator_list (organization_id, project_id)
    WHERE tag_keys <> '{}';
CREATE INDEX videos_tagged ON videos (organization_id, project_id)
    WHERE tag_keys <> '{}';
