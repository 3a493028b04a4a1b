-- Times of the log never go back, even if the server's clock does: an event is recorded
-- at the later of the clock's time and the newest event's. Both are read under the
-- append lock, so that times grow with positions, which reading as of a time needs.
DO $$
DECLARE
    definition text;
    changed    text;
BEGIN
    FOR definition IN
        SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
          AND proname IN ('goatherd_append', 'goatherd_open_append')
    LOOP
        changed := replace(definition, 'at := clock_timestamp();',
            'at := greatest(clock_timestamp(), (SELECT recorded_at FROM goatherd_events '
            'ORDER BY notification_id DESC LIMIT 1));');
        IF changed = definition THEN
            RAISE EXCEPTION 'An append function does not read the clock as expected.';
        END IF;
        EXECUTE changed;
    END LOOP;
END $$;

-- The seconds by which the clock of each worker process is ahead of the database's,
-- measured from time to time. The worker's own clock dates its observations.
CREATE TABLE worker_clock (
    process        text             PRIMARY KEY,
    offset_seconds double precision NOT NULL,
    measured_at    timestamptz      NOT NULL
);
