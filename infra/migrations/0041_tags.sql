-- Tags of creators and videos, and their keys, which all spellings in upper and lower
-- case share and by which lists are filtered. Nothing had tags before, so nothing is
-- rebuilt. Shadow tables and previous tables change in the same way.
DO $$
DECLARE
    place name;
    kept  name;
BEGIN
    FOR place, kept IN
        SELECT n.nspname, c.relname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname IN ('creator_list', 'videos') AND c.relkind = 'r'
          AND n.nspname IN (current_schema(), 'goatherd_old_creator_list',
                            'goatherd_next_creator_list', 'goatherd_old_videos',
                            'goatherd_next_videos')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I '
                       'ADD COLUMN tags text[] NOT NULL DEFAULT ''{}'', '
                       'ADD COLUMN tag_keys text[] NOT NULL DEFAULT ''{}''',
                       place, kept);
    END LOOP;
END $$;
