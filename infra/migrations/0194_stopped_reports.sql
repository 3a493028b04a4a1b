-- Why Goatherd itself switched a report off, null if it did not.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_reports', 'goatherd_next_reports']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.reports '
                       'ADD COLUMN stopped_because text',
                       place);
    END LOOP;
END $$;

-- The position at which a report was made, or switched on for the last time: from there on
-- it belongs to the project in which its creator is. 0 if there is no such report.
CREATE FUNCTION goatherd_report_begins(report uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT coalesce(max(notification_id), 0) FROM goatherd_events
    WHERE originator_id = report AND (topic = 'report_made' OR topic = 'report_changed'
        AND (convert_from(state, 'UTF8')::jsonb ->> 'enabled')::boolean)
$$;
REVOKE ALL ON FUNCTION goatherd_report_begins FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_report_begins TO goatherd_limited;

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
        CONTINUE WHEN to_regclass(format('%I.reports', place)) IS NULL;
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        EXECUTE format(
            'ALTER POLICY projects ON %I.reports '
            'USING (organization_id = goatherd_tenant() AND CASE scope_type '
            'WHEN ''org'' THEN false '
            'WHEN ''project'' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[]) '
            'WHEN ''campaign'' THEN goatherd_sees_campaign(scope_id) '
            'ELSE goatherd_sees_creator(scope_id) '
            'AND goatherd_report_begins(id) >= goatherd_history_begins(scope_id) END)',
            place);
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
