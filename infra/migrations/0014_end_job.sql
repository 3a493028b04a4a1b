-- The function refuses to end a job by an error, so that it can precede the append in
-- one round trip. GH003: another worker has the lease.

CREATE FUNCTION goatherd_end_job(
    run uuid, held_fence bigint, ended text, verdict text, reason text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE scrape_job SET state = ended, outcome = verdict, error = reason,
        lease_until = NULL, finished_at = clock_timestamp()
    WHERE scrape_id = run AND fence = held_fence AND state IN ('ready', 'leased');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The lease went to somebody else.' USING ERRCODE = 'GH003';
    END IF;
END $$;
