-- Levels of each owner's videos at the end of each UTC day, and their first levels, so
-- that lists of videos read other snapshots only for a part of a day. Rules version 6
-- of analytics fills them in shadow tables; until the swap they are empty.
DO $$
DECLARE
    place text;
    made  text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        -- A row for each day with a snapshot, except the last such day: after that the
        -- owner state holds.
        EXECUTE format(
            'CREATE TABLE %I.analytics_owner_days ('
            '    organization_id uuid  NOT NULL,'
            '    owner           uuid  NOT NULL,'
            '    day             int   NOT NULL,'
            '    levels          bytea NOT NULL,'
            '    PRIMARY KEY (organization_id, owner, day))', place);
        EXECUTE format(
            'CREATE TABLE %I.analytics_first_levels ('
            '    organization_id uuid  NOT NULL,'
            '    owner           uuid  NOT NULL,'
            '    levels          bytea NOT NULL,'
            '    PRIMARY KEY (organization_id, owner))', place);
        FOREACH made IN ARRAY ARRAY['analytics_owner_days', 'analytics_first_levels']
        LOOP
            EXECUTE format('ALTER TABLE %I.%I ALTER COLUMN levels SET STORAGE EXTERNAL',
                           place, made);
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', place, made);
            EXECUTE format('CREATE POLICY tenant ON %I.%I FOR SELECT TO goatherd_reader '
                           'USING (organization_id = goatherd_tenant())', place, made);
            EXECUTE format('GRANT SELECT ON %I.%I TO goatherd_reader', place, made);
        END LOOP;
    END LOOP;
END $$;
