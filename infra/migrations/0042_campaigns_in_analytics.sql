-- Campaigns in analytics: the changes of each campaign's items by position, and the
-- items that count now. The sums of a campaign are rows of the same tables as those of
-- creators and projects; so are those of single videos in campaigns.
DO $$
DECLARE
    place  text;
    walled text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        EXECUTE format('ALTER TABLE %I.analytics_subjects '
                       'ADD COLUMN deleted_position bigint', place);
        EXECUTE format('ALTER TABLE %I.analytics_videos '
                       'ADD COLUMN is_campaign_item boolean NOT NULL DEFAULT false',
                       place);
        -- ``item_type`` is null if the campaign was deleted with all of its items.
        EXECUTE format(
            'CREATE TABLE %I.analytics_campaign_changes ('
            '    organization_id uuid        NOT NULL,'
            '    campaign_id     uuid        NOT NULL,'
            '    position        bigint      NOT NULL,'
            '    recorded_at     timestamptz NOT NULL,'
            '    item_type       text,'
            '    item_id         uuid        NOT NULL,'
            '    is_added        boolean     NOT NULL,'
            '    PRIMARY KEY (organization_id, campaign_id, position))', place);
        EXECUTE format(
            'CREATE INDEX analytics_campaign_changes_item '
            'ON %I.analytics_campaign_changes (organization_id, item_id)', place);
        EXECUTE format(
            'CREATE TABLE %I.analytics_campaign_members ('
            '    organization_id uuid    NOT NULL,'
            '    campaign_id     uuid    NOT NULL,'
            '    member_id       uuid    NOT NULL,'
            '    is_creator      boolean NOT NULL,'
            '    PRIMARY KEY (organization_id, campaign_id, member_id))', place);
        EXECUTE format(
            'CREATE INDEX analytics_campaign_members_member '
            'ON %I.analytics_campaign_members (organization_id, member_id)', place);
        FOREACH walled IN ARRAY
            ARRAY['analytics_campaign_changes', 'analytics_campaign_members']
        LOOP
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY',
                           place, walled);
            EXECUTE format('CREATE POLICY tenant ON %I.%I '
                           'FOR SELECT TO goatherd_reader '
                           'USING (organization_id = goatherd_tenant())',
                           place, walled);
            EXECUTE format('GRANT SELECT ON %I.%I TO goatherd_reader', place, walled);
        END LOOP;
    END LOOP;
END $$;
