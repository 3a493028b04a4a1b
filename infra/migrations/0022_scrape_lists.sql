-- An organization's runs by how they ended, newest first. Imported ones nobody ran here.

CREATE INDEX scrape_runs_requested ON scrape_runs
    (organization_id, status, requested_at DESC, id DESC) WHERE trigger <> 'imported';
