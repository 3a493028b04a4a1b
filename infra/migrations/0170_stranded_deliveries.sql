-- A retry by hand removed the first waiting event of a subject, and left the next one
-- without a next try. The first of each subject is due now, and no other one is.
UPDATE webhook_waiting t SET next_try_at = now()
WHERE next_try_at IS NULL AND NOT EXISTS (
    SELECT FROM webhook_waiting o WHERE o.webhook_id = t.webhook_id
    AND o.subject_id = t.subject_id AND o.number < t.number);
UPDATE webhook_waiting t SET next_try_at = NULL
WHERE next_try_at IS NOT NULL AND EXISTS (
    SELECT FROM webhook_waiting o WHERE o.webhook_id = t.webhook_id
    AND o.subject_id = t.subject_id AND o.number < t.number);
