-- Jobs in turn: the jobs that workers were notified of, the jobs that were given up
-- because they kill their workers, and the organization that comes next.

-- 0 for runs that users wait for, 1 for scheduled runs.
ALTER TABLE scrape_job ADD COLUMN priority smallint NOT NULL DEFAULT 0;
ALTER TABLE scrape_job DROP CONSTRAINT scrape_job_state_check;
ALTER TABLE scrape_job ADD CONSTRAINT scrape_job_state_check
    CHECK (state IN ('ready', 'leased', 'done', 'quarantined'));

DROP INDEX scrape_job_due;
-- The index leads to each organization's next jobs, however many wait.
CREATE INDEX scrape_job_waiting ON scrape_job (organization_id, priority, due_at)
    WHERE state = 'ready' AND rung_at IS NULL;
CREATE VIEW waiting_job AS
    SELECT scrape_id, organization_id, priority, due_at FROM scrape_job
    WHERE state = 'ready' AND rung_at IS NULL;
CREATE INDEX scrape_job_due ON scrape_job (due_at) WHERE state = 'ready';
-- These three are as short as the lists of notified, leased and quarantined jobs.
CREATE INDEX scrape_job_rung ON scrape_job (rung_at)
    WHERE state = 'ready' AND rung_at IS NOT NULL;
CREATE INDEX scrape_job_leased ON scrape_job (lease_until) WHERE state = 'leased';
CREATE INDEX scrape_job_quarantined ON scrape_job (finished_at)
    WHERE state = 'quarantined';

-- This row is also the lock of the dispatcher that enqueues.
CREATE TABLE ringing_turn (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    organization_id uuid    NOT NULL
);
INSERT INTO ringing_turn (organization_id)
VALUES ('00000000-0000-0000-0000-000000000000');
