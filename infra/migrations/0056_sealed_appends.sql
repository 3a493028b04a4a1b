-- Appends of sealed events: they store the keys of new subjects, and refuse events of
-- erased subjects. Both are checked under the append lock, which an erasure takes too,
-- so that no personal data is recorded after it.

-- The function is as before, with one more error: GH005 says that the subject of a
-- sealed event has no key.
DROP FUNCTION goatherd_enter_append;
CREATE FUNCTION goatherd_enter_append(
    guards uuid[], guard_versions bigint[],
    counters uuid[], deltas bigint[], limits bigint[],
    sealed_for uuid[], new_subjects uuid[], new_keys bytea[]
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
    newest  timestamptz;
    total   bigint;
BEGIN
    -- One writer at a time, from before a position is drawn until its commit, so that
    -- positions become visible in their own order and a reader never misses one.
    ignored := pg_advisory_xact_lock(7203914821);
    IF cardinality(guards) > 0 THEN
        IF EXISTS (
            SELECT FROM unnest(guards, guard_versions) AS g (id, version)
            WHERE g.version <> coalesce(
                (SELECT max(originator_version) FROM goatherd_events
                 WHERE originator_id = g.id), 0)
        ) THEN
            RAISE EXCEPTION 'A guarded stream moved on.' USING ERRCODE = 'GH001';
        END IF;
    END IF;
    FOR i IN 1 .. cardinality(counters) LOOP
        INSERT INTO quota_counters AS t (key, value) VALUES (counters[i], deltas[i])
        ON CONFLICT (key) DO UPDATE SET value = t.value + excluded.value
        RETURNING value INTO total;
        IF deltas[i] > 0 AND total > limits[i] THEN
            RAISE EXCEPTION 'A limit is reached.' USING
                ERRCODE = 'GH002', DETAIL = (i - 1) || ' ' || (total - deltas[i]);
        END IF;
    END LOOP;
    IF cardinality(new_subjects) > 0 THEN
        INSERT INTO subject_keys (subject, wrapped)
        SELECT * FROM unnest(new_subjects, new_keys);
    END IF;
    IF cardinality(sealed_for) > 0 THEN
        IF EXISTS (
            SELECT FROM unnest(sealed_for) AS s (id)
            WHERE NOT EXISTS (SELECT FROM subject_keys
                              WHERE subject = s.id AND wrapped IS NOT NULL)
        ) THEN
            RAISE EXCEPTION 'A subject was erased.' USING ERRCODE = 'GH005';
        END IF;
    END IF;
    SELECT recorded_at INTO newest FROM goatherd_events
    ORDER BY notification_id DESC LIMIT 1;
    RETURN greatest(clock_timestamp(), newest);
END $$;

DROP FUNCTION goatherd_append;
CREATE FUNCTION goatherd_append(
    streams uuid[], versions bigint[], names text[], bodies bytea[], depths bigint[],
    by text, correlation uuid, causation uuid,
    guards uuid[], guard_versions bigint[],
    counters uuid[], deltas bigint[], limits bigint[],
    sealed_for uuid[] = '{}', new_subjects uuid[] = '{}', new_keys bytea[] = '{}',
    OUT first_position bigint, OUT at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    amount  CONSTANT bigint := cardinality(streams);
    written bigint := 0;
    added   bigint;
    deep    bigint := 0;
    ask     CONSTANT bytea := goatherd_ask(by, correlation, causation);
    moment  bytea;
    ignored text;
BEGIN
    at := goatherd_enter_append(guards, guard_versions, counters, deltas, limits,
                                sealed_for, new_subjects, new_keys);
    moment := goatherd_moment(at);
    first_position := nextval('goatherd_events_position_seq');
    IF amount > 1 THEN
        ignored := setval('goatherd_events_position_seq', first_position + amount - 1);
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
    ignored := pg_notify('goatherd_events', '');
END $$;

DROP FUNCTION goatherd_open_append;
CREATE FUNCTION goatherd_open_append(
    amount bigint, streams uuid[], previous_versions bigint[],
    guards uuid[], guard_versions bigint[],
    counters uuid[], deltas bigint[], limits bigint[],
    sealed_for uuid[] = '{}', new_subjects uuid[] = '{}', new_keys bytea[] = '{}',
    OUT first_position bigint, OUT at timestamptz, OUT previous bytea[]
) LANGUAGE plpgsql AS $$
BEGIN
    at := goatherd_enter_append(guards, guard_versions, counters, deltas, limits,
                                sealed_for, new_subjects, new_keys);
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
