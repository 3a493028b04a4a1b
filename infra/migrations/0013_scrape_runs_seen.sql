-- Whether the numbers a run saw are rounded, and how many videos it found to be gone.
-- Of runs that succeeded before, both are null until the read model is rebuilt.

ALTER TABLE scrape_runs ADD COLUMN precision text, ADD COLUMN videos_missing integer;
