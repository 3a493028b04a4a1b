-- Plain names for the counters of limits, the observations of a scrape, and the rule
-- for baselines. Only names change, so nothing is rebuilt.
ALTER TABLE tally RENAME TO quota_counters;
ALTER INDEX tally_pkey RENAME TO quota_counters_pkey;

-- A parameter of a function cannot be renamed in place, so each function is made anew
-- with the new names only.
DO $$
DECLARE
    one        record;
    definition text;
BEGIN
    FOR one IN
        SELECT oid, oid::regprocedure AS signature FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
          AND proname IN ('goatherd_enter_append', 'goatherd_append',
                          'goatherd_open_append')
    LOOP
        definition := replace(replace(pg_get_functiondef(one.oid),
                                      'tallies', 'counters'),
                              'tally', 'quota_counters');
        EXECUTE format('DROP FUNCTION %s', one.signature);
        EXECUTE definition;
    END LOOP;
END $$;

-- Shadow tables and previous tables get the same names.
DO $$
DECLARE
    found  record;
    schemas CONSTANT name[] := ARRAY[
        current_schema(), 'goatherd_old_scrape_runs', 'goatherd_next_scrape_runs',
        'goatherd_old_analytics', 'goatherd_next_analytics'
    ];
BEGIN
    FOR found IN
        SELECT nspname AS place, relname AS name
        FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relname IN ('scrape_runs', 'analytics_rule') AND relkind = 'r'
          AND nspname = ANY(schemas)
    LOOP
        IF found.name = 'scrape_runs' THEN
            EXECUTE format('ALTER TABLE %I.scrape_runs '
                           'RENAME COLUMN profile_seen TO profile_observed', found.place);
            EXECUTE format('ALTER TABLE %I.scrape_runs '
                           'RENAME COLUMN videos_seen TO videos_observed', found.place);
            CONTINUE;
        END IF;
        EXECUTE format('ALTER TABLE %I.analytics_rule '
                       'DROP CONSTRAINT analytics_rule_baseline_check', found.place);
        EXECUTE format('UPDATE %I.analytics_rule '
                       'SET baseline = ''posted_before_first_snapshot'' '
                       'WHERE baseline = ''posted_before_first_look''', found.place);
        EXECUTE format('ALTER TABLE %I.analytics_rule '
                       'ADD CONSTRAINT analytics_rule_baseline_check '
                       'CHECK (baseline IN (''posted_before_first_snapshot'', '
                       '''first_snapshot'', ''never''))', found.place);
    END LOOP;
END $$;
UPDATE projection_rebuild SET rule = 'posted_before_first_snapshot'
WHERE rule = 'posted_before_first_look';
UPDATE projection_rebuild
SET comparison = replace(comparison::text, 'posted_before_first_look',
                         'posted_before_first_snapshot')::json
WHERE comparison::text LIKE '%posted_before_first_look%';

-- The end of the log has the time of recording of the event there.
DO $$
DECLARE
    definition CONSTANT text :=
        replace(pg_get_functiondef('goatherd_log_end'::regproc), 'told_at', 'ended_at');
BEGIN
    DROP FUNCTION goatherd_log_end;
    EXECUTE definition;
END $$;
REVOKE ALL ON FUNCTION goatherd_log_end FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_log_end TO goatherd_reader;
