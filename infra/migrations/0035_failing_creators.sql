-- How the last scrapes of a creator ended: since when each of them failed, and why.

ALTER TABLE creator_list
    ADD COLUMN last_outcome   text,
    ADD COLUMN failing_since  timestamptz,
    ADD COLUMN failed_scrapes integer NOT NULL DEFAULT 0,
    ADD COLUMN run_position   bigint;
CREATE INDEX creator_list_failing ON creator_list (organization_id, status)
    WHERE failing_since IS NOT NULL;
