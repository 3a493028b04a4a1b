-- Targets of posts and engagement, and the cost of a campaign.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOREACH place IN ARRAY ARRAY[
        current_schema(), 'goatherd_old_campaigns', 'goatherd_next_campaigns']
    LOOP
        EXECUTE format('ALTER TABLE IF EXISTS %I.campaigns '
                       'ADD COLUMN target_posts bigint, '
                       'ADD COLUMN target_engagement bigint, '
                       'ADD COLUMN cost_minor bigint, '
                       'ADD COLUMN currency text',
                       place);
    END LOOP;
END $$;
