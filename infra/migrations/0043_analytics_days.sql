-- Sums of each creator at the end of each UTC day, so that a list of many creators over
-- any days reads two rows of each. Rules version 5 of analytics fills them in shadow
-- tables; until the swap they are empty.
DO $$
DECLARE
    place  text;
    metric text;
    made   text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        -- Day n begins n days after 1970. ``days`` has one row for each day from the
        -- first observed one to the one before the last; after that, ``totals`` hold.
        -- A day of an organization lies together, because lists read few days of many
        -- creators. ``_new`` is the level without baselines and sharpenings.
        EXECUTE format(
            'CREATE TABLE %I.analytics_video_totals ('
            '    organization_id uuid NOT NULL,'
            '    id              uuid NOT NULL,'
            '    first_day       int  NOT NULL,'
            '    last_day        int  NOT NULL,'
            '    PRIMARY KEY (organization_id, id)) WITH (fillfactor = 80)', place);
        EXECUTE format(
            'CREATE TABLE %I.analytics_video_days ('
            '    organization_id uuid NOT NULL,'
            '    day             int  NOT NULL,'
            '    id              uuid NOT NULL,'
            '    PRIMARY KEY (organization_id, day, id))', place);
        FOREACH metric IN ARRAY
            ARRAY['views', 'likes', 'comments', 'shares', 'saves']
        LOOP
            FOREACH made IN ARRAY
                ARRAY['analytics_video_totals', 'analytics_video_days']
            LOOP
                EXECUTE format(
                    'ALTER TABLE %I.%I ADD COLUMN %I numeric NOT NULL, '
                    'ADD COLUMN %I numeric NOT NULL, ADD COLUMN %I int NOT NULL',
                    place, made, metric, metric || '_new', metric || '_known');
            END LOOP;
        END LOOP;
        EXECUTE format(
            'CREATE TABLE %I.analytics_profile_totals ('
            '    organization_id       uuid    NOT NULL,'
            '    id                    uuid    NOT NULL,'
            '    first_day             int     NOT NULL,'
            '    last_day              int     NOT NULL,'
            '    followers             numeric NOT NULL,'
            '    followers_new         numeric NOT NULL,'
            '    followers_known       int     NOT NULL,'
            '    followers_sharpenings int     NOT NULL,'
            '    followers_rounded     int     NOT NULL,'
            '    followers_changes     int     NOT NULL,'
            '    PRIMARY KEY (organization_id, id)) WITH (fillfactor = 80)', place);
        EXECUTE format(
            'CREATE TABLE %I.analytics_profile_days ('
            '    organization_id       uuid    NOT NULL,'
            '    day                   int     NOT NULL,'
            '    id                    uuid    NOT NULL,'
            '    followers             numeric NOT NULL,'
            '    followers_new         numeric NOT NULL,'
            '    followers_known       int     NOT NULL,'
            '    followers_sharpenings int     NOT NULL,'
            '    followers_rounded     int     NOT NULL,'
            '    followers_changes     int     NOT NULL,'
            '    PRIMARY KEY (organization_id, day, id))', place);
        -- The times of posting of a creator's counted videos: quarters of an hour,
        -- ascending.
        EXECUTE format(
            'CREATE TABLE %I.analytics_creator_posts ('
            '    organization_id uuid  NOT NULL,'
            '    id              uuid  NOT NULL,'
            '    slots           int[] NOT NULL,'
            '    PRIMARY KEY (organization_id, id))', place);
        FOREACH made IN ARRAY ARRAY[
            'analytics_video_totals', 'analytics_video_days',
            'analytics_profile_totals', 'analytics_profile_days',
            'analytics_creator_posts'
        ] LOOP
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', place, made);
            EXECUTE format('CREATE POLICY tenant ON %I.%I FOR SELECT TO goatherd_reader '
                           'USING (organization_id = goatherd_tenant())', place, made);
            EXECUTE format('GRANT SELECT ON %I.%I TO goatherd_reader', place, made);
        END LOOP;
    END LOOP;
END $$;
