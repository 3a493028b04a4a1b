-- People who are limited to some projects see the same rows as before, for less work.
-- A project's own row has no project_id, so its id stands for it: one comparison that an
-- index answers, in the place of two. Sums of creators, projects and campaigns are
-- looked up among these subjects alone, because none of them belongs to a video.
DO $$
DECLARE
    path    text := current_setting('search_path');
    place   text;
    limits  text[];
    subject text :=
        'EXISTS (SELECT FROM analytics_subjects s '
        'WHERE s.organization_id = goatherd_tenant() AND s.id = %s)';
BEGIN
    FOR place IN
        SELECT current_schema()::text UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'goatherd\_old\_%' OR nspname LIKE 'goatherd\_next\_%'
    LOOP
        CONTINUE WHEN to_regclass(format('%I.analytics_subjects', place)) IS NULL;
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        EXECUTE format(
            'CREATE INDEX analytics_subjects_of_project ON %I.analytics_subjects '
            '(organization_id, (coalesce(project_id, id))) INCLUDE (id, project_id)',
            place);
        FOREACH limits SLICE 1 IN ARRAY ARRAY[
            ['analytics_subjects',
             'coalesce(project_id, id) = ANY ((SELECT goatherd_projects())::uuid[])'],
            ['analytics_campaign_changes', format(subject, 'campaign_id')],
            ['analytics_campaign_members', format(subject, 'campaign_id')],
            ['analytics_creator_posts', format(subject, 'analytics_creator_posts.id')],
            ['analytics_profile_days', format(subject, 'analytics_profile_days.id')],
            ['analytics_profile_totals',
             format(subject, 'analytics_profile_totals.id')],
            ['analytics_profile_rollups',
             format(subject, 'analytics_profile_rollups.id')],
            ['analytics_profile_precision',
             format(subject, 'analytics_profile_precision.id')],
            ['analytics_video_days', format(subject, 'analytics_video_days.id')],
            ['analytics_video_totals', format(subject, 'analytics_video_totals.id')]
        ] LOOP
            CONTINUE WHEN to_regclass(format('%I.%I', place, limits[1])) IS NULL;
            EXECUTE format('ALTER POLICY projects ON %I.%I '
                           'USING (organization_id = goatherd_tenant() AND %s)',
                           place, limits[1], limits[2]);
        END LOOP;
    END LOOP;
    PERFORM set_config('search_path', path, true);
END $$;
