-- A view is for its owner alone, or for everybody who may see the project in its query.
-- Queries leave out those that are for others. People who are limited to some projects
-- see their own ones and those of their projects.
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
        CONTINUE WHEN to_regclass(format('%I.views', place)) IS NULL;
        EXECUTE format('ALTER TABLE %I.views ADD COLUMN owner_id uuid, '
                       'ADD COLUMN is_private boolean NOT NULL DEFAULT false, '
                       'ADD COLUMN project_id uuid', place);
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        EXECUTE format('ALTER POLICY projects ON %I.views '
                       'USING (organization_id = goatherd_tenant() AND (is_built_in '
                       'OR is_private OR project_id = '
                       'ANY ((SELECT goatherd_projects())::uuid[])))', place);
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
