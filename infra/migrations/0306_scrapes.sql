-- Scrapes: the queue of jobs, the runs, the schedule, and the sources.

CREATE TABLE scrape_job (
    scrape_id       uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    creator_id      uuid,
    job_type        text        NOT NULL,
    state           text        NOT NULL DEFAULT 'ready',
    due_at          timestamptz NOT NULL DEFAULT now(),
    enqueued_at     timestamptz,
    attempts        integer     NOT NULL DEFAULT 0,
    -- The number grows with every lease; a result must have the newest one.
    fence           bigint      NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    -- The verdict of the last attempt, also while the next one waits.
    outcome         text,
    error           text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    -- 0 for runs that users wait for, 1 for scheduled runs.
    priority        smallint    NOT NULL DEFAULT 0,
    -- The column also has the sources of a failed attempt, while the next one waits.
    provider        text,
    tried           jsonb,
    CHECK (state IN ('ready', 'leased', 'done', 'quarantined'))
) WITH (fillfactor = 70);
CREATE INDEX scrape_job_due ON scrape_job (due_at) WHERE state = 'ready';
CREATE INDEX scrape_job_enqueued ON scrape_job (enqueued_at) WHERE state = 'ready' AND
    enqueued_at IS NOT NULL;
CREATE INDEX scrape_job_leased ON scrape_job (lease_until) WHERE state = 'leased';
-- Tell whether a run of the same kind is still open. The index is as short as the
-- queue. The CASE keeps other partial indexes from matching: while statistics say that
-- almost nothing is open, any of them looks as cheap as this one.
CREATE INDEX scrape_job_open ON scrape_job (creator_id, job_type) WHERE CASE state WHEN
    'ready' THEN true WHEN 'leased' THEN true ELSE false END;
CREATE INDEX scrape_job_quarantined ON scrape_job (finished_at) WHERE state =
    'quarantined';
-- The index leads to each organization's next jobs, however many wait.
CREATE INDEX scrape_job_waiting ON scrape_job (organization_id, priority, due_at) WHERE
    state = 'ready' AND enqueued_at IS NULL;

CREATE VIEW waiting_job AS
SELECT scrape_id, organization_id, priority, due_at FROM scrape_job
WHERE state = 'ready' AND enqueued_at IS NULL;

-- This row is also the lock of the dispatcher that enqueues.
CREATE TABLE enqueue_turn (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT ringing_turn_only_row_not_null NOT NULL,
    organization_id uuid    CONSTRAINT ringing_turn_organization_id_not_null NOT NULL,
    CONSTRAINT ringing_turn_only_row_check CHECK (only_row)
);

INSERT INTO enqueue_turn (organization_id)
VALUES ('00000000-0000-0000-0000-000000000000');

-- The seconds by which the clock of each worker process is ahead of the database's,
-- measured from time to time. The worker's own clock dates its observations.
CREATE TABLE worker_clock (
    process        text             PRIMARY KEY,
    offset_seconds double precision NOT NULL,
    measured_at    timestamptz      NOT NULL
);

CREATE TABLE scrape_runs (
    organization_id  uuid        NOT NULL,
    id               uuid        NOT NULL,
    project_id       uuid        NOT NULL,
    creator_id       uuid,
    tiktok_handle text NOT NULL, job_type text NOT NULL, trigger text NOT NULL,
    status text NOT NULL,
    attempts         integer     NOT NULL,
    outcome          text,
    error            text,
    provider         text,
    observed_at      timestamptz,
    duration_ms      bigint,
    profile_observed boolean,
    videos_observed  integer,
    pages            integer,
    payload_sha256   text,
    requested_at     timestamptz NOT NULL,
    finished_at      timestamptz,
    precision        text,
    videos_missing   integer,
    tried            jsonb,
    listed           text,
    listed_reason    text,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX scrape_runs_creator ON scrape_runs (organization_id, creator_id,
    requested_at DESC, id DESC);
CREATE INDEX scrape_runs_provider ON scrape_runs (provider, finished_at DESC) WHERE
    finished_at IS NOT NULL AND trigger <> 'imported';
CREATE INDEX scrape_runs_requested ON scrape_runs (organization_id, status, requested_at
    DESC, id DESC) WHERE trigger <> 'imported';
CREATE INDEX scrape_runs_tried ON scrape_runs (finished_at DESC) WHERE tried IS NOT
    NULL;

-- The times, a row for each creator and kind of run, and one for each video that was
-- added by hand and belongs to no creator.
CREATE TABLE scrape_schedule (
    organization_id     uuid        NOT NULL,
    -- The creator, or the video if it has none.
    subject_id          uuid        NOT NULL,
    job_type            text        NOT NULL,
    project_id          uuid        NOT NULL,
    creator_id          uuid,
    tiktok_video_id     text,
    handle              text        NOT NULL,
    -- Removed and disabled creators keep their rows for their return.
    is_active           boolean     NOT NULL DEFAULT true,
    tracking_start_date date,
    tracking_end_date   date,
    -- The time and the id of the last requested run.
    last_requested_at   timestamptz NOT NULL,
    last_scrape_id      uuid,
    -- Null means that the time must be computed; infinity means never, until something
    -- changes.
    due_at              timestamptz,
    -- The newest applied events about the creator or video, and about its runs.
    position            bigint      NOT NULL,
    requested_position  bigint      NOT NULL DEFAULT 0,
    is_paused           boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (organization_id, subject_id, job_type)
) WITH (fillfactor = 70);
CREATE INDEX scrape_schedule_due ON scrape_schedule (due_at) WHERE is_active;
CREATE INDEX scrape_schedule_unplanned ON scrape_schedule (organization_id) WHERE
    is_active AND due_at IS NULL;

-- The intervals, three rows for each organization. ``hours`` is the interval that
-- applies: the requested or else the default one, but at least the plan's. The
-- scheduler, which has the plans, sets it; the follower keeps the rest.
CREATE TABLE schedule_interval (
    organization_id uuid    NOT NULL,
    job_type        text    NOT NULL,
    plan            text    NOT NULL,
    time_zone       text    NOT NULL,
    requested_hours integer,
    hours           integer,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, job_type)
);

-- The videos that count: a creator without any is not scraped for video figures.
CREATE TABLE scheduled_video (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    creator_id      uuid,
    is_counted      boolean NOT NULL,
    position        bigint  NOT NULL,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
CREATE INDEX scheduled_video_counted ON scheduled_video (organization_id, creator_id)
    WHERE is_counted;

-- The scheduler: one process at a time, by the database's clock.
CREATE TABLE scheduler_lease (
    name        text        PRIMARY KEY,
    holder      uuid,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO scheduler_lease (name) VALUES ('schedule');

-- Each video of a project as far as policies and workers need it: enough to recognize
-- new details without loading its stream.
CREATE TABLE known_video (
    organization_id   uuid        NOT NULL,
    -- The video's stream.
    id                uuid        NOT NULL,
    -- Null while the video was added by hand and no run of a creator listed it.
    creator_id        uuid,
    tiktok_video_id   text        NOT NULL,
    tracking_status   text        NOT NULL,
    tracking_enabled  boolean     NOT NULL,
    kind              text,
    -- Titles are compared and never shown from here: 64 bits of the title's BLAKE2b.
    title_digest      bigint,
    posted_at         timestamptz,
    -- The first direct read that found the video gone, null again after a later
    -- observation, and whether a second read confirmed it.
    missing_since     timestamptz,
    missing_scrape_id uuid,
    missing_confirmed boolean     NOT NULL,
    -- The last event that changed the row, so that applying it again changes nothing.
    position          bigint      NOT NULL,
    thumbnail_digest  bigint,
    -- Digests of each attribute, by which the policies recognize new values.
    attribute_digests bigint[]    NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
CREATE INDEX known_video_counted ON known_video (organization_id, creator_id) WHERE
    tracking_enabled AND (tracking_status IN ('auto_tracked', 'included',
    'direct_add'));
CREATE INDEX known_video_outside ON known_video (organization_id, creator_id, id) WHERE
    tracking_status = 'out_of_window';

CREATE TABLE list_turn (
    creator_id      uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    is_complete     boolean     NOT NULL,
    turned_at       timestamptz,
    -- A time of posting; null begins after the newest videos.
    older_than      timestamptz,
    -- The last event that changed the row, so that applying it again changes nothing.
    position        bigint      NOT NULL
) WITH (fillfactor = 80);

-- The number of scrapes in a row that found no public account, and the command to
-- disable the creator, until it is carried out.
CREATE TABLE verdict_streak (
    creator_id    uuid    PRIMARY KEY,
    streak        integer NOT NULL,
    -- The last counted event, so that counting it again changes nothing.
    position      bigint  NOT NULL,
    due_verdict   text,
    due_scrape_id uuid
) WITH (fillfactor = 70);
CREATE INDEX verdict_streak_due ON verdict_streak (creator_id) WHERE due_scrape_id IS
    NOT NULL;

-- The tasks that events give to policies. A row is deleted only after the append that
-- follows from it, so that nothing is lost between the event and the append.
CREATE TABLE policy_task (
    position        bigint      CONSTRAINT video_due_position_not_null NOT NULL,
    -- The scrape that listed, the creator or organization whose window moved, or the
    -- video that is gone.
    subject         uuid        CONSTRAINT video_due_subject_not_null NOT NULL,
    kind            text        CONSTRAINT video_due_kind_not_null NOT NULL,
    organization_id uuid        CONSTRAINT video_due_organization_id_not_null NOT NULL,
    project_id      uuid,
    -- Null means every creator of the organization.
    creator_id      uuid,
    correlation_id  uuid,
    -- The time since which the video is gone, and the run that confirmed it.
    missing_since   timestamptz,
    scrape_id       uuid,
    -- A failed task is put off, so that it does not hold up others.
    due_at timestamptz DEFAULT clock_timestamp() CONSTRAINT video_due_due_at_not_null NOT NULL,
    -- A task that fails again and again holds up no issue.
    failures        integer     NOT NULL DEFAULT 0,
    CONSTRAINT video_due_pkey PRIMARY KEY (position, subject),
    CONSTRAINT video_due_kind_check CHECK (kind IN ('listed', 'window', 'missing'))
) WITH (fillfactor = 70);

-- The time at which the replay provider began to play, so that a restart continues from
-- there.
CREATE TABLE replay_start (
    recording  text        PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE source_day (
    provider        text   NOT NULL,
    day             date   NOT NULL,
    currency        text   NOT NULL,
    requests        bigint NOT NULL,
    cost_millionths bigint NOT NULL,
    PRIMARY KEY (provider, day, currency)
) WITH (fillfactor = 50);

-- The creator of the requests, null for a check or a single video. Rows are kept for
-- some weeks.
CREATE TABLE source_request (
    day             date   NOT NULL,
    provider        text   NOT NULL,
    organization_id uuid,
    creator_id      uuid,
    currency        text   NOT NULL,
    requests        bigint NOT NULL,
    cost_millionths bigint NOT NULL,
    CONSTRAINT source_request_day_provider_organization_id_creator_id_curr_key UNIQUE
        NULLS NOT DISTINCT (day, provider, organization_id, creator_id, currency)
) WITH (fillfactor = 70);
CREATE INDEX source_request_creator ON source_request (organization_id, creator_id,
    day);

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

-- Remove runs that are about to be requested from the list, in the append's own
-- transaction and before its lock. GH003: another process has the lease. GH004: a row
-- has changed since it was read, so nothing may be requested.
CREATE FUNCTION goatherd_take_due(
    asking uuid, at timestamptz, organizations uuid[], subjects uuid[], job_types text[],
    due timestamptz[], scrapes uuid[], next_due timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    PERFORM FROM scheduler_lease
    WHERE name = 'schedule' AND holder = asking AND lease_until > clock_timestamp()
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Another scheduler is at work.' USING ERRCODE = 'GH003';
    END IF;
    UPDATE scrape_schedule s
    SET last_requested_at = at, last_scrape_id = w.scrape, due_at = w.next_due,
        -- Until the follower tells the real one, no job can have been made of it.
        requested_position = 9223372036854775807
    FROM unnest(organizations, subjects, job_types, due, scrapes, next_due)
        AS w (organization, subject, job_type, due, scrape, next_due)
    WHERE s.organization_id = w.organization AND s.subject_id = w.subject
      AND s.job_type = w.job_type AND s.due_at = w.due AND s.is_active;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> cardinality(subjects) THEN
        RAISE EXCEPTION 'The due rows have changed.' USING ERRCODE = 'GH004';
    END IF;
END $$;
