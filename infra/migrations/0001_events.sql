-- The event log: all events, in one table that only ever grows.
--
-- Columns have the names of the eventsourcing library, as far as it has them.

CREATE TABLE goatherd_events (
    notification_id    bigint      NOT NULL,
    originator_id      uuid        NOT NULL,
    originator_version bigint      NOT NULL,
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    recorded_at        timestamptz NOT NULL,
    actor              text        NOT NULL,
    correlation_id     uuid,
    causation_id       uuid,
    -- The column exists from the start, so that appends without the lock stay possible
    -- later.
    xid                xid8        NOT NULL DEFAULT pg_current_xact_id(),
    digest             bytea       NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    -- Vacuum has nothing to reclaim here, but must freeze rows and keep the visibility
    -- map; statistics matter little beyond the first rows.
    autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.2
);
CREATE UNIQUE INDEX goatherd_events_position ON goatherd_events (notification_id);
CREATE SEQUENCE goatherd_events_position_seq OWNED BY goatherd_events.notification_id;

-- The log never changes, for any role.
CREATE FUNCTION goatherd_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The event log is append-only.' USING ERRCODE = 'GH009';
END $$;
CREATE TRIGGER goatherd_events_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON goatherd_events
    FOR EACH STATEMENT EXECUTE FUNCTION goatherd_refuse_change();

-- Counters that must be exact inside an append, because limits are checked against
-- them.
CREATE TABLE tally (
    key   uuid   PRIMARY KEY,
    value bigint NOT NULL
) WITH (fillfactor = 50);

-- Take the append lock, check the guarded streams, and change the limited counters.
-- GH001: a guarded stream has new events. GH002: a limit is reached (detail: index of
-- the quota counter, value before).
CREATE FUNCTION goatherd_enter_append(
    guards uuid[], guard_versions bigint[],
    tallies uuid[], deltas bigint[], limits bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    -- One writer at a time, from before a position is drawn until its commit, so that
    -- positions become visible in their own order and a reader never misses one.
    PERFORM pg_advisory_xact_lock(7203914821);
    IF cardinality(guards) > 0 AND EXISTS (
        SELECT FROM unnest(guards, guard_versions) AS g (id, version)
        WHERE g.version <> coalesce(
            (SELECT max(originator_version) FROM goatherd_events
             WHERE originator_id = g.id), 0)
    ) THEN
        RAISE EXCEPTION 'A guarded stream moved on.' USING ERRCODE = 'GH001';
    END IF;
    FOR i IN 1 .. cardinality(tallies) LOOP
        INSERT INTO tally AS t (key, value) VALUES (tallies[i], deltas[i])
        ON CONFLICT (key) DO UPDATE SET value = t.value + excluded.value
        RETURNING value INTO total;
        IF deltas[i] > 0 AND total > limits[i] THEN
            RAISE EXCEPTION 'A limit is reached.' USING
                ERRCODE = 'GH002', DETAIL = (i - 1) || ' ' || (total - deltas[i]);
        END IF;
    END LOOP;
END $$;

-- One link of a stream's chain. A later change of an event breaks every link after it.
-- ``moment`` is the time of the append in microseconds (int8send). ``ask`` has its
-- actor, correlation and causation, a line each (goatherd_ask). infra.appending
-- computes the same.
CREATE FUNCTION goatherd_link(
    previous bytea, moment bytea, ask bytea,
    stream uuid, version bigint, name text, body bytea
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(previous || moment || uuid_send(stream) || int8send(version) || ask
              || convert_to(name || E'\n', 'UTF8') || body);

CREATE FUNCTION goatherd_ask(by text, correlation uuid, causation uuid)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN convert_to(concat(by, E'\n', correlation, E'\n', causation, E'\n'), 'UTF8');

CREATE FUNCTION goatherd_moment(at timestamptz)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int8send((extract(epoch FROM at) * 1000000)::bigint);

-- Append events in one round trip; the answer is the first position and the time of all
-- events. Positions of one append are consecutive. ``depths`` has, for each event, the
-- number of earlier events of its stream in this append (empty: none). A link needs the
-- link before it, so each depth is one statement.
CREATE FUNCTION goatherd_append(
    streams uuid[], versions bigint[], names text[], bodies bytea[], depths bigint[],
    by text, correlation uuid, causation uuid,
    guards uuid[], guard_versions bigint[],
    tallies uuid[], deltas bigint[], limits bigint[],
    OUT first_position bigint, OUT at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    amount  CONSTANT bigint := cardinality(streams);
    written bigint := 0;
    added   bigint;
    deep    bigint := 0;
    ask     CONSTANT bytea := goatherd_ask(by, correlation, causation);
    moment  bytea;
BEGIN
    PERFORM goatherd_enter_append(guards, guard_versions, tallies, deltas, limits);
    at := clock_timestamp();
    moment := goatherd_moment(at);
    first_position := nextval('goatherd_events_position_seq');
    IF amount > 1 THEN
        PERFORM setval('goatherd_events_position_seq', first_position + amount - 1);
    END IF;
    WHILE written < amount LOOP
        INSERT INTO goatherd_events (
            notification_id, originator_id, originator_version, topic, state,
            recorded_at, actor, correlation_id, causation_id, digest
        )
        SELECT first_position + n - 1, stream, version, name, body,
               at, by, correlation, causation,
               goatherd_link(CASE WHEN version = 1 THEN '' ELSE (
                   SELECT digest FROM goatherd_events
                   WHERE originator_id = stream AND originator_version = version - 1
               ) END, moment, ask, stream, version, name, body)
        FROM unnest(streams, versions, names, bodies, depths)
            WITH ORDINALITY AS u (stream, version, name, body, depth, n)
        WHERE coalesce(depth, 0) = deep;
        GET DIAGNOSTICS added = ROW_COUNT;
        written := written + added;
        deep := deep + 1;
    END LOOP;
    PERFORM pg_notify('goatherd_events', '');
END $$;

-- The same for large batches: take the lock, reserve positions, and return the time and
-- the digests that the chains continue from. The events then follow by COPY in the same
-- transaction.
CREATE FUNCTION goatherd_open_append(
    amount bigint, streams uuid[], previous_versions bigint[],
    guards uuid[], guard_versions bigint[],
    tallies uuid[], deltas bigint[], limits bigint[],
    OUT first_position bigint, OUT at timestamptz, OUT previous bytea[]
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM goatherd_enter_append(guards, guard_versions, tallies, deltas, limits);
    at := clock_timestamp();
    first_position := nextval('goatherd_events_position_seq');
    PERFORM setval('goatherd_events_position_seq', first_position + amount - 1);
    previous := ARRAY(
        SELECT e.digest FROM unnest(streams, previous_versions)
            WITH ORDINALITY AS u (stream, version, n)
        LEFT JOIN goatherd_events e
            ON e.originator_id = u.stream AND e.originator_version = u.version
        ORDER BY u.n
    );
    IF array_position(previous, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'A version is missing before this one.' USING ERRCODE = 'GH001';
    END IF;
    PERFORM pg_notify('goatherd_events', '');
END $$;

-- A view of the log for people.
CREATE VIEW event_log AS
SELECT notification_id AS position, originator_id AS stream,
       originator_version AS version, topic AS name, actor, recorded_at,
       correlation_id, causation_id, convert_from(state, 'UTF8')::jsonb AS payload
FROM goatherd_events;
