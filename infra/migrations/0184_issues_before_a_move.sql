-- A report about a creator that moved: people who may not see the project it left find no
-- issue from before the move, as in its history.
DO $$
DECLARE
    path  text := current_setting('search_path');
    place text;
BEGIN
    FOR place IN
        SELECT current_schema()::text UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'goatherd\_old\_%' OR nspname LIKE 'goatherd\_next\_%'
    LOOP
        CONTINUE WHEN to_regclass(format('%I.report_issues', place)) IS NULL;
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        EXECUTE format(
            'ALTER POLICY projects ON %I.report_issues '
            'USING (organization_id = goatherd_tenant() AND CASE scope_type '
            'WHEN ''org'' THEN false '
            'WHEN ''project'' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[]) '
            'WHEN ''campaign'' THEN goatherd_sees_campaign(scope_id) '
            'ELSE goatherd_sees_creator(scope_id) '
            'AND position >= goatherd_history_begins(scope_id) END)', place);
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
