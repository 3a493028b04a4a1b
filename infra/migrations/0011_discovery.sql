-- The knowledge and the tasks of the policies about videos. One follower of the log,
-- known_videos, keeps these tables; a policy that has done a task deletes its row of
-- video_due.

-- Each video of a project as far as policies and workers need it: enough to recognize
-- new details without loading its stream.
CREATE TABLE known_video (
    organization_id   uuid    NOT NULL,
    -- The video's stream.
    id                uuid    NOT NULL,
    -- Null while the video was added by hand and no run of a creator listed it.
    creator_id        uuid,
    tiktok_video_id   text    NOT NULL,
    tracking_status   text    NOT NULL,
    tracking_enabled  boolean NOT NULL,
    kind              text,
    -- Titles are compared and never shown from here: 64 bits of the title's BLAKE2b.
    title_digest      bigint,
    posted_at         timestamptz,
    -- The first direct read that found the video gone, null again after a later
    -- observation, and whether a second read confirmed it.
    missing_since     timestamptz,
    missing_scrape_id uuid,
    missing_confirmed boolean NOT NULL,
    -- The last event that changed the row, so that applying it again changes nothing.
    position          bigint  NOT NULL,
    PRIMARY KEY (organization_id, id)
) WITH (fillfactor = 90);
CREATE INDEX known_video_outside ON known_video (organization_id, creator_id, id)
    WHERE tracking_status = 'out_of_window';
CREATE INDEX known_video_counted ON known_video (organization_id, creator_id)
    WHERE tracking_enabled
      AND tracking_status IN ('auto_tracked', 'included', 'direct_add');

-- The tasks that events give to policies. A row is deleted only after the append that
-- follows from it, so that nothing is lost between the event and the append.
CREATE TABLE video_due (
    position        bigint      NOT NULL,
    -- The scrape that listed, the creator or organization whose window moved, or the
    -- video that is gone.
    subject         uuid        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('listed', 'window', 'missing')),
    organization_id uuid        NOT NULL,
    project_id      uuid,
    -- Null means every creator of the organization.
    creator_id      uuid,
    correlation_id  uuid,
    -- The time since which the video is gone, and the run that confirmed it.
    missing_since   timestamptz,
    scrape_id       uuid,
    -- A failed task is put off, so that it does not hold up others.
    due_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (position, subject)
) WITH (fillfactor = 70);
