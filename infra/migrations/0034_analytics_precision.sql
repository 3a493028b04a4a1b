-- The effects of rounding on the sums of profiles, by the quarter of an hour: the
-- change by a sharpening is not growth, and values from rounded levels are marked.
-- Rules version 4 of analytics fills the columns in shadow tables; until the swap
-- nothing is marked.
DO $$
DECLARE
    place  text;
    metric text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        EXECUTE format(
            'CREATE TABLE %I.analytics_profile_precision ('
            '    organization_id uuid NOT NULL,'
            '    id              uuid NOT NULL,'
            '    slot            int  NOT NULL,'
            '    PRIMARY KEY (organization_id, id, slot)) WITH (fillfactor = 80)',
            place);
        FOREACH metric IN ARRAY
            ARRAY['followers', 'following', 'total_likes', 'video_count']
        LOOP
            EXECUTE format(
                'ALTER TABLE %I.analytics_profile_precision '
                'ADD COLUMN %I bigint NOT NULL, ADD COLUMN %I int NOT NULL, '
                'ADD COLUMN %I int NOT NULL, ADD COLUMN %I int NOT NULL',
                place, metric || '_sharpened', metric || '_sharpenings',
                metric || '_rounded', metric || '_changes');
        END LOOP;
        EXECUTE format('ALTER TABLE %I.analytics_profile_precision '
                       'ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I.analytics_profile_precision '
                       'FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
        EXECUTE format('GRANT SELECT ON %I.analytics_profile_precision '
                       'TO goatherd_reader', place);
    END LOOP;
END $$;
