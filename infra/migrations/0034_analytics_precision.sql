-- What rounding makes of the sums of profiles, by the quarter of an hour: what was only
-- sharpened is not new, and what is made of a rounded level is marked. Rules version 4
-- of analytics fills it, beside; until that is swapped in nothing is marked.
DO $$
DECLARE
    place  text;
    metric text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
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
