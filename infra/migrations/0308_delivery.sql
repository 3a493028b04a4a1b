-- Work that falls due, and all that is sent: the feed, alerts, notifications, mails,
-- webhooks, messages of channels, and reports.

-- Work that falls due by time. A worker that took a row has its lease until not_before;
-- a failed try waits until then, too.
CREATE TABLE due_work (
    kind       text        NOT NULL,
    key        text        NOT NULL,
    due_at     timestamptz NOT NULL,
    not_before timestamptz NOT NULL,
    lease      uuid,
    tries      integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, key)
);
CREATE INDEX due_work_due ON due_work (kind, due_at, key);

-- feed: the public events, one row for each, in the order of the log. The log has the
-- words: a row has ids only, so an erasure needs no change here. The numbers of a
-- milestone are here, because it follows from many observations. ``ordinal`` orders the
-- events of one position. ``from_project_id`` is the project that a creator moved out of.
CREATE TABLE feed (
    organization_id uuid        NOT NULL,
    position        bigint      NOT NULL,
    ordinal         integer     NOT NULL,
    type            text        NOT NULL,
    at              timestamptz NOT NULL,
    subject_id      uuid        NOT NULL,
    project_id      uuid,
    from_project_id uuid,
    creator_id      uuid,
    milestone       bigint,
    count           bigint,
    PRIMARY KEY (organization_id, position, ordinal)
);
CREATE INDEX feed_of_creator ON feed (organization_id, creator_id, position);
CREATE INDEX feed_of_type ON feed (organization_id, type, position);

-- The state of creators, videos and campaigns that the rules of the feed need; nothing
-- else reads it. ``reached`` counts the milestones of a creator's followers, or of a
-- single video's views. ``erased_at`` is the position of an erasure.
CREATE TABLE feed_subjects (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    creator_id      uuid,
    reached         integer,
    observed_at     timestamptz,
    first_import    uuid,
    erased_at       bigint,
    position        bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- The numbers of milestones that the videos of a creator reached, by their names in
-- snapshots: one row, because a snapshot has hundreds of videos, and few reach anything.
CREATE TABLE feed_views (
    organization_id uuid  NOT NULL,
    id              uuid  NOT NULL,
    reached         jsonb NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- alert_rules: the rules of each organization, also those that come with Goatherd.
CREATE TABLE alert_rules (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    built_in          text,
    name              text        NOT NULL,
    scope_type        text        NOT NULL,
    scope_id          uuid,
    condition         jsonb       NOT NULL,
    for_minutes       integer     NOT NULL,
    cool_down_minutes integer     NOT NULL,
    channels          text[]      NOT NULL,
    enabled           boolean     NOT NULL,
    version           bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    removed_at        timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX alert_rules_created ON alert_rules (organization_id, created_at, id);

-- alerts: each stretch of time in which the condition of a rule holds for a subject.
-- status is pending, firing, resolved, or ok if it ended before it fired.
CREATE TABLE alerts (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    rule_id         uuid        NOT NULL,
    condition       jsonb       NOT NULL,
    subject_type    text        NOT NULL,
    subject_key     text        NOT NULL,
    creator_id      uuid,
    project_id      uuid,
    severity        text        NOT NULL,
    status          text        NOT NULL,
    since           timestamptz NOT NULL,
    noted_at        timestamptz NOT NULL,
    opened_at       timestamptz,
    ended_at        timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    snoozed_until   timestamptz,
    evidence        jsonb       NOT NULL,
    position        bigint      NOT NULL,
    version         bigint      NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX alerts_creator ON alerts (organization_id, creator_id);
CREATE INDEX alerts_listed ON alerts (organization_id, noted_at, id);
CREATE INDEX alerts_open ON alerts (organization_id, status) WHERE status IN ('pending',
    'firing');
CREATE INDEX alerts_subject ON alerts (organization_id, rule_id, subject_key);

-- The news of the bell. A row is for one person, for admins, or for everybody who may
-- see its project; a row without a project is not shown to people who are limited to
-- some projects, unless it is theirs.
CREATE TABLE notifications (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    kind            text        NOT NULL,
    severity        text        NOT NULL,
    title           text        NOT NULL,
    path            text,
    project_id      uuid,
    person_id       uuid,
    for_admins      boolean     NOT NULL,
    rule_id         uuid,
    alert_ids       uuid[]      NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX notifications_at ON notifications (at);
CREATE INDEX notifications_listed ON notifications (organization_id, at, id);
CREATE INDEX notifications_person ON notifications (person_id) WHERE person_id IS NOT
    NULL;

-- The news that a person, or a key of the organization, has read.
CREATE TABLE notification_reads (
    organization_id uuid        NOT NULL,
    reader          text        NOT NULL,
    notification_id uuid        NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, reader, notification_id)
);
CREATE INDEX notification_reads_of ON notification_reads (organization_id,
    notification_id);

-- Mails that wait for the mail server, encrypted with the master key. A mail that was
-- taken, refused or given up has no row.
CREATE TABLE mails (
    id          uuid        PRIMARY KEY,
    subject     uuid,
    sealed      bytea       NOT NULL,
    queued_at   timestamptz NOT NULL DEFAULT now(),
    send_at     timestamptz NOT NULL DEFAULT now(),
    until       timestamptz NOT NULL,
    tries       integer     NOT NULL DEFAULT 0,
    -- creators_of is the organization whose creators a mail names. An erasure deletes it.
    creators_of uuid
);
CREATE INDEX mails_creators ON mails (creators_of) WHERE creators_of IS NOT NULL;
CREATE INDEX mails_send_at ON mails (send_at);
CREATE INDEX mails_subject ON mails (subject);

-- webhooks: endpoints of customers that get public events. A removed one keeps no text.
-- Events after starts_after are sent, as far as they were not sent before.
CREATE TABLE webhooks (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    url             text        NOT NULL,
    types           text[]      NOT NULL,
    project_id      uuid,
    description     text,
    filters         jsonb,
    payload         text        NOT NULL,
    signatures      text[]      NOT NULL,
    disabled_reason text,
    starts_after    bigint      NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    removed_at      timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX webhooks_id ON webhooks (id);

-- The key of an organization that signs deliveries with Ed25519: the public half, and
-- the private one encrypted with the master key.
CREATE TABLE webhook_keys (
    organization_id uuid        PRIMARY KEY,
    public_key      bytea       NOT NULL,
    sealed          bytea       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);

-- The secrets that sign the deliveries of an endpoint, encrypted with the master key. A
-- replaced one signs until its end.
CREATE TABLE webhook_secrets (
    id         uuid        PRIMARY KEY,
    webhook_id uuid        NOT NULL,
    sealed     bytea       NOT NULL,
    until      timestamptz
);
CREATE INDEX webhook_secrets_webhook ON webhook_secrets (webhook_id);

-- How far each endpoint has come: all events up to the position were tried, and those of
-- webhook_waiting will be again. ordinal is the place
-- among events of one position, and number counts the events that were for the endpoint.
-- One process has the lease at a time: it ends with its time, and with the process, which
-- holds the advisory lock of its number as holder.
CREATE TABLE webhook_cursors (
    webhook_id       uuid        PRIMARY KEY,
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
CREATE INDEX webhook_deliveries_at ON webhook_deliveries (at);
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, at, id);

-- Ranges of the past that are sent again, one after the other for each endpoint.
CREATE TABLE webhook_replays (
    id              uuid        PRIMARY KEY,
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

-- The addresses of channels, encrypted with the master key.
CREATE TABLE channel_addresses (
    channel_id uuid  PRIMARY KEY,
    sealed     bytea NOT NULL
);

-- The results of the messages of a channel: failures in a row, and the last ones.
CREATE TABLE channel_states (
    channel_id      uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    failures        integer     NOT NULL DEFAULT 0,
    last_sent_at    timestamptz,
    last_error      text,
    last_error_at   timestamptz
);
CREATE INDEX channel_states_organization ON channel_states (organization_id);

-- Messages that wait for a channel, in the order of their numbers. The content names
-- things by their ids; the text is made when it is sent.
CREATE TABLE channel_messages (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    channel_id      uuid        NOT NULL,
    number          bigint      GENERATED ALWAYS AS IDENTITY,
    kind            text        NOT NULL,
    content         jsonb       NOT NULL,
    tries           integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX channel_messages_organization ON channel_messages (organization_id);
CREATE INDEX channel_messages_waiting ON channel_messages (channel_id, number);

-- reports: what is sent each week or month. A removed report keeps no text.
CREATE TABLE reports (
    organization_id uuid        NOT NULL,
    id              uuid        NOT NULL,
    scope_type      text        NOT NULL,
    scope_id        uuid,
    name            text        NOT NULL,
    period          text        NOT NULL,
    weekday         text        NOT NULL,
    hour            integer     NOT NULL,
    recipients      text[]      NOT NULL,
    unsubscribed    text[]      NOT NULL,
    sections        text[]      NOT NULL,
    enabled         boolean     NOT NULL,
    scheduled_from  timestamptz NOT NULL,
    last_due_at     timestamptz,
    issues          integer     NOT NULL,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    removed_at      timestamptz,
    weeks_until     date,
    months_until    date,
    stopped_because text,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX reports_created ON reports (organization_id, created_at, id);

-- report_issues: the issues of reports, with frozen numbers and ids in place of names.
CREATE TABLE report_issues (
    organization_id    uuid        NOT NULL,
    id                 uuid        NOT NULL,
    report_id          uuid        NOT NULL,
    scope_type         text        NOT NULL,
    scope_id           uuid,
    number             integer     NOT NULL,
    period             text        NOT NULL,
    first_day          date        NOT NULL,
    last_day           date        NOT NULL,
    compare_first_day  date,
    compare_last_day   date,
    time_zone          text        NOT NULL,
    position           bigint      NOT NULL,
    due_at             timestamptz,
    made_at            timestamptz NOT NULL,
    sections           text[]      NOT NULL,
    contents           jsonb       NOT NULL,
    mailed             integer     NOT NULL,
    color              text,
    incomplete_because text,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX report_issues_listed ON report_issues (organization_id, report_id, number);

-- report_waits: the reports whose issue fell due and waits, since when, and because of
-- what.
CREATE TABLE report_waits (
    organization_id uuid        NOT NULL,
    report_id       uuid        NOT NULL,
    scope_type      text        NOT NULL,
    scope_id        uuid,
    since           timestamptz NOT NULL DEFAULT clock_timestamp(),
    because         text        NOT NULL,
    PRIMARY KEY (organization_id, report_id)
);

-- issue_links: the digest of the link by which a recipient opens an issue of a report
-- without an account. recipient is a keyed hash of the address, null once it was taken
-- out. project_id is null for a report about the whole organization.
CREATE TABLE issue_links (
    digest          bytea       PRIMARY KEY,
    organization_id uuid        NOT NULL,
    project_id      uuid,
    report_id       uuid        NOT NULL,
    number          integer     NOT NULL,
    recipient       uuid,
    until           timestamptz NOT NULL
);
CREATE INDEX issue_links_recipient ON issue_links (recipient);
CREATE INDEX issue_links_until ON issue_links (until);
