-- What is known of an owner's things now is where figures of many creators begin: from
-- there back, so that they cost the same however long the history is.
ALTER TABLE analytics_herds ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON analytics_herds FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON analytics_herds TO goatherd_reader;
