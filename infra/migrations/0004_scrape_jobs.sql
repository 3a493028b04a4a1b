-- Jobs: one row for each requested run. PostgreSQL decides which worker has a job; the
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
    -- The number grows with every lease; a result must have the newest one.
    fence           bigint      NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    -- The verdict of the last attempt, also while the next one waits.
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

-- The number of scrapes in a row that found no public account, and the command to
-- disable the creator, until it is carried out.
CREATE TABLE verdict_streak (
    creator_id     uuid   PRIMARY KEY,
    streak         int    NOT NULL,
    -- The last counted event, so that counting it again changes nothing.
    position       bigint NOT NULL,
    due_verdict    text,
    due_scrape_id  uuid
) WITH (fillfactor = 70);
CREATE INDEX verdict_streak_due ON verdict_streak (creator_id)
    WHERE due_scrape_id IS NOT NULL;

-- The time at which the replay provider began to play, so that a restart continues from
-- there.
CREATE TABLE replay_start (
    recording  text        PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
