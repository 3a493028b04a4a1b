-- Queries compute figures of many creators backwards from the present states of owners,
-- so that they cost the same for any length of history.
ALTER TABLE analytics_herds ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON analytics_herds FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON analytics_herds TO goatherd_reader;
