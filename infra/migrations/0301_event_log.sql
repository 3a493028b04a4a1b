-- The event log: all events, in one table that only ever grows, the functions that append
-- to it, and the keys that open it.

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
) WITH (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.2);
CREATE UNIQUE INDEX goatherd_events_position ON goatherd_events (notification_id);

CREATE SEQUENCE goatherd_events_position_seq OWNED BY goatherd_events.notification_id;

-- A view of the log for people.
CREATE VIEW event_log AS
SELECT notification_id AS position, originator_id AS stream,
       originator_version AS version, topic AS name, actor, recorded_at,
       correlation_id, causation_id, convert_from(state, 'UTF8')::jsonb AS payload
FROM goatherd_events;

-- Counters that must be exact inside an append, because limits are checked against
-- them.
CREATE TABLE quota_counters (
    key   uuid   PRIMARY KEY CONSTRAINT tally_key_not_null NOT NULL,
    value bigint CONSTRAINT tally_value_not_null NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE installation_keys (
    name       text        PRIMARY KEY,
    wrapped    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A destroyed key leaves its row, so that no other key is made for the same subject.
-- ``erasure`` numbers the erasures in the order of the append lock: the largest number
-- shows every process whether a key that it holds may be gone.
CREATE TABLE subject_keys (
    subject        uuid        PRIMARY KEY,
    wrapped        bytea,
    created_at     timestamptz NOT NULL DEFAULT now(),
    destroyed_at   timestamptz,
    erasure        bigint,
    erased_creator uuid,
    erased_number  bigint,
    figures        text,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CONSTRAINT subject_keys_check1 CHECK ((wrapped IS NULL) = (erasure IS NOT NULL))
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX subject_keys_erasure ON subject_keys (erasure) WHERE erasure IS NOT NULL;

-- The erased values of a person, for `goatherd erase --verify`: names, texts and ids in
-- a sealed list. Its key is in installation_keys, under the name `erased values` and
-- the id; both are deleted after a day. No backup has the list.
CREATE TABLE erased_values (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    creator_ids     uuid[]      NOT NULL,
    -- The position of the erasure: read models have the values until they have reached
    -- it.
    position        bigint      NOT NULL,
    kept_until      timestamptz NOT NULL,
    sealed          bytea       NOT NULL,
    -- The time since which the old versions of rows and the planner's statistics are
    -- gone.
    tidied_at       timestamptz
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

-- The pictures of erased persons, by the hash of their addresses, for a week: servers
-- delete their copies, and make no others. Numbers are assigned under the append lock,
-- so that they become visible in their order.
CREATE TABLE erased_pictures (
    number    bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name      text        NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX erased_pictures_name ON erased_pictures (name);

CREATE TABLE erased_videos (
    organization_id uuid   NOT NULL,
    id              uuid   NOT NULL,
    position        bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);

CREATE TABLE idempotency (
    organization_id uuid        NOT NULL,
    key_id          uuid        NOT NULL,
    idempotency_key text        NOT NULL,
    route           text        NOT NULL,
    fingerprint     bytea       NOT NULL,
    -- The process that works on the request; another may take over after the lease.
    holder          uuid        NOT NULL,
    lease_until     timestamptz NOT NULL,
    status          integer,
    headers         jsonb,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization_id, key_id, idempotency_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE log_check (
    only_one     boolean     PRIMARY KEY DEFAULT true,
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    done         integer     NOT NULL DEFAULT 0,
    total        integer     NOT NULL DEFAULT 0,
    reported_at  timestamptz,
    finished_at  timestamptz,
    result       jsonb,
    CHECK (only_one)
);

-- backups: when `goatherd backup` wrote one, and up to which position of the log.
CREATE TABLE backups (
    made_at  timestamptz NOT NULL,
    position bigint      NOT NULL
);
CREATE INDEX backups_made ON backups (made_at);

-- restores: when `goatherd restore` brought back an older state of this installation.
CREATE TABLE restores (
    at timestamptz NOT NULL
);

CREATE FUNCTION goatherd_moment(at timestamptz)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int8send((extract(epoch FROM at) * 1000000)::bigint);

CREATE FUNCTION goatherd_ask(by text, correlation uuid, causation uuid)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN convert_to(concat(by, E'\n', correlation, E'\n', causation, E'\n'), 'UTF8');

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

-- The log never changes, for any role.
CREATE FUNCTION goatherd_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The event log is append-only.' USING ERRCODE = 'GH009';
END $$;

CREATE TRIGGER goatherd_events_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON goatherd_events
    FOR EACH STATEMENT EXECUTE FUNCTION goatherd_refuse_change();

-- Take the append lock, check the guarded streams, and change the limited counters.
-- GH001: a guarded stream has new events. GH002: a limit is reached (detail: index of
-- the quota counter, value before).
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

-- The same for large batches: take the lock, reserve positions, and return the time and
-- the digests that the chains continue from. The events then follow by COPY in the same
-- transaction.
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

-- Append events in one round trip; the answer is the first position and the time of all
-- events. Positions of one append are consecutive. ``depths`` has, for each event, the
-- number of earlier events of its stream in this append (empty: none). A link needs the
-- link before it, so each depth is one statement.
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
