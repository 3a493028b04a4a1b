-- Reading: the roles for reads see one organization, and people who are limited to some
-- projects see these alone.

CREATE FUNCTION goatherd_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('goatherd.organization_id', true), '')::uuid;

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

CREATE FUNCTION goatherd_is_of_projects(creator uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN goatherd_projects() IS NULL OR EXISTS (
        SELECT FROM creator_list
        WHERE organization_id = goatherd_tenant() AND id = creator
        AND project_id = ANY (goatherd_projects())
    );
END $$;

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

-- The position at which a thing was made, 0 if there is no such thing.
CREATE FUNCTION goatherd_made(thing uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT coalesce(min(notification_id), 0) FROM goatherd_events
    WHERE originator_id = thing AND originator_version = 1
$$;
REVOKE ALL ON FUNCTION goatherd_made FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_made TO goatherd_limited;

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
GRANT EXECUTE ON FUNCTION goatherd_history_begins TO goatherd_limited;

-- The events of rows of audit from the log, which readers may not read, newest first.
-- For any positions, the function reads only rows of the reader's own tenant.
CREATE FUNCTION goatherd_audit_events(wanted bigint[]) RETURNS TABLE (
    "position" bigint, stream uuid, version bigint, recorded_at timestamptz, actor text,
    correlation_id uuid, causation_id uuid, name text, body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT notification_id, originator_id, originator_version, e.recorded_at, e.actor,
           e.correlation_id, e.causation_id, topic, state
    FROM audit a JOIN goatherd_events e ON notification_id = a.position
    WHERE a.organization_id = goatherd_tenant() AND a.position = ANY (wanted)
    ORDER BY notification_id DESC
$$;
REVOKE ALL ON FUNCTION goatherd_audit_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_audit_events TO goatherd_reader;

CREATE FUNCTION goatherd_creator_events(of uuid, wanted bigint[])
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
REVOKE ALL ON FUNCTION goatherd_creator_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_creator_events TO goatherd_reader, goatherd_limited;

-- An event about an alert has the name of its creator, if it is about one.
CREATE FUNCTION goatherd_feed_events(positions bigint[], ordinals integer[])
RETURNS TABLE (
    "position" bigint, "ordinal" integer, type text, at timestamptz, subject_id uuid,
    project_id uuid, creator_id uuid, milestone bigint, count bigint,
    stream uuid, version bigint, recorded_at timestamptz, actor text,
    name text, body bytea, named_name text, named_body bytea, erased_body bytea
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 100
AS $$
    SELECT f.position, f.ordinal, f.type, f.at, f.subject_id, f.project_id,
           f.creator_id, f.milestone, f.count, e.originator_id, e.originator_version,
           e.recorded_at, e.actor, e.topic,
           CASE WHEN f.milestone IS NULL THEN e.state END,
           named.topic, named.state, x.state
    FROM unnest(positions, ordinals) AS place (p, o)
    JOIN feed f ON f.organization_id = goatherd_tenant()
        AND f.position = p AND f.ordinal = o
    JOIN goatherd_events e ON e.notification_id = f.position
    LEFT JOIN feed_subjects own ON own.organization_id = f.organization_id
        AND own.id = f.subject_id
    LEFT JOIN feed_subjects s ON s.organization_id = f.organization_id
        AND s.id = coalesce(f.creator_id, own.creator_id)
    LEFT JOIN goatherd_events x ON x.notification_id = s.erased_at
    LEFT JOIN LATERAL (
        SELECT n.topic, n.state FROM goatherd_events n
        WHERE n.originator_id = CASE WHEN f.type LIKE 'alert.%' THEN f.creator_id
                                     ELSE f.subject_id END
        AND n.notification_id <= f.position
        AND (n.topic IN ('creator_added', 'handle_changed', 'video_discovered',
                         'video_added', 'scrape_requested', 'campaign_created',
                         'person_registered', 'person_renamed')
             OR n.topic = 'campaign_details_changed'
                AND position('"name":'::bytea IN n.state) > 0)
        ORDER BY n.originator_version DESC LIMIT 1
    ) named ON true
    WHERE goatherd_projects() IS NULL
    OR f.project_id = ANY (goatherd_projects())
        AND (f.creator_id IS NULL OR goatherd_is_of_projects(f.creator_id))
    ORDER BY f.position, f.ordinal
$$;
REVOKE ALL ON FUNCTION goatherd_feed_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_feed_events TO goatherd_reader, goatherd_limited;

-- The end of the log at a time, and the time of recording of the event there; null in
-- an empty log. Times grow with positions, because both are assigned under the append
-- lock.
CREATE FUNCTION goatherd_log_end(
    at timestamptz, until bigint, OUT "position" bigint, OUT ended_at timestamptz
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    low    bigint := 0;
    high   bigint;
    middle bigint;
    found_at timestamptz;
BEGIN
    SELECT max(notification_id) INTO high FROM goatherd_events;
    IF at IS NOT NULL THEN
        WHILE low < high LOOP
            middle := (low + high + 1) / 2;
            SELECT notification_id, recorded_at INTO until, found_at
            FROM goatherd_events WHERE notification_id >= middle
            ORDER BY notification_id LIMIT 1;
            IF found_at <= at THEN
                low := until;
            ELSE
                high := middle - 1;
            END IF;
        END LOOP;
        until := low;
    END IF;
    SELECT notification_id, recorded_at INTO "position", ended_at
    FROM goatherd_events WHERE notification_id <= until
    ORDER BY notification_id DESC LIMIT 1;
END $$;
REVOKE ALL ON FUNCTION goatherd_log_end FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_log_end TO goatherd_reader, goatherd_limited;

-- The reader's own newest event at or before a position: an own event exactly at the
-- position, about anything, or else the newest event about creators, settings, projects
-- and keys. Without one, it is position 0 with the time of the first event.
-- ``is_known`` says that the position is that of an own event or lies before one, so
-- that it tells nothing about others.
CREATE FUNCTION goatherd_own_event(
    until bigint, OUT "position" bigint, OUT at timestamptz, OUT is_known boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    tenant uuid := goatherd_tenant();
BEGIN
    SELECT notification_id, recorded_at, true INTO "position", at, is_known
    FROM goatherd_events WHERE notification_id = until AND (
        originator_id = tenant
        OR convert_from(state, 'UTF8')::jsonb ->> 'organization_id' = tenant::text
    );
    IF FOUND THEN
        RETURN;
    END IF;
    is_known := EXISTS (
        SELECT FROM creator_history h
        WHERE h.organization_id = tenant AND h.position > until
    ) OR EXISTS (
        SELECT FROM goatherd_events
        WHERE originator_id = tenant AND notification_id > until
    );
    SELECT greatest(
        (SELECT max(h.position) FROM creator_history h
         WHERE h.organization_id = tenant AND h.position <= until),
        (SELECT max(notification_id) FROM goatherd_events
         WHERE originator_id = tenant AND notification_id <= until)
    ) INTO "position";
    IF "position" IS NULL THEN
        "position" := 0;
        SELECT recorded_at INTO at FROM goatherd_events
        WHERE originator_id = tenant AND originator_version = 1;
    ELSE
        SELECT recorded_at INTO at FROM goatherd_events
        WHERE notification_id = "position";
    END IF;
END $$;
REVOKE ALL ON FUNCTION goatherd_own_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_own_event TO goatherd_reader, goatherd_limited;

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

-- Functions that run as their owner check the projects themselves. No setting is all
-- projects there, because the roles of readers differ in this setting.
CREATE FUNCTION goatherd_search(grams text[])
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
REVOKE ALL ON FUNCTION goatherd_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_search TO goatherd_reader, goatherd_limited;

-- The reader's own creators whose account another of its creators has or had, with a
-- number for each account. The reader can't read the ids of accounts.
CREATE FUNCTION goatherd_shared_accounts()
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
REVOKE ALL ON FUNCTION goatherd_shared_accounts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_shared_accounts TO goatherd_reader, goatherd_limited;

-- The events of streams from the log, which readers may not read, newest first: events
-- at positions from ``first`` to ``last`` with one of these names, or with any. For any
-- requested streams, the function reads only events of the reader's own tenant.
CREATE FUNCTION goatherd_stream_events(
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
REVOKE ALL ON FUNCTION goatherd_stream_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_stream_events TO goatherd_reader, goatherd_limited;

-- Each organization reads its own rows.
DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY[
        'activity', 'activity_creators', 'activity_organizations', 'activity_videos',
        'alert_rules', 'alerts', 'analytics_campaign_changes',
        'analytics_campaign_members', 'analytics_creator_moves',
        'analytics_creator_posts', 'analytics_owner_days', 'analytics_owner_states',
        'analytics_positions', 'analytics_profile_days', 'analytics_profile_precision',
        'analytics_profile_rollups', 'analytics_profile_totals', 'analytics_snapshots',
        'analytics_subjects', 'analytics_video_days', 'analytics_video_rollups',
        'analytics_video_totals', 'analytics_videos', 'annotation_creators',
        'annotation_organizations', 'annotation_projects', 'annotations', 'api_keys',
        'audit', 'audit_members', 'campaign_items', 'campaigns', 'channel_messages',
        'channel_states', 'channels', 'creator_history', 'creator_history_videos',
        'creator_list', 'creator_milestones', 'erased_videos', 'feed', 'feed_subjects',
        'feed_views', 'imports', 'invitations', 'members', 'moved_creators',
        'notification_reads', 'notifications', 'organizations', 'person_sessions',
        'project_logos', 'projects', 'report_issues', 'report_waits', 'reports',
        'scrape_job', 'scrape_runs', 'share_links', 'shares', 'source_request',
        'video_attributes', 'video_figures', 'videos', 'views', 'webhook_cursors',
        'webhook_deliveries', 'webhook_waiting', 'webhooks'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', place);
    END LOOP;
END $$;

ALTER TABLE issue_links ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON activity, activity_creators, activity_organizations, activity_videos,
    alert_rules, alerts, analytics_campaign_changes, analytics_campaign_members,
    analytics_creator_moves, analytics_creator_posts, analytics_owner_days,
    analytics_owner_states, analytics_positions, analytics_profile_days,
    analytics_profile_precision, analytics_profile_rollups, analytics_profile_totals,
    analytics_rule, analytics_snapshots, analytics_subjects, analytics_video_days,
    analytics_video_rollups, analytics_video_totals, analytics_videos,
    annotation_creators, annotation_organizations, annotation_projects, annotations,
    audit, audit_members, campaign_items, campaigns, channel_messages, channel_states,
    channels, creator_history, creator_history_videos, creator_list, creator_milestones,
    erased_videos, feed, feed_subjects, feed_views, imports, invitations, members,
    moved_creators, notification_reads, notifications, organizations, project_logos,
    projection, projects, report_issues, report_waits, reports, scrape_job, scrape_runs,
    shares, source_request, video_attributes, video_figures, videos, views,
    webhook_cursors, webhook_deliveries, webhook_waiting, webhooks TO goatherd_reader;

GRANT SELECT (organization_id, id, name, hint, scopes, created_at, expires_at,
    revoked_at, person_id) ON api_keys TO goatherd_reader;
GRANT SELECT (person_id, organization_id, last_used_at) ON person_sessions TO
    goatherd_reader;
GRANT SELECT (share_id, organization_id, project_id, opened_count, last_opened_at) ON
    share_links TO goatherd_reader;
GRANT SELECT (organization_id, id, name, hint, scopes, created_at, expires_at,
    revoked_at) ON api_keys TO goatherd_limited;
GRANT SELECT (organization_id, person_id, name) ON members TO goatherd_limited;
GRANT SELECT (share_id, organization_id, project_id, opened_count, last_opened_at) ON
    share_links TO goatherd_limited;

-- The policies of people who are limited to some projects. A table without one is refused
-- to their role.
DO $$
DECLARE
    limits  text[];
    own     text := 'project_id = ANY ((SELECT goatherd_projects())::uuid[])';
    video   text := 'EXISTS (SELECT FROM videos v '
        'WHERE v.organization_id = goatherd_tenant() AND v.id = %s)';
    -- The creator, project or campaign with this id is one of these projects.
    subject text := 'EXISTS (SELECT FROM analytics_subjects s '
        'WHERE s.organization_id = goatherd_tenant() AND s.id = %s)';
    -- So is it, or the video with this id.
    either  text := '(EXISTS (SELECT FROM analytics_subjects s '
        'WHERE s.organization_id = goatherd_tenant() AND s.id = %1$s) '
        'OR EXISTS (SELECT FROM analytics_videos v '
        'WHERE v.organization_id = goatherd_tenant() AND v.id = %1$s))';
BEGIN
    FOREACH limits SLICE 1 IN ARRAY ARRAY[
        ['analytics_campaign_changes', format(subject, 'analytics_campaign_changes.campaign_id')],
        ['analytics_campaign_members', format(subject, 'analytics_campaign_members.campaign_id')],
        ['analytics_creator_moves', format(subject, 'analytics_creator_moves.creator_id')],
        ['analytics_creator_posts', own],
        ['analytics_owner_days', format(either, 'analytics_owner_days.owner')],
        ['analytics_owner_states', format(either, 'analytics_owner_states.owner')],
        ['analytics_positions', 'true'],
        ['analytics_profile_days', own],
        ['analytics_profile_precision', format(subject, 'analytics_profile_precision.id')],
        ['analytics_profile_rollups', format(subject, 'analytics_profile_rollups.id')],
        ['analytics_profile_totals', own],
        ['analytics_snapshots', format(either, 'analytics_snapshots.owner')],
        ['analytics_video_days', own],
        ['analytics_video_rollups', format(either, 'analytics_video_rollups.id')],
        ['analytics_video_totals', own],
        ['campaigns', own],
        ['creator_history', 'goatherd_sees_creator(creator_id)'],
        ['creator_history_videos', 'goatherd_sees_creator(creator_id)'],
        ['creator_list', own],
        ['creator_milestones', 'goatherd_sees_creator(creator_id)'],
        ['imports', own],
        ['organizations', 'true'],
        ['project_logos', own],
        ['scrape_job', 'goatherd_sees_creator(creator_id)'],
        ['share_links', own],
        ['shares', own],
        ['source_request', 'goatherd_sees_creator(creator_id)'],
        ['video_attributes', format(video, 'video_attributes.id')],
        ['video_figures', format(video, 'video_figures.id')],
        ['videos', own]
    ] LOOP
        EXECUTE format('CREATE POLICY projects ON %I FOR SELECT TO goatherd_limited '
                       'USING (organization_id = goatherd_tenant() AND %s)',
                       limits[1], limits[2]);
    END LOOP;
END $$;

CREATE POLICY projects ON activity FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND project_id = ANY ((SELECT
        goatherd_projects())::uuid[]) AND (creator_id IS NULL OR
        (goatherd_sees_creator(creator_id) AND position >=
        goatherd_history_begins(creator_id)))
);

CREATE POLICY projects ON alert_rules FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE scope_type
        WHEN 'org' THEN built_in IS NOT NULL
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        ELSE (goatherd_sees_creator(scope_id) AND (goatherd_scoped(id) >=
            goatherd_history_begins(scope_id)))
    END
);

CREATE POLICY projects ON alerts FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE
        WHEN creator_id IS NULL THEN project_id = ANY ((SELECT
            goatherd_projects())::uuid[])
        ELSE (goatherd_sees_creator(creator_id) AND (ended_at IS NULL OR position >=
            goatherd_history_begins(creator_id)))
    END
);

CREATE POLICY projects ON analytics_subjects FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND (COALESCE(project_id, id) = ANY ((SELECT
        goatherd_projects())::uuid[]))
);

CREATE POLICY projects ON analytics_videos FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE
        WHEN creator_id IS NULL THEN project_id = ANY ((SELECT
            goatherd_projects())::uuid[])
        ELSE (EXISTS (SELECT FROM analytics_subjects s WHERE (s.organization_id =
            goatherd_tenant() AND s.id = analytics_videos.creator_id)))
    END
);

CREATE POLICY projects ON annotations FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE scope
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'creator' THEN (goatherd_sees_creator(scope_id) AND (kind = 'note' OR
            position >= goatherd_history_begins(scope_id)))
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        WHEN 'video' THEN goatherd_sees_video(scope_id)
        ELSE false
    END
);

CREATE POLICY projects ON api_keys FOR SELECT TO goatherd_limited USING (false);

CREATE POLICY projects ON campaign_items FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND (EXISTS (SELECT FROM campaigns c WHERE
        (c.organization_id = goatherd_tenant() AND c.id = campaign_items.campaign_id)))
);

CREATE POLICY projects ON feed FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND project_id = ANY ((SELECT
        goatherd_projects())::uuid[]) AND (creator_id IS NULL OR
        (goatherd_sees_creator(creator_id) AND position >=
        goatherd_history_begins(creator_id)))
);

CREATE POLICY projects ON members FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
);

CREATE POLICY projects ON notification_reads FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND (EXISTS (SELECT FROM notifications n WHERE
        (n.organization_id = goatherd_tenant() AND n.id =
        notification_reads.notification_id)))
);

CREATE POLICY projects ON notifications FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND (person_id IS NOT NULL OR project_id = ANY
        ((SELECT goatherd_projects())::uuid[]))
);

CREATE POLICY projects ON projects FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND (id = ANY ((SELECT
        goatherd_projects())::uuid[]))
);

CREATE POLICY projects ON report_issues FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE scope_type
        WHEN 'org' THEN false
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        ELSE (goatherd_sees_creator(scope_id) AND position >=
            goatherd_history_begins(scope_id))
    END
);

CREATE POLICY projects ON report_waits FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE scope_type
        WHEN 'org' THEN false
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        ELSE goatherd_sees_creator(scope_id)
    END
);

CREATE POLICY projects ON reports FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE scope_type
        WHEN 'org' THEN false
        WHEN 'project' THEN scope_id = ANY ((SELECT goatherd_projects())::uuid[])
        WHEN 'campaign' THEN goatherd_sees_campaign(scope_id)
        ELSE (goatherd_sees_creator(scope_id) AND (goatherd_report_begins(id) >=
            goatherd_history_begins(scope_id)))
    END
);

CREATE POLICY projects ON scrape_runs FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant()
    AND CASE
        WHEN creator_id IS NULL THEN project_id = ANY ((SELECT
            goatherd_projects())::uuid[])
        ELSE goatherd_sees_creator(creator_id)
    END
);

CREATE POLICY projects ON views FOR SELECT TO goatherd_limited USING (
    organization_id = goatherd_tenant() AND (is_built_in OR is_private OR project_id =
        ANY ((SELECT goatherd_projects())::uuid[]))
);

GRANT SELECT ON activity, alert_rules, alerts, analytics_campaign_changes,
    analytics_campaign_members, analytics_creator_moves, analytics_creator_posts,
    analytics_owner_days, analytics_owner_states, analytics_positions,
    analytics_profile_days, analytics_profile_precision, analytics_profile_rollups,
    analytics_profile_totals, analytics_rule, analytics_snapshots, analytics_subjects,
    analytics_video_days, analytics_video_rollups, analytics_video_totals,
    analytics_videos, annotations, campaign_items, campaigns, creator_history,
    creator_history_videos, creator_list, creator_milestones, feed, imports,
    notification_reads, notifications, organizations, project_logos, projection,
    projects, report_issues, report_waits, reports, scrape_job, scrape_runs, shares,
    source_request, video_attributes, video_figures, videos, views TO goatherd_limited;
