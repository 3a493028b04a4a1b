-- Runs by the provider that they asked, the newest first, for the activity of
-- providers.

CREATE INDEX scrape_runs_provider ON scrape_runs (provider, finished_at DESC)
    WHERE finished_at IS NOT NULL AND trigger <> 'imported';
