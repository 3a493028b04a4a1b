-- How far each endpoint has come: all events up to the position were tried, and those of
-- webhook_waiting will be again. ordinal is the place
-- among events of one position, and number counts the events that were for the endpoint.
-- One process has the lease at a time: it ends with its time, and with the process, which
-- holds the advisory lock of its number as holder.
CREATE TABLE webhook_cursors (
    webhook_id       uuid        NOT NULL PRIMARY KEY,
    organization_id  uuid        NOT NULL,
    position         bigint      NOT NULL,
    ordinal          integer     NOT NULL DEFAULT 2147483647,
    number           bigint      NOT NULL DEFAULT 0,
    failures         integer     NOT NULL DEFAULT 0,
    counted_at       timestamptz,
    last_delivery_at timestamptz,
    not_before       timestamptz NOT NULL DEFAULT '-infinity',
    pauses           integer     NOT NULL DEFAULT 0,
    is_slow          boolean     NOT NULL DEFAULT false,
    lease            uuid,
    holder           integer     NOT NULL DEFAULT 0,
    lease_until      timestamptz NOT NULL DEFAULT '-infinity'
);
ALTER TABLE webhook_cursors ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhook_cursors FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON webhook_cursors TO goatherd_reader;

-- Events that an endpoint did not take yet, or that wait for an earlier one of their
-- subject: those have no next_try_at. number is their order.
CREATE TABLE webhook_waiting (
    webhook_id      uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    position        bigint      NOT NULL,
    number          bigint      NOT NULL,
    ordinal         integer     NOT NULL,
    event_id        text        NOT NULL,
    subject_id      uuid        NOT NULL,
    tries           integer     NOT NULL DEFAULT 0,
    first_try_at    timestamptz,
    next_try_at     timestamptz,
    was_sent        boolean     NOT NULL DEFAULT true,
    PRIMARY KEY (webhook_id, number)
);
CREATE INDEX webhook_waiting_next ON webhook_waiting (next_try_at);
ALTER TABLE webhook_waiting ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhook_waiting FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON webhook_waiting TO goatherd_reader;

-- Ranges of the past that are sent again, one after the other for each endpoint.
CREATE TABLE webhook_replays (
    id              uuid        NOT NULL PRIMARY KEY,
    webhook_id      uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    types           text[],
    position        bigint      NOT NULL,
    ordinal         integer     NOT NULL,
    last_position   bigint      NOT NULL,
    sent            integer     NOT NULL DEFAULT 0,
    tries           integer     NOT NULL DEFAULT 0,
    first_try_at    timestamptz,
    not_before      timestamptz NOT NULL DEFAULT '-infinity',
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_replays_webhook ON webhook_replays (webhook_id, id);

-- The deliveries of the last 30 days, one row for each try. answer is the start of the
-- body that the endpoint answered with.
CREATE TABLE webhook_deliveries (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    webhook_id      uuid        NOT NULL,
    event_id        text        NOT NULL,
    event_type      text        NOT NULL,
    position        bigint      NOT NULL,
    ordinal         integer     NOT NULL,
    kind            text        NOT NULL,
    try             integer     NOT NULL,
    at              timestamptz NOT NULL,
    status          integer,
    failed          text,
    duration_ms     integer     NOT NULL,
    answer          text,
    next_try_at     timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, at, id);
CREATE INDEX webhook_deliveries_at ON webhook_deliveries (at);
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhook_deliveries FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON webhook_deliveries TO goatherd_reader;
