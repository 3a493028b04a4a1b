"""The scheduler's statements; ``now`` is a parameter, except for the lease."""

# Takes or renews the lease; a scheduler that is appending keeps it meanwhile.
TAKE_LEASE = """
UPDATE scheduler_lease SET holder = %(holder)s,
    lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE name = (
    SELECT name FROM scheduler_lease
    WHERE name = 'schedule'
      AND (holder = %(holder)s OR lease_until <= clock_timestamp()
           OR lease_until = %(ended)s::timestamptz)
    FOR UPDATE SKIP LOCKED
)
RETURNING name
"""
LEASE_END = """
SELECT lease_until::text FROM scheduler_lease WHERE name = 'schedule'
"""
GIVE_UP_LEASE = """
UPDATE scheduler_lease SET holder = NULL, lease_until = '-infinity'
WHERE name = 'schedule' AND holder = %(holder)s
"""
CHECK_LEASE = """
SELECT name FROM scheduler_lease
WHERE name = 'schedule' AND holder = %(holder)s AND lease_until > clock_timestamp()
FOR UPDATE
"""

# True if the schedule has applied all but the newest events. A scheduler that reads the
# log from its start, or comes back after a day, would request runs again that were done
# long ago.
IS_CAUGHT_UP = """
SELECT coalesce((
    SELECT recorded_at FROM goatherd_events
    WHERE notification_id > p.position ORDER BY notification_id LIMIT 1
) > clock_timestamp() - make_interval(secs => %s), true)
FROM projection p WHERE name = 'schedule'
"""

# Changed hours apply from the next time on: a row that is due by the old ones is
# planned again. An organization whose plan is not configured keeps its hours.
SET_HOURS = """
UPDATE schedule_interval i
SET hours = greatest(coalesce(requested_hours, standard), lowest)
FROM unnest(%(plans)s::text[], %(job_types)s::text[], %(floors)s::int[],
            %(defaults)s::int[]) AS f (plan, job_type, lowest, standard)
WHERE i.plan = f.plan AND i.job_type = f.job_type
  AND i.hours IS DISTINCT FROM greatest(coalesce(requested_hours, standard), lowest)
RETURNING organization_id, i.job_type
"""
PLAN_ANEW = """
UPDATE scrape_schedule SET due_at = NULL
WHERE organization_id = %s AND job_type = %s AND due_at IS NOT NULL
"""

_DAY = """
day AS (
    SELECT * FROM unnest(%(zones)s::text[], %(todays)s::date[],
                         %(midnights)s::timestamptz[])
        AS d (time_zone, today, midnight)
)
"""
_HAS_NOTHING_TO_COUNT = """
(s.job_type = 'video_stats' AND s.creator_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM scheduled_video v
    WHERE v.organization_id = s.organization_id AND v.creator_id = s.creator_id
      AND v.is_counted))
"""
PLAN = f"""
WITH {_DAY}, unplanned AS (
    SELECT s.organization_id, s.subject_id, s.job_type, today, midnight,
        s.last_requested_at + make_interval(secs => hours * 3600
            * (1 - %(jitter)s + 2 * %(jitter)s * random())) AS after_the_last,
        make_interval(secs => hours * 3600 * %(jitter)s * random()) AS some_time
    FROM scrape_schedule s
    JOIN schedule_interval USING (organization_id, job_type)
    JOIN day USING (time_zone)
    WHERE s.is_active AND s.due_at IS NULL AND hours IS NOT NULL
    LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED
)
UPDATE scrape_schedule s SET due_at = CASE
    WHEN s.is_paused OR s.tracking_end_date < today OR {_HAS_NOTHING_TO_COUNT}
        THEN 'infinity'
    -- The plan is made again each day, until the window's first day has come.
    WHEN s.tracking_start_date > today
        THEN greatest(midnight + some_time, after_the_last)
    ELSE after_the_last END
FROM unplanned u
WHERE s.organization_id = u.organization_id AND s.subject_id = u.subject_id
  AND s.job_type = u.job_type
"""
# A row that is late by more than the jitter was missed, because all schedulers were
# away or because the interval was made shorter. Missed rows are requested one a second,
# not all together.
SPREAD_MISSED = """
WITH missed AS MATERIALIZED (
    SELECT s.organization_id, s.subject_id, s.job_type, hours
    FROM scrape_schedule s JOIN schedule_interval USING (organization_id, job_type)
    WHERE s.is_active
      -- No interval is shorter, which lets the index limit the rows.
      AND s.due_at < %(now)s::timestamptz - make_interval(secs => %(jitter)s * 3600
          * (SELECT min(hours) FROM schedule_interval))
      AND s.due_at < %(now)s::timestamptz
          - make_interval(secs => hours * 3600 * %(jitter)s)
    ORDER BY s.due_at LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED
)
UPDATE scrape_schedule s
SET due_at = %(now)s::timestamptz + random() * make_interval(secs => least(
    hours * 3600 * %(jitter)s, (SELECT count(*) FROM missed) - 1))
FROM missed m
WHERE s.organization_id = m.organization_id AND s.subject_id = m.subject_id
  AND s.job_type = m.job_type
"""
# The same condition as in the index scrape_job_open.
_IS_OPEN = "CASE j.state WHEN 'ready' THEN true WHEN 'leased' THEN true ELSE false END"
DUE = f"""
WITH {_DAY}, s AS MATERIALIZED (
    SELECT * FROM scrape_schedule WHERE is_active AND due_at <= %(now)s
    ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
SELECT s.organization_id, s.subject_id, s.job_type, s.project_id, s.creator_id,
    s.tiktok_video_id, s.handle, s.due_at, hours,
    coalesce(s.tracking_start_date > today, false)
        OR coalesce(s.tracking_end_date < today, false)
        OR {_HAS_NOTHING_TO_COUNT} AS is_outside,
    coalesce(of_the_creator.is_open, of_the_last.is_open, false)
        -- The request has no job yet.
        OR s.requested_position > coalesce(
            (SELECT position FROM projection WHERE name = 'scrape_jobs'), 0) AS is_open
FROM s
JOIN schedule_interval USING (organization_id, job_type)
JOIN day USING (time_zone)
LEFT JOIN LATERAL (
    SELECT true AS is_open FROM scrape_job j
    WHERE {_IS_OPEN} AND j.creator_id = s.creator_id AND j.job_type = s.job_type
    LIMIT 1
) of_the_creator ON true
LEFT JOIN LATERAL (
    SELECT true AS is_open FROM scrape_job j
    WHERE {_IS_OPEN} AND j.scrape_id = s.last_scrape_id
) of_the_last ON true
ORDER BY s.due_at
"""
PUT_OFF = """
UPDATE scrape_schedule SET due_at = %s
WHERE organization_id = %s AND subject_id = %s AND job_type = %s AND due_at = %s
"""
TAKE_DUE = """
SELECT goatherd_take_due(%b::uuid, %b::timestamptz, %b::uuid[], %b::uuid[], %b::text[],
                         %b::timestamptz[], %b::uuid[], %b::timestamptz[])
"""

# More than one interval late.
OVERDUE = """
SELECT count(*), coalesce(extract(epoch FROM max(now() - due_at)) / 3600, 0)::float8
FROM scrape_schedule s JOIN schedule_interval USING (organization_id, job_type)
WHERE is_active AND due_at < now() - make_interval(hours => hours)
"""
