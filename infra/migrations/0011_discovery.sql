-- What the policies about videos know and have to do. Kept by one follower of the log,
-- known_videos; the rows of video_due are deleted by the policy that did the task.

-- Each video of a project as far as policies and workers have to know it: enough to
-- tell what is new about it without loading its stream.
CREATE TABLE known_video (
    organization_id   uuid    NOT NULL,
    -- The video's stream.
    id                uuid    NOT NULL,
    -- Null while it was added by hand and no run of a creator listed it.
    creator_id        uuid,
    tiktok_video_id   text    NOT NULL,
    tracking_status   text    NOT NULL,
    tracking_enabled  boolean NOT NULL,
    kind              text,
    -- A title is compared and never shown from here: 64 bits of its BLAKE2b.
    title_digest      bigint,
    posted_at         timestamptz,
    -- The first direct read that found it gone, null again once it was seen after that,
    -- and whether a second one confirmed it.
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

-- What an event asks the policies to do: nothing is lost between applying the event and
-- the append that follows from it, because the row goes only after that.
CREATE TABLE video_due (
    position        bigint      NOT NULL,
    -- The scrape that listed, the creator or organization whose window moved, or the
    -- video that is gone.
    subject         uuid        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('listed', 'window', 'missing')),
    organization_id uuid        NOT NULL,
    project_id      uuid,
    -- Null: every creator of the organization.
    creator_id      uuid,
    correlation_id  uuid,
    -- Since when it is gone, and the run that confirmed it.
    missing_since   timestamptz,
    scrape_id       uuid,
    -- Put off after a failure, so that one row holds up no other.
    due_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (position, subject)
) WITH (fillfactor = 70);
