-- channels: the services to which an organization sends alerts. shown is the address in
-- short. A removed one keeps no text.
CREATE TABLE channels (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text        NOT NULL,
    name            text        NOT NULL,
    shown           text        NOT NULL,
    project_id      uuid,
    enabled         boolean     NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    removed_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX channels_created ON channels (organization_id, created_at, id);

-- The results of the messages of a channel: failures in a row, and the last ones.
CREATE TABLE channel_states (
    channel_id      uuid        NOT NULL PRIMARY KEY,
    organization_id uuid        NOT NULL,
    failures        integer     NOT NULL DEFAULT 0,
    last_sent_at    timestamptz,
    last_error      text,
    last_error_at   timestamptz
);
CREATE INDEX channel_states_organization ON channel_states (organization_id);

-- The addresses of channels, encrypted with the master key.
CREATE TABLE channel_addresses (
    channel_id uuid  NOT NULL PRIMARY KEY,
    sealed     bytea NOT NULL
);

-- Messages that wait for a channel, in the order of their numbers. The content names
-- things by their ids; the text is made when it is sent.
CREATE TABLE channel_messages (
    id              uuid        NOT NULL PRIMARY KEY,
    organization_id uuid        NOT NULL,
    channel_id      uuid        NOT NULL,
    number          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind            text        NOT NULL,
    content         jsonb       NOT NULL,
    tries           integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX channel_messages_waiting ON channel_messages (channel_id, number);
CREATE INDEX channel_messages_organization ON channel_messages (organization_id);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['channels', 'channel_states', 'channel_messages'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO goatherd_reader '
                       'USING (organization_id = goatherd_tenant())', walled);
        EXECUTE format('GRANT SELECT ON %I TO goatherd_reader', walled);
    END LOOP;
END $$;
