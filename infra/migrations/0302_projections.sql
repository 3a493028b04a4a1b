-- The positions of projections, their rebuilds, and the events that they could not apply.

-- The position of each projection. The row is checkpoint, lock and fence in one.
CREATE TABLE projection (
    name         text        PRIMARY KEY,
    version      integer     NOT NULL,
    position     bigint      NOT NULL DEFAULT 0,
    status       text        NOT NULL DEFAULT 'following',
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    error        text
) WITH (fillfactor = 10);

CREATE TABLE projection_slice (
    name            text             NOT NULL,
    version         integer          NOT NULL,
    -- 0 is gathering; then the stages in the projection's order.
    stage_number    smallint         NOT NULL,
    stage           text             NOT NULL,
    number          integer          NOT NULL,
    -- The part of the log to gather: after the first position, up to and including the
    -- last.
    after_position  bigint,
    last_position   bigint,
    -- The number of shares of a stage to settle.
    partitions      integer,
    state           text             NOT NULL DEFAULT 'waiting',
    attempts        integer          NOT NULL DEFAULT 0,
    fence           bigint           NOT NULL DEFAULT 0,
    leased_until    timestamptz,
    leased_by       text,
    events bigint DEFAULT 0 CONSTRAINT projection_slice_facts_not_null NOT NULL,
    merged bigint DEFAULT 0 CONSTRAINT projection_slice_settled_not_null NOT NULL,
    working_seconds double precision NOT NULL DEFAULT 0,
    finished_at     timestamptz,
    PRIMARY KEY (name, version, stage_number, number),
    CHECK (state IN ('waiting', 'done'))
) WITH (fillfactor = 50);
CREATE INDEX projection_slice_waiting ON projection_slice (name, version, stage_number,
    number) WHERE state = 'waiting';

-- The tasks of a rebuild that is cut into slices. A stage begins when the previous one
-- is done. A worker that leases a slice gets the next ``fence``; the work of an older
-- fence is not kept, not even if the same slice was cut anew.
CREATE SEQUENCE projection_slice_fence;

-- One row for each projection: its running or last rebuild. The builder locks the row;
-- ``position`` is committed together with the rows built up to it.
CREATE TABLE projection_rebuild (
    name                text             PRIMARY KEY,
    version             integer          NOT NULL,
    status              text             NOT NULL,
    position            bigint           NOT NULL DEFAULT 0,
    -- The end of the log at the beginning; slices are cut up to there.
    head                bigint           NOT NULL,
    events bigint DEFAULT 0 CONSTRAINT projection_rebuild_facts_not_null NOT NULL,
    working_seconds     double precision NOT NULL DEFAULT 0,
    comparison          json,
    swap_ms             double precision,
    error               text,
    error_position      bigint,
    error_event         text,
    is_cancel_requested boolean DEFAULT false CONSTRAINT projection_rebuild_is_cancel_asked_not_null NOT NULL,
    is_forced           boolean          NOT NULL DEFAULT false,
    started_by          text             NOT NULL,
    started_at          timestamptz      NOT NULL DEFAULT clock_timestamp(),
    updated_at          timestamptz      NOT NULL DEFAULT clock_timestamp(),
    -- The rule of the shadow tables, null if there is only one. A dry run is kept until
    -- somebody swaps or cancels it.
    rule                text,
    is_dry_run          boolean          NOT NULL DEFAULT false,
    CHECK (status IN ('building', 'comparing', 'ready', 'refused', 'swapped',
        'cancelled', 'failed'))
) WITH (fillfactor = 10);

-- The tables that the last swap replaced, and their position. The events that their
-- follower could not apply belong to them.
CREATE TABLE projection_previous (
    name text PRIMARY KEY CONSTRAINT projection_kept_name_not_null NOT NULL,
    version        integer     CONSTRAINT projection_kept_version_not_null NOT NULL,
    position       bigint      CONSTRAINT projection_kept_position_not_null NOT NULL,
    dead_letters json DEFAULT '[]' CONSTRAINT projection_kept_dead_letters_not_null NOT NULL,
    swapped_out_at timestamptz DEFAULT clock_timestamp() CONSTRAINT projection_kept_kept_at_not_null NOT NULL
);

-- Events that a projection could not apply and left out.
CREATE TABLE dead_letter (
    projection text        NOT NULL,
    position   bigint      NOT NULL,
    name       text        NOT NULL,
    error      text        NOT NULL,
    failed_at timestamptz DEFAULT now() CONSTRAINT dead_letter_parked_at_not_null NOT NULL,
    -- A dead letter holds back the later events of its stream, so that they are applied in
    -- their order once somebody decides on it. Letters without a stream hold back nothing:
    -- those of earlier releases, and those of events that this release does not know.
    stream     uuid,
    PRIMARY KEY (projection, position)
);

-- The decisions on dead letters. Only SQL changes a row, or an erasure its reason.
CREATE TABLE dead_letter_decision (
    projection text        NOT NULL,
    position   bigint      NOT NULL,
    name       text        NOT NULL,
    decision   text        NOT NULL,
    decided_by text        NOT NULL,
    reason     text        NOT NULL,
    -- The events that were applied with it: the letter's own, and those it held back.
    events     integer     NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (projection, position, decided_at),
    CHECK (decision IN ('retried', 'skipped'))
);
