-- The failures of a creator's last scrapes: since when each kind has failed, and why.

ALTER TABLE creator_list
    ADD COLUMN last_outcome   text,
    ADD COLUMN failing_since  timestamptz,
    ADD COLUMN failed_scrapes integer NOT NULL DEFAULT 0,
    ADD COLUMN run_position   bigint;
CREATE INDEX creator_list_failing ON creator_list (organization_id, status)
    WHERE failing_since IS NOT NULL;
