-- Under which rule analytics was worked out. It stands among the tables that it is true
-- of, so that it is swapped and brought back with them, whoever follows and reads them.
DO $$
DECLARE
    place text;
BEGIN
    -- Tables that were kept by a release before this one come back with a rule as well.
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
        -- It is nobody's own, so there is nothing to wall off.
        EXECUTE format('GRANT SELECT ON %I.analytics_rule TO goatherd_reader', place);
    END LOOP;
END $$;

-- Under which rule the shadow tables are built, null if there is only one. A dry run
-- is kept until somebody swaps or cancels it.
ALTER TABLE projection_rebuild
    ADD COLUMN rule       text,
    ADD COLUMN is_dry_run boolean NOT NULL DEFAULT false;
