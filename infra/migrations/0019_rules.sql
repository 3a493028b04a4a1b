-- The rule of the present rows of analytics. It is in a table of analytics, so that a
-- swap or a rollback exchanges it together with the rows.
DO $$
DECLARE
    place text;
BEGIN
    -- Previous tables of an earlier release get a rule as well.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace WHERE nspname = 'goatherd_old_analytics'
    LOOP
        EXECUTE format(
            'CREATE TABLE %I.analytics_rule ('
            '    is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),'
            '    baseline text    NOT NULL CHECK (baseline IN ('
            '        ''posted_before_first_look'', ''first_snapshot'', ''never'')))',
            place);
        EXECUTE format('INSERT INTO %I.analytics_rule (baseline) '
                       'VALUES (''posted_before_first_look'')', place);
        -- The rule belongs to no tenant, so no policy is needed.
        EXECUTE format('GRANT SELECT ON %I.analytics_rule TO goatherd_reader', place);
    END LOOP;
END $$;

-- The rule of the shadow tables, null if there is only one. A dry run is kept until
-- somebody swaps or cancels it.
ALTER TABLE projection_rebuild
    ADD COLUMN rule       text,
    ADD COLUMN is_dry_run boolean NOT NULL DEFAULT false;
