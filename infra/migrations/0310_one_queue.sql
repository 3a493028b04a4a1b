-- A lease of due work ends with its time, and with the process that holds the advisory
-- lock of its number. The leases of webhooks are leases of due work.
ALTER TABLE due_work ADD COLUMN holder integer;
ALTER TABLE webhook_cursors DROP COLUMN lease, DROP COLUMN holder,
    DROP COLUMN lease_until;
