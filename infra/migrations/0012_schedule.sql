-- The schedule: the next scrapes of each creator, and of each video that was added by
-- hand; and the settings of an organization that they follow.

-- Null hours are the default.
ALTER TABLE organizations
    ADD COLUMN creator_profiles_hours int,
    ADD COLUMN discover_videos_hours  int,
    ADD COLUMN video_stats_hours      int,
    -- The version counts the events about the organization itself.
    ADD COLUMN version bigint NOT NULL DEFAULT 1;
UPDATE organizations o SET version = 1 + (
    SELECT count(*) FROM goatherd_events
    WHERE originator_id = o.organization_id AND topic = 'plan_changed'
      AND notification_id <= o.position
);
-- Earlier events do not have the new fields, so the rows need no rebuilding. A follower
-- of the previous release must stop.
UPDATE projection SET version = 2 WHERE name = 'api_keys' AND version = 1;

-- The intervals, three rows for each organization. ``hours`` is the interval that
-- applies: the requested or else the default one, but at least the plan's. The
-- scheduler, which has the plans, sets it; the follower keeps the rest.
CREATE TABLE schedule_interval (
    organization_id uuid   NOT NULL,
    job_type        text   NOT NULL,
    plan            text   NOT NULL,
    time_zone       text   NOT NULL,
    asked_hours     int,
    hours           int,
    position        bigint NOT NULL,
    PRIMARY KEY (organization_id, job_type)
);

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
    PRIMARY KEY (organization_id, subject_id, job_type)
) WITH (fillfactor = 70);
CREATE INDEX scrape_schedule_due ON scrape_schedule (due_at) WHERE is_active;
CREATE INDEX scrape_schedule_unplanned ON scrape_schedule (organization_id)
    WHERE is_active AND due_at IS NULL;

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

-- Tell whether a run of the same kind is still open. The index is as short as the
-- queue. The CASE keeps other partial indexes from matching: while statistics say that
-- almost nothing is open, any of them looks as cheap as this one.
CREATE INDEX scrape_job_open ON scrape_job (creator_id, job_type)
    WHERE CASE state WHEN 'ready' THEN true WHEN 'leased' THEN true ELSE false END;

-- The scheduler: one process at a time, by the database's clock.
CREATE TABLE scheduler_lease (
    name        text        PRIMARY KEY,
    holder      uuid,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO scheduler_lease (name) VALUES ('schedule');

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
