-- Jobs are enqueued, policies have tasks, and intervals are requested.
ALTER TABLE scrape_job RENAME COLUMN rung_at TO enqueued_at;
ALTER INDEX scrape_job_rung RENAME TO scrape_job_enqueued;
ALTER TABLE ringing_turn RENAME TO enqueue_turn;
ALTER INDEX ringing_turn_pkey RENAME TO enqueue_turn_pkey;
ALTER TABLE schedule_interval RENAME COLUMN asked_hours TO requested_hours;
ALTER TABLE video_due RENAME TO policy_task;
