-- The work: one row a requested run. PostgreSQL is the truth about who does what; the
-- broker only notifies workers.

CREATE TABLE scrape_job (
    scrape_id       uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    creator_id      uuid        NOT NULL,
    job_type        text        NOT NULL,
    state           text        NOT NULL DEFAULT 'ready'
                    CHECK (state IN ('ready', 'leased', 'done')),
    due_at          timestamptz NOT NULL DEFAULT now(),
    rung_at         timestamptz,
    attempts        int         NOT NULL DEFAULT 0,
    -- Grows with every lease; a result must carry the present one.
    fence           bigint      NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    -- The last attempt's verdict, also while the next one waits.
    outcome         text,
    error           text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz
) WITH (fillfactor = 70);
CREATE INDEX scrape_job_due ON scrape_job (due_at) WHERE state <> 'done';
ALTER TABLE scrape_job ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON scrape_job FOR SELECT TO goatherd_reader
    USING (organization_id = goatherd_tenant());
GRANT SELECT ON scrape_job TO goatherd_reader;

-- How many scrapes in a row found no public account, and whether that now has to
-- disable the creator: the command is kept here until it was carried out.
CREATE TABLE verdict_streak (
    creator_id     uuid   PRIMARY KEY,
    streak         int    NOT NULL,
    -- The last event counted, so that counting it again changes nothing.
    position       bigint NOT NULL,
    due_verdict    text,
    due_scrape_id  uuid
) WITH (fillfactor = 70);
CREATE INDEX verdict_streak_due ON verdict_streak (creator_id)
    WHERE due_scrape_id IS NOT NULL;

-- When the replay provider began to play; kept, so that a restart goes on from there.
CREATE TABLE replay_start (
    recording  text        PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
