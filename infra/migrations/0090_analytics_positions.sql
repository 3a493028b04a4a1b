-- The newest event of each organization that analytics has folded: what an answer of now
-- stands on. Until the next event of an organization, or a rebuild, it has no row.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept, or that wait to be swapped, come in with it as well.
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
