-- The position at which a rule got its scope, 0 if there is no such rule.
CREATE FUNCTION goatherd_scoped(rule uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT coalesce(max(notification_id), 0) FROM goatherd_events
    WHERE originator_id = rule AND topic IN ('alert_rule_made', 'alert_rule_changed')
    AND convert_from(state, 'UTF8')::jsonb ? 'scope'
$$;
REVOKE ALL ON FUNCTION goatherd_scoped FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_scoped TO goatherd_limited;

-- A rule about a creator from before the creator moved: its name is that of people who see
-- the project that the creator left. An alert that was over before the move is of that
-- project as well; one that is open goes on in the new one.
DO $$
DECLARE
    path   text := current_setting('search_path');
    place  text;
    limits text[];
BEGIN
    FOR place IN
        SELECT current_schema()::text UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'goatherd\_old\_%' OR nspname LIKE 'goatherd\_next\_%'
    LOOP
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        FOREACH limits SLICE 1 IN ARRAY ARRAY[
            ['alert_rules',
             'CASE scope_type WHEN ''org'' THEN built_in IS NOT NULL '
             'WHEN ''project'' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[]) '
             'WHEN ''campaign'' THEN goatherd_sees_campaign(scope_id) '
             'ELSE goatherd_sees_creator(scope_id) '
             'AND goatherd_scoped(id) >= goatherd_history_begins(scope_id) END'],
            ['alerts',
             'CASE WHEN creator_id IS NULL '
             'THEN project_id = ANY ((SELECT goatherd_projects())::uuid[]) '
             'ELSE goatherd_sees_creator(creator_id) AND (ended_at IS NULL '
             'OR position >= goatherd_history_begins(creator_id)) END']
        ] LOOP
            CONTINUE WHEN to_regclass(format('%I.%I', place, limits[1])) IS NULL;
            EXECUTE format('ALTER POLICY projects ON %I.%I '
                           'USING (organization_id = goatherd_tenant() AND %s)',
                           place, limits[1], limits[2]);
        END LOOP;
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
