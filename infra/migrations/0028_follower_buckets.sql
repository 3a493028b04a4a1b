-- The search stores a creator's followers as a bucket: the number's binary digits.
-- Shadow tables and previous tables change in the same way.
DO $$
DECLARE place name;
BEGIN
    FOR place IN
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'magnitude'
        WHERE c.relname = 'creator_search' AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %I.creator_search '
                       'RENAME COLUMN magnitude TO follower_bucket', place);
    END LOOP;
END $$;

DROP FUNCTION goatherd_search;
ALTER TYPE goatherd_found_creator RENAME ATTRIBUTE magnitude TO follower_bucket;
CREATE FUNCTION goatherd_search(grams text[]) RETURNS SETOF goatherd_found_creator
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT organization_id, id, project_id, created_at, follower_bucket, status,
           tiktok_handle
    FROM creator_search
    WHERE goatherd_grams(organization_id, tiktok_handle) @> grams
      AND organization_id IS NOT DISTINCT FROM (SELECT goatherd_tenant())
$$;
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader;
