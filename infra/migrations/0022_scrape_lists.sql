-- An organization's runs by their end, newest first. Imported runs did not run here.

CREATE INDEX scrape_runs_requested ON scrape_runs
    (organization_id, status, requested_at DESC, id DESC) WHERE trigger <> 'imported';
