-- The position at which a thing was made, 0 if there is no such thing.
CREATE FUNCTION goatherd_made(thing uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT coalesce(min(notification_id), 0) FROM goatherd_events
    WHERE originator_id = thing AND originator_version = 1
$$;
REVOKE ALL ON FUNCTION goatherd_made FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_made TO goatherd_limited;

-- A report about a creator that was made before the creator moved: its name and its
-- recipients are those of the project that the creator left.
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
            'AND goatherd_made(id) >= goatherd_history_begins(scope_id) END)', place);
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
