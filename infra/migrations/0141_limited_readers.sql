-- People who are limited to some projects read with a role of their own, which sees the
-- rows of these projects only. The reader role goes on as before, so that nobody else
-- pays for these conditions. A table without a policy here is refused to the role.

CREATE FUNCTION goatherd_projects() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('goatherd.project_ids', true), '')::uuid[];

-- These functions look a thing up in the table of another read model. A policy that
-- named the table itself would go on to name the replaced one after a rebuild. They run
-- as the reader, so the policies of that table apply to them.
CREATE FUNCTION goatherd_sees_creator(of uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM creator_list
                   WHERE organization_id = goatherd_tenant() AND id = of);
END $$;

CREATE FUNCTION goatherd_sees_campaign(of uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM campaigns
                   WHERE organization_id = goatherd_tenant() AND id = of);
END $$;

CREATE FUNCTION goatherd_sees_video(of uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM videos
                   WHERE organization_id = goatherd_tenant() AND id = of);
END $$;

-- The policies of people who are limited. Shadow tables and previous tables get them as
-- well, and a policy that names a table of the same read model names the one beside it.
DO $$
DECLARE
    path   text := current_setting('search_path');
    place  text;
    limits text[];
    -- The creator, project, campaign or video with the id %1$s is one of these projects.
    subject text :=
        '(EXISTS (SELECT FROM analytics_subjects s '
        'WHERE s.organization_id = goatherd_tenant() AND s.id = %1$s) '
        'OR EXISTS (SELECT FROM analytics_videos v '
        'WHERE v.organization_id = goatherd_tenant() AND v.id = %1$s))';
    own    text := 'project_id = ANY ((SELECT goatherd_projects())::uuid[])';
    video  text :=
        'EXISTS (SELECT FROM videos v '
        'WHERE v.organization_id = goatherd_tenant() AND v.id = %s.id)';
BEGIN
    FOR place IN
        SELECT current_schema()::text UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE 'goatherd\_old\_%' OR nspname LIKE 'goatherd\_next\_%'
    LOOP
        PERFORM set_config('search_path', quote_ident(place) || ', ' || path, true);
        FOREACH limits SLICE 1 IN ARRAY ARRAY[
            ['organizations', 'true'],
            ['projects', 'id = ANY ((SELECT goatherd_projects())::uuid[])'],
            ['project_logos', own],
            ['views', 'is_built_in'],
            ['creator_list', own],
            ['creator_history', 'goatherd_sees_creator(creator_id)'],
            ['creator_history_videos', 'goatherd_sees_creator(creator_id)'],
            ['creator_milestones', 'goatherd_sees_creator(creator_id)'],
            ['scrape_runs', 'CASE WHEN creator_id IS NULL THEN ' || own ||
                            ' ELSE goatherd_sees_creator(creator_id) END'],
            ['scrape_job', 'goatherd_sees_creator(creator_id)'],
            ['source_request', 'goatherd_sees_creator(creator_id)'],
            ['videos', own],
            ['video_figures', format(video, 'video_figures')],
            ['video_attributes', format(video, 'video_attributes')],
            ['campaigns', own],
            ['campaign_items',
             'EXISTS (SELECT FROM campaigns c '
             'WHERE c.organization_id = goatherd_tenant() '
             'AND c.id = campaign_items.campaign_id)'],
            ['activity', own || ' AND (creator_id IS NULL '
                                'OR goatherd_sees_creator(creator_id))'],
            ['annotations',
             'CASE scope WHEN ''project'' '
             'THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[]) '
             'WHEN ''creator'' THEN goatherd_sees_creator(scope_id) '
             'WHEN ''campaign'' THEN goatherd_sees_campaign(scope_id) '
             'WHEN ''video'' THEN goatherd_sees_video(scope_id) ELSE false END'],
            ['analytics_subjects',
             '(' || own || ' OR id = ANY ((SELECT goatherd_projects())::uuid[]))'],
            ['analytics_videos',
             'CASE WHEN creator_id IS NULL THEN ' || own ||
             ' ELSE EXISTS (SELECT FROM analytics_subjects s '
             'WHERE s.organization_id = goatherd_tenant() '
             'AND s.id = analytics_videos.creator_id) END'],
            ['analytics_creator_moves',
             'EXISTS (SELECT FROM analytics_subjects s '
             'WHERE s.organization_id = goatherd_tenant() '
             'AND s.id = analytics_creator_moves.creator_id)'],
            ['analytics_campaign_changes', format(subject, 'campaign_id')],
            ['analytics_campaign_members', format(subject, 'campaign_id')],
            ['analytics_creator_posts', format(subject, 'analytics_creator_posts.id')],
            ['analytics_owner_states', format(subject, 'owner')],
            ['analytics_owner_days', format(subject, 'owner')],
            ['analytics_snapshots', format(subject, 'owner')],
            ['analytics_profile_days', format(subject, 'analytics_profile_days.id')],
            ['analytics_profile_totals',
             format(subject, 'analytics_profile_totals.id')],
            ['analytics_profile_rollups',
             format(subject, 'analytics_profile_rollups.id')],
            ['analytics_profile_precision',
             format(subject, 'analytics_profile_precision.id')],
            ['analytics_video_days', format(subject, 'analytics_video_days.id')],
            ['analytics_video_totals', format(subject, 'analytics_video_totals.id')],
            ['analytics_video_rollups', format(subject, 'analytics_video_rollups.id')],
            ['analytics_positions', 'true']
        ] LOOP
            CONTINUE WHEN to_regclass(format('%I.%I', place, limits[1])) IS NULL;
            EXECUTE format('CREATE POLICY projects ON %I.%I FOR SELECT '
                           'TO goatherd_limited '
                           'USING (organization_id = goatherd_tenant() AND %s)',
                           place, limits[1], limits[2]);
            EXECUTE format('GRANT SELECT ON %I.%I TO goatherd_limited',
                           place, limits[1]);
        END LOOP;
        -- Queries join it for the names of keys, which are not there for these people.
        IF to_regclass(format('%I.api_keys', place)) IS NOT NULL THEN
            EXECUTE format('CREATE POLICY projects ON %I.api_keys FOR SELECT '
                           'TO goatherd_limited USING (false)', place);
            EXECUTE format('GRANT SELECT (organization_id, id, name, hint, scopes, created_at, '
                           'expires_at, revoked_at) ON %I.api_keys '
                           'TO goatherd_limited', place);
        END IF;
        -- Histories have the names of colleagues, and nothing else of them.
        IF to_regclass(format('%I.members', place)) IS NOT NULL THEN
            EXECUTE format('CREATE POLICY projects ON %I.members FOR SELECT '
                           'TO goatherd_limited '
                           'USING (organization_id = goatherd_tenant())', place);
            EXECUTE format('GRANT SELECT (organization_id, person_id, name) '
                           'ON %I.members TO goatherd_limited', place);
        END IF;
        IF to_regclass(format('%I.analytics_rule', place)) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON %I.analytics_rule TO goatherd_limited',
                           place);
        END IF;
    END LOOP;
    PERFORM set_config('search_path', path, true);
    GRANT SELECT ON projection TO goatherd_limited;
END $$;

-- Functions that run as their owner check the projects themselves. No setting is all
-- projects there, because the roles of readers differ in this setting.
CREATE OR REPLACE FUNCTION goatherd_search(grams text[])
RETURNS SETOF goatherd_found_creator
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 200
AS $$
    SELECT organization_id, id, project_id, created_at, follower_bucket, status,
           tiktok_handle, searched
    FROM creator_search
    WHERE goatherd_grams(organization_id, searched) @> grams
      AND organization_id IS NOT DISTINCT FROM (SELECT goatherd_tenant())
      AND CASE WHEN (SELECT goatherd_projects()) IS NULL THEN true
               ELSE project_id = ANY ((SELECT goatherd_projects())::uuid[]) END
$$;

CREATE FUNCTION goatherd_is_of_projects(creator uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN goatherd_projects() IS NULL OR EXISTS (
        SELECT FROM creator_list
        WHERE organization_id = goatherd_tenant() AND id = creator
        AND project_id = ANY (goatherd_projects())
    );
END $$;

CREATE OR REPLACE FUNCTION goatherd_creator_events(of uuid, wanted bigint[])
RETURNS TABLE (
    "position" bigint, stream uuid, version bigint, recorded_at timestamptz,
    actor text, correlation_id uuid, causation_id uuid, name text, body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT notification_id, originator_id, originator_version, e.recorded_at, e.actor,
           e.correlation_id, e.causation_id, topic, state
    FROM creator_history h JOIN goatherd_events e ON notification_id = h.position
    WHERE organization_id = goatherd_tenant() AND creator_id = of
    AND h.position = ANY (wanted)
    AND (SELECT goatherd_is_of_projects(of))
    ORDER BY notification_id DESC
$$;

-- The stream of a creator or a campaign, or of what is a member of a campaign.
CREATE FUNCTION goatherd_event_is_of_projects(stream uuid, body jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN goatherd_is_of_projects(stream) OR EXISTS (
        SELECT FROM campaigns
        WHERE organization_id = goatherd_tenant()
        AND id IN (stream, (body ->> 'campaign_id')::uuid)
        AND project_id = ANY (goatherd_projects())
    );
END $$;

CREATE OR REPLACE FUNCTION goatherd_stream_events(
    streams uuid[], first bigint, last bigint, names text[], most integer
) RETURNS TABLE (
    "position" bigint, stream uuid, version bigint, recorded_at timestamptz,
    actor text, correlation_id uuid, causation_id uuid, name text, body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT notification_id, originator_id, originator_version, e.recorded_at, e.actor,
           e.correlation_id, e.causation_id, topic, state
    FROM goatherd_events e
    WHERE originator_id = ANY (streams) AND notification_id BETWEEN first AND last
    AND (names IS NULL OR topic = ANY (names))
    AND convert_from(state, 'UTF8')::jsonb ->> 'organization_id' = goatherd_tenant()::text
    AND goatherd_event_is_of_projects(
        originator_id, convert_from(state, 'UTF8')::jsonb)
    ORDER BY notification_id DESC LIMIT most
$$;

CREATE OR REPLACE FUNCTION goatherd_shared_accounts()
RETURNS TABLE (creator_id uuid, account bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path FROM CURRENT AS $$
    SELECT identity.creator_id, dense_rank() OVER (ORDER BY identity.user_id)
    FROM creator_identity identity
    WHERE identity.organization_id = (SELECT goatherd_tenant())
    AND identity.user_id IN (
        SELECT shared.user_id FROM creator_identity shared
        WHERE shared.organization_id = (SELECT goatherd_tenant()) AND shared.is_shared
    )
    AND goatherd_is_of_projects(identity.creator_id)
$$;

-- The position of a creator's newest move from a project that the reader does not see,
-- 0 if there was none: the history begins there.
CREATE FUNCTION goatherd_history_begins(of uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT coalesce(max(notification_id), 0) FROM goatherd_events
    WHERE originator_id = of AND topic = 'creator_moved'
    AND NOT (convert_from(state, 'UTF8')::jsonb ->> 'old_project_id')::uuid
        = ANY (goatherd_projects())
$$;
REVOKE ALL ON FUNCTION goatherd_history_begins FROM PUBLIC;

GRANT EXECUTE ON FUNCTION goatherd_search, goatherd_creator_events,
    goatherd_stream_events, goatherd_shared_accounts, goatherd_own_event,
    goatherd_log_end, goatherd_history_begins TO goatherd_limited;
