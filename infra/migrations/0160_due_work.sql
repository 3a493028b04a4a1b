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
