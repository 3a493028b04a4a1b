-- Runs of single videos: a video that was added by hand belongs to no creator.

ALTER TABLE scrape_runs ALTER COLUMN creator_id DROP NOT NULL;
ALTER TABLE scrape_job ALTER COLUMN creator_id DROP NOT NULL;
