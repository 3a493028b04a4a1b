-- A dead letter holds back the later events of its stream, so that they are applied in
-- their order once somebody decides on it. Letters without a stream hold back nothing:
-- those of earlier releases, and those of events that this release does not know.
ALTER TABLE dead_letter ADD COLUMN stream uuid;

-- The decisions on dead letters. Only SQL changes a row, or an erasure its reason.
CREATE TABLE dead_letter_decision (
    projection text        NOT NULL,
    position   bigint      NOT NULL,
    name       text        NOT NULL,
    decision   text        NOT NULL CHECK (decision IN ('retried', 'skipped')),
    decided_by text        NOT NULL,
    reason     text        NOT NULL,
    -- The events that were applied with it: the letter's own, and those it held back.
    events     int         NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (projection, position, decided_at)
);
