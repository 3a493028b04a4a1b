-- A creator that moved away and came back: people who may not see the other project find
-- nothing of the time before, as in its history. Notes of people belong to the creator
-- and stay; annotations that follow from the log are of their day.
DO $$
DECLARE
    path   text := current_setting('search_path');
    place  text;
    limits text[];
    own    text := 'project_id = ANY ((SELECT goatherd_projects())::uuid[]) '
                   'AND (creator_id IS NULL OR goatherd_sees_creator(creator_id) '
                   'AND position >= goatherd_history_begins(creator_id))';
BEGIN
    FOR place IN
        SELECT current_schema()::text UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'goatherd\_old\_%' OR nspname LIKE 'goatherd\_next\_%'
    LOOP
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        FOREACH limits SLICE 1 IN ARRAY ARRAY[
            ['activity', own],
            ['feed', own],
            ['annotations',
             'CASE scope WHEN ''project'' '
             'THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[]) '
             'WHEN ''creator'' THEN goatherd_sees_creator(scope_id) '
             'AND (kind = ''note'' OR position >= goatherd_history_begins(scope_id)) '
             'WHEN ''campaign'' THEN goatherd_sees_campaign(scope_id) '
             'WHEN ''video'' THEN goatherd_sees_video(scope_id) ELSE false END']
        ] LOOP
            CONTINUE WHEN to_regclass(format('%I.%I', place, limits[1])) IS NULL;
            EXECUTE format('ALTER POLICY projects ON %I.%I '
                           'USING (organization_id = goatherd_tenant() AND %s)',
                           place, limits[1], limits[2]);
        END LOOP;
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
