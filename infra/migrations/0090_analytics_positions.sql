-- The newest event of each organization that analytics has folded: the basis of a
-- present answer. An organization has no row until its next event or a rebuild.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        EXECUTE format(
            'CREATE TABLE %I.analytics_positions ('
            '    organization_id uuid   NOT NULL PRIMARY KEY,'
            '    position        bigint NOT NULL)', place);
        EXECUTE format('ALTER TABLE %I.analytics_positions '
                       'ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I.analytics_positions '
                       'FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
        EXECUTE format('GRANT SELECT ON %I.analytics_positions '
                       'TO goatherd_reader', place);
    END LOOP;
END $$;
