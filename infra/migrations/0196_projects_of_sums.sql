-- The sums of creators have the project that each creator is in, so that people who are
-- limited to some projects compare it in the row. Looking up every creator took them
-- longer than reading the sums. The column is null where the project is not known.
DO $$
DECLARE
    path  text := current_setting('search_path');
    place text;
    made  text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema()::text UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'goatherd\_old\_%' OR nspname LIKE 'goatherd\_next\_%'
    LOOP
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        FOREACH made IN ARRAY ARRAY[
            'analytics_video_totals', 'analytics_video_days',
            'analytics_profile_totals', 'analytics_profile_days',
            'analytics_creator_posts'
        ] LOOP
            CONTINUE WHEN to_regclass(format('%I.%I', place, made)) IS NULL;
            EXECUTE format('ALTER TABLE %I.%I ADD COLUMN project_id uuid', place, made);
            EXECUTE format(
                'UPDATE %1$I.%2$I AS held SET project_id = s.project_id '
                'FROM %1$I.analytics_subjects s '
                'WHERE s.organization_id = held.organization_id AND s.id = held.id '
                'AND s.project_id IS NOT NULL', place, made);
            EXECUTE format(
                'ALTER POLICY projects ON %I.%I USING ('
                'organization_id = goatherd_tenant() '
                'AND project_id = ANY ((SELECT goatherd_projects())::uuid[]))',
                place, made);
        END LOOP;
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
