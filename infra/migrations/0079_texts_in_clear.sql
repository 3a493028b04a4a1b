-- Names and notes of organizations, projects, API keys and campaigns are sealed from
-- now on. Older ones are history in the clear, which `goatherd seal-history` rewrites,
-- even after it has sealed everything else: ``only_texts``.
ALTER TABLE history_sealing ADD COLUMN only_texts boolean NOT NULL DEFAULT false;

CREATE TEMPORARY TABLE clear_texts ON COMMIT DROP AS
SELECT min(notification_id) AS first, max(notification_id) AS last
FROM goatherd_events
WHERE topic IN ('organization_created', 'organization_settings_changed',
                'project_created', 'project_details_changed', 'api_key_created',
                'campaign_created', 'campaign_details_changed')
AND substring(state FROM 1 FOR 11) <> convert_to('{"sealed":"', 'UTF8')
HAVING count(*) > 0;

DO $$
BEGIN
    IF EXISTS (SELECT FROM history_sealing JOIN clear_texts ON first <= position
               WHERE finished_at IS NULL AND before IS NOT NULL) THEN
        RAISE EXCEPTION 'History is sealed in part only: go on with `goatherd '
            'seal-history` of the release that began it, and upgrade then.';
    END IF;
END $$;

UPDATE history_sealing SET until = greatest(until, last)
FROM clear_texts WHERE finished_at IS NULL;

INSERT INTO history_sealing (until, position, only_texts)
SELECT last, first - 1, true FROM clear_texts
ON CONFLICT (only_one) DO UPDATE SET until = excluded.until,
    position = excluded.position, only_texts = true, events = 0, ends_at = NULL,
    before = NULL, finished_at = NULL
WHERE history_sealing.finished_at IS NOT NULL;
