-- The requests to each source, and their cost in millionths of a currency, which is ''
-- without a price. Days are UTC's. The budget of a day is compared with source_day.

CREATE TABLE source_day (
    provider        text   NOT NULL,
    day             date   NOT NULL,
    currency        text   NOT NULL,
    requests        bigint NOT NULL,
    cost_millionths bigint NOT NULL,
    PRIMARY KEY (provider, day, currency)
) WITH (fillfactor = 50);

-- The creator of the requests, null for a check or a single video. Rows are kept for
-- some weeks.
CREATE TABLE source_request (
    day             date   NOT NULL,
    provider        text   NOT NULL,
    organization_id uuid,
    creator_id      uuid,
    currency        text   NOT NULL,
    requests        bigint NOT NULL,
    cost_millionths bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (day, provider, organization_id, creator_id, currency)
) WITH (fillfactor = 70);
CREATE INDEX source_request_creator ON source_request
    (organization_id, creator_id, day);
ALTER TABLE source_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON source_request FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON source_request TO goatherd_reader;
