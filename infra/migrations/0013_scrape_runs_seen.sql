-- The precision of the numbers that a run observed, and the number of videos that it
-- found gone. Both are null for older successful runs until the read model is rebuilt.

ALTER TABLE scrape_runs ADD COLUMN precision text, ADD COLUMN videos_missing integer;
