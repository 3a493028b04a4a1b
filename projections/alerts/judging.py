"""Judging: for each type of condition the query that answers it for all creators.

A rule is judged with one query, for however many creators, and with one more for the
few that come into question. The same code judges the present, for alerts, and the past,
for previews.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert.conditions import Condition, ConditionType
from domain.alert.events import AlertEvidence, AlertScope
from domain.alert.findings import (
    AlertFinding,
    DayJudge,
    EndedImport,
    Watched,
    failed_imports,
    is_over_posting,
    long_gaps,
    lost_followers,
    stopped_posting,
    stretches,
    unseen,
    unusual_views,
)
from domain.analytics.buckets import end_of_slot, slot_of
from projections.creators.posting import HAS_STOPPED

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_A_DAY: Final = timedelta(days=1)
# The days before the first judged one that its views are compared with.
_BASE_DAYS: Final = 28
_SLOTS_A_DAY: Final = 96
_INCIDENT: Final = timedelta(days=7)
_FAULTS: Final = ["blocked", "rate_limited", "schema_changed", "transient"]
# So many runs of a source must have ended before a share of them says anything.
_LEAST_RUNS: Final = 5


class WatchedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to judge from ``first`` to ``last``, the same instant for the present.

    ``profile_hours`` are the hours between two scheduled scrapes of a profile.
    """

    organization_id: UUID
    condition: Condition
    scope: AlertScope
    first: datetime
    last: datetime
    profile_hours: int = 24
    time_zone: str = "UTC"

    @property
    def is_present(self) -> bool:
        return self.first == self.last

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "organization": self.organization_id,
            "scope": self.scope.type,
            "scope_id": self.scope.id,
            "first": self.first,
            "last": self.last,
            "present": self.is_present,
        }


class JudgingQuestion(msgspec.Struct, frozen=True):
    """A query and its parameters."""

    text: bytes
    parameters: Mapping[str, Any]


Judging = Generator[JudgingQuestion, Sequence[TupleRow], list[AlertFinding]]

_CHOSEN = """
WITH chosen AS (
    SELECT c.id, c.project_id, c.profile_observed_at, c.created_at, c.updated_at,
           c.disabled_reason, c.status, c.last_outcome, c.failing_since,
           c.profile_position, c.run_position, c.tracking_end_date
    FROM creator_list c
    WHERE c.organization_id = %(organization)s AND CASE %(scope)s
        WHEN 'org' THEN true
        WHEN 'project' THEN c.project_id = %(scope_id)s
        WHEN 'creator' THEN c.id = %(scope_id)s
        ELSE c.id IN (
            SELECT m.member_id FROM analytics_campaign_members m
            WHERE m.organization_id = %(organization)s
            AND m.campaign_id = %(scope_id)s AND m.is_creator
        ) END
    AND c.project_id NOT IN (
        SELECT id FROM projects
        WHERE organization_id = %(organization)s AND archived_at IS NOT NULL)
)
"""
# Posts of one creator are a list of quarter-hours; the present needs the last one only.
_POSTS = f"""
{_CHOSEN}
SELECT c.id, c.project_id,
       CASE WHEN %(present)s THEN p.slots[cardinality(p.slots):] ELSE p.slots END
FROM chosen c JOIN analytics_creator_posts p
    ON p.organization_id = %(organization)s AND p.id = c.id
WHERE c.status = 'active' AND cardinality(p.slots) > 0
AND (NOT %(present)s OR p.slots[cardinality(p.slots)] <= %(slot)s)
""".encode()
_LAST_POSTS = b"""
SELECT v.creator_id, v.id, v.posted_at, v.changed_position
FROM unnest(%(creators)s::uuid[]) AS days_judged (id)
JOIN LATERAL (
    SELECT v.creator_id, v.id, v.posted_at, v.changed_position FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND v.creator_id = days_judged.id
    AND v.is_counted AND v.posted_at <= %(last)s
    ORDER BY v.posted_at DESC LIMIT %(most)s
) v ON true
"""
# The posts of the habit: all known ones of the account until then, counted or not.
_HABIT = f"""
{_CHOSEN}
SELECT c.id, c.project_id, array_agg(v.posted_at ORDER BY v.posted_at),
       (array_agg(v.id ORDER BY v.posted_at DESC, v.id))[1],
       (array_agg(v.changed_position ORDER BY v.posted_at DESC, v.id))[1]
FROM chosen c JOIN analytics_videos v
    ON v.organization_id = %(organization)s AND v.creator_id = c.id
WHERE c.status = 'active' AND v.posted_at <= %(last)s
AND (c.tracking_end_date IS NULL
     OR c.tracking_end_date >= (%(last)s AT TIME ZONE 'UTC')::date)
AND (NOT %(present)s OR c.id IN (
    SELECT id FROM creator_list
    WHERE organization_id = %(organization)s AND {HAS_STOPPED}))
GROUP BY c.id, c.project_id
""".encode()
_SEEN_LAST = f"""
{_CHOSEN}
SELECT c.id, c.project_id, ARRAY[coalesce(c.profile_observed_at, c.created_at)],
       c.profile_position
FROM chosen c
WHERE c.status = 'active'
AND coalesce(c.profile_observed_at, c.created_at) < %(unseen)s
AND (c.tracking_end_date IS NULL OR c.tracking_end_date >= %(last)s::date)
""".encode()
_SEEN = f"""
{_CHOSEN}
SELECT c.id, c.project_id, array_agg(r.observed_at ORDER BY r.observed_at), NULL
FROM chosen c JOIN scrape_runs r
    ON r.organization_id = %(organization)s AND r.creator_id = c.id
WHERE c.status = 'active' AND r.profile_observed AND r.observed_at <= %(last)s
AND (c.tracking_end_date IS NULL OR c.tracking_end_date >= %(last)s::date)
GROUP BY c.id, c.project_id
""".encode()
_DISABLED = f"""
{_CHOSEN}
SELECT c.id, c.project_id, coalesce(a.at, c.updated_at), a.position
FROM chosen c LEFT JOIN LATERAL (
    SELECT a.at, a.position FROM activity a
    WHERE a.organization_id = %(organization)s AND a.creator_id = c.id
    AND a.kind = 'failing' AND a.data ->> 'is_disabled' = 'true'
    ORDER BY a.at DESC LIMIT 1
) a ON true
WHERE c.status = 'disabled' AND c.disabled_reason <> 'by_hand'
""".encode()
_WAS_DISABLED = f"""
{_CHOSEN}
SELECT c.id, c.project_id, a.at, a.position
FROM chosen c JOIN activity a
    ON a.organization_id = %(organization)s AND a.creator_id = c.id
WHERE a.kind = 'failing' AND a.data ->> 'is_disabled' = 'true'
AND a.at BETWEEN %(first)s AND %(last)s
""".encode()
_OTHER_ACCOUNT = f"""
{_CHOSEN}
SELECT c.id, c.project_id, coalesce(c.failing_since, c.updated_at), c.run_position
FROM chosen c
WHERE c.status <> 'removed' AND (c.disabled_reason = 'identity_changed'
    OR c.status = 'active' AND c.last_outcome = 'identity_changed')
""".encode()
_WAS_OTHER_ACCOUNT = f"""
{_CHOSEN}
SELECT c.id, c.project_id, r.finished_at, NULL
FROM chosen c JOIN (
    SELECT creator_id, finished_at, outcome,
           lag(outcome) OVER (PARTITION BY creator_id ORDER BY finished_at) AS before
    FROM scrape_runs
    WHERE organization_id = %(organization)s AND finished_at <= %(last)s
) r ON r.creator_id = c.id
WHERE r.outcome = 'identity_changed' AND r.before IS DISTINCT FROM 'identity_changed'
AND r.finished_at >= %(first)s
""".encode()
# After a creator's last day the totals hold.
_LEVELS = """
SELECT c.id, c.project_id, array_agg(d.day ORDER BY d.day),
       array_agg(d.level::float8 ORDER BY d.day), max(t.last_day)
FROM chosen c
JOIN analytics_{table}_totals t
    ON t.organization_id = %(organization)s AND t.id = c.id AND t.{level}_known > 0
JOIN LATERAL (
    SELECT d.day, d.{column} AS level FROM analytics_{table}_days d
    WHERE d.organization_id = %(organization)s AND d.id = c.id
    AND d.day = ANY(%(days)s::int[]) AND d.{level}_known > 0
    UNION ALL SELECT t.last_day, t.{column}
) d ON true
WHERE c.status = 'active' GROUP BY c.id, c.project_id
"""
_VIEWS = (
    _CHOSEN + _LEVELS.format(table="video", level="views", column="views_new")
).encode()
_FOLLOWERS = (
    _CHOSEN + _LEVELS.format(table="profile", level="followers", column="followers")
).encode()
# The numbers of days in question change with each observation. Sums are kept by quarter
# of an hour: the observations of one are a step, at the time of the last of them.
_MOVED = """
SELECT id, (slot - 1) / 96 AS day, sum({extreme}(0, {move}))::float8
FROM analytics_{table}_rollups
WHERE organization_id = %(organization)s AND id = ANY(%(creators)s)
AND slot > %(after)s AND slot <= %(until)s
GROUP BY 1, 2 HAVING sum({extreme}(0, {move})) <> 0
"""
_STEPS = """
SELECT r.id, (slot - 1) / 96, {move}::float8, seen.at
FROM unnest(%(ids)s::uuid[], %(in_question)s::int[]) AS days_judged (id, day)
JOIN analytics_{table}_rollups r
    ON r.organization_id = %(organization)s AND r.id = days_judged.id
    AND slot > 96 * days_judged.day AND slot <= 96 * days_judged.day + 96
CROSS JOIN LATERAL (
    SELECT max(observed_at) AS at FROM analytics_snapshots n
    WHERE n.organization_id = %(organization)s AND n.metric_group = {group}
    AND n.owner = r.id AND n.observed_at <= %(last)s
    AND n.observed_at > timestamptz 'epoch' + (slot - 1) * interval '15 minutes'
    AND n.observed_at <= timestamptz 'epoch' + slot * interval '15 minutes'
) seen
WHERE {move} <> 0 AND seen.at IS NOT NULL ORDER BY r.id, slot
"""
_BUSY_DAYS = f"""
{_CHOSEN}
SELECT c.id, c.project_id, (v.posted_at AT TIME ZONE %(zone)s)::date,
       array_agg(v.id), array_agg(v.posted_at), array_agg(v.number)
FROM chosen c JOIN analytics_videos v
    ON v.organization_id = %(organization)s AND v.creator_id = c.id
WHERE c.status = 'active' AND v.is_counted
AND v.posted_at > %(since)s AND v.posted_at <= %(last)s
GROUP BY 1, 2, 3 HAVING count(*) >= %(posts)s
""".encode()
_COUNTS = b"""
SELECT owner, observed_at, position, counts FROM analytics_snapshots
WHERE organization_id = %(organization)s AND metric_group = 0
AND owner = ANY(%(creators)s) AND observed_at BETWEEN %(since)s AND %(last)s
ORDER BY observed_at, position
"""
_GONE = f"""
{_CHOSEN}
SELECT v.creator_id, v.project_id, v.id, v.missing_since
FROM videos v
WHERE v.organization_id = %(organization)s AND v.missing_since <= %(last)s
AND (%(present)s OR v.missing_since >= %(first)s)
AND v.tracking_enabled
AND v.tracking_status IN ('auto_tracked', 'included', 'direct_add')
AND (v.creator_id IN (SELECT id FROM chosen WHERE status = 'active')
     OR v.creator_id IS NULL AND (%(scope)s = 'org'
        OR %(scope)s = 'project' AND v.project_id = %(scope_id)s)
     AND v.project_id NOT IN (
        SELECT id FROM projects
        WHERE organization_id = %(organization)s AND archived_at IS NOT NULL))
""".encode()
_ENDED_RUNS = b"""
SELECT provider, date_trunc('hour', finished_at, 'UTC'), count(*),
       count(*) FILTER (WHERE outcome = ANY(%(faults)s)),
       (array_agg(id ORDER BY finished_at DESC)
           FILTER (WHERE outcome = ANY(%(faults)s)))[:5]
FROM scrape_runs
WHERE organization_id = %(organization)s AND finished_at > %(since)s
AND finished_at <= %(last)s AND provider IS NOT NULL AND trigger <> 'imported'
GROUP BY 1, 2 ORDER BY 1, 2
"""


_IMPORTS = b"""
SELECT project_id, at, outcome = 'stored', position FROM imports
WHERE organization_id = %(organization)s AND at > %(since)s AND at <= %(last)s
AND (%(scope)s = 'org' OR project_id = %(scope_id)s)
ORDER BY at, position
"""


def judged(watch: WatchedRule) -> Judging:
    """Judge a rule: yield questions, take their rows, and return the findings."""
    return _JUDGES[watch.condition.type](watch)


_CALMLY: LiteralString = """
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL statement_timeout = 60000; SET LOCAL jit = off
"""


def judged_now(
    connection: Connection[TupleRow], watch: WatchedRule
) -> list[AlertFinding]:
    """Judge a rule on a connection that reads all organizations, in one snapshot."""
    judging = judged(watch)
    with connection.transaction():
        connection.execute(_CALMLY)
        cursor = connection.cursor(binary=True)
        try:
            question = next(judging)
            while True:
                rows = cursor.execute(question.text, question.parameters)
                question = judging.send(rows.fetchall())
        except StopIteration as stop:
            return stop.value


def can_judge(kind: ConditionType) -> bool:
    """Tell whether the read models of an organization answer the condition."""
    return kind in _JUDGES


def _no_post(watch: WatchedRule) -> Judging:
    days = watch.condition.number("days")
    until = watch.last - timedelta(days=days)
    quarter = int((until - _EPOCH) / timedelta(minutes=15)) + 1
    rows = yield JudgingQuestion(_POSTS, {**watch.parameters, "slot": quarter})
    creators = {row[0]: Watched(row[0], row[1]) for row in rows}
    if not creators:
        return []
    if not watch.is_present:
        ended: list[AlertFinding] = []
        for creator_id, _, slots in rows:
            posts = [at for slot in slots if (at := end_of_slot(slot)) <= watch.last]
            found = long_gaps(creators[creator_id], posts, days=days, at=watch.last)
            ended += [each for each in found if each.since >= watch.first - _A_DAY]
        return ended
    # Exact times and the videos are read for those alone that come into question. Their
    # last post may lie on either side of the limit in its quarter of an hour.
    last = yield JudgingQuestion(
        _LAST_POSTS, {**watch.parameters, "creators": [*creators], "most": 1}
    )
    exact: list[AlertFinding] = []
    for creator_id, video_id, posted_at, position in last:
        for each in long_gaps(
            creators[creator_id], [posted_at], days=days, at=watch.last
        ):
            evidence = msgspec.structs.replace(
                each.evidence, video_ids=(video_id,), positions=(position,)
            )
            exact.append(msgspec.structs.replace(each, evidence=evidence))
    return exact


def _stopped_posting(watch: WatchedRule) -> Judging:
    parameters = {**watch.parameters, "now": watch.last}
    rows = yield JudgingQuestion(_HABIT, parameters)
    found: list[AlertFinding] = []
    for creator_id, project_id, posts, last_id, position in rows:
        for each in stopped_posting(
            Watched(creator_id, project_id), posts, at=watch.last
        ):
            evidence = each.evidence
            if each.until is None:
                evidence = msgspec.structs.replace(
                    evidence, video_ids=(last_id,), positions=(position,)
                )
            found.append(msgspec.structs.replace(each, evidence=evidence))
    return found


def _not_seen(watch: WatchedRule) -> Judging:
    intervals = watch.condition.number("intervals")
    limit = timedelta(hours=watch.profile_hours) * intervals
    parameters = {**watch.parameters, "unseen": watch.last - limit}
    rows = yield JudgingQuestion(_SEEN_LAST if watch.is_present else _SEEN, parameters)
    return [
        _at_position(finding, position)
        for creator_id, project_id, seen, position in rows
        for finding in unseen(
            Watched(creator_id, project_id),
            seen,
            hours=watch.profile_hours,
            intervals=intervals,
            at=watch.last,
        )
    ]


def _disabled(watch: WatchedRule) -> Judging:
    text = _DISABLED if watch.is_present else _WAS_DISABLED
    rows = yield JudgingQuestion(text, watch.parameters)
    return [_since(*row) for row in rows]


def _other_account(watch: WatchedRule) -> Judging:
    text = _OTHER_ACCOUNT if watch.is_present else _WAS_OTHER_ACCOUNT
    rows = yield JudgingQuestion(text, watch.parameters)
    return [_since(*row) for row in rows]


def _outlying(watch: WatchedRule) -> Judging:
    is_jump = watch.condition.type == "views_spike"
    first, today = _day_of(watch.first) - 1, _day_of(watch.last)
    days = [*range(first - _BASE_DAYS - 1, today + 1)]
    rows = yield JudgingQuestion(_VIEWS, {**watch.parameters, "days": days})
    of_creators: list[_Days] = []
    for creator_id, project_id, known, levels, last_day in rows:
        level = dict(zip(known, levels, strict=True))
        # Days without an observation gain nothing; those after the last one are
        # unknown.
        views = {
            day: level[day] - level[day - 1]
            for day in days
            if day in level and day - 1 in level and day <= last_day
        }
        # A day is judged for a drop when it is over, and for a jump as soon as it has
        # enough views.
        steps = {
            day: [(_EPOCH + (day + 1) * _A_DAY, views[day])]
            for day in range(first, today)
            if day in views and not is_jump
        }
        judge = unusual_views(views, watch.condition)
        of_creators.append(_Days(Watched(creator_id, project_id), judge, steps))
    if is_jump:
        yield from _with_steps(watch, of_creators, _VIEW_STEPS)
    return _stretches(of_creators, watch)


def _fewer_followers(watch: WatchedRule) -> Judging:
    span = int(watch.condition.number("days"))
    first, today = _day_of(watch.first) - 1, _day_of(watch.last)
    days_judged = {*range(first - 1, today + 1)}
    days = sorted(days_judged | {day - span for day in days_judged})
    rows = yield JudgingQuestion(_FOLLOWERS, {**watch.parameters, "days": days})
    of_creators: list[_Days] = []
    for creator_id, project_id, known, levels, last_day in rows:
        level = dict(zip(known, levels, strict=True))
        level |= {day: level[last_day] for day in days if day > last_day}
        # A day begins with the level of the one before, compared with a later day.
        begins = {
            day: [(_EPOCH + day * _A_DAY, level[day - 1])]
            for day in range(first, today + 1)
            if day - 1 in level
        }
        judge = lost_followers(level, watch.condition)
        of_creators.append(_Days(Watched(creator_id, project_id), judge, begins))
    yield from _with_steps(watch, of_creators, _FOLLOWER_STEPS)
    return _stretches(of_creators, watch)


def _too_many_posts(watch: WatchedRule) -> Judging:
    condition = watch.condition
    since = watch.first - _INCIDENT - _A_DAY
    parameters = {
        **watch.parameters,
        "since": since,
        "zone": watch.time_zone,
        "posts": int(condition.number("posts")),
    }
    busy = yield JudgingQuestion(_BUSY_DAYS, parameters)
    if not busy:
        return []
    creators = sorted({row[0] for row in busy})
    counts = yield JudgingQuestion(_COUNTS, {**parameters, "creators": creators})
    observed: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in counts:
        observed[row[0]].append(row)
    findings: list[AlertFinding] = []
    for creator_id, project_id, _, ids, times, numbers in busy:
        low = _with_few_views(
            observed[creator_id],
            {
                number: (video_id, at)
                for number, video_id, at in zip(numbers, ids, times, strict=True)
            },
            condition,
        )
        found = is_over_posting(
            Watched(creator_id, project_id),
            dict(zip(ids, times, strict=True)),
            low,
            condition,
            at=watch.last,
        )
        if found is not None and found.since <= watch.last:
            findings.append(found)
    return findings


class _Days(msgspec.Struct, frozen=True):
    """The judge of a creator's days, and their numbers, each from its instant on.

    A day without a number begins with 0.
    """

    creator: Watched
    judge: DayJudge
    steps: dict[int, list[tuple[datetime, float]]]

    def holds(self, day: int, *, at_most_moved: float = 0) -> bool:
        """Tell whether a day may fulfil the condition after moves of this sum."""
        return self.judge(day, self._last(day) + at_most_moved) is not None

    def add(self, day: int, move: float, at: datetime) -> None:
        self.steps.setdefault(day, []).append((at, self._last(day) + move))

    def _last(self, day: int) -> float:
        steps = self.steps.get(day)
        return steps[-1][1] if steps else 0


class _Steps(msgspec.Struct, frozen=True):
    """The queries of the moves of a number: the largest of days, and all of some."""

    moved: bytes
    steps: bytes


_VIEW_STEPS = _Steps(
    _MOVED.format(
        table="video", move="views - views_base", extreme="greatest"
    ).encode(),
    _STEPS.format(table="video", move="(views - views_base)", group=0).encode(),
)
_FOLLOWER_STEPS = _Steps(
    _MOVED.format(table="profile", move="followers", extreme="least").encode(),
    _STEPS.format(table="profile", move="followers", group=1).encode(),
)


def _with_steps(
    watch: WatchedRule, of_creators: Sequence[_Days], queries: _Steps
) -> Generator[JudgingQuestion, Sequence[TupleRow], None]:
    """Put the numbers after each observation into the days that come into question.

    Other days can't fulfil the condition, whatever the order of their observations.
    """
    by_id = {each.creator.id: each for each in of_creators}
    parameters = {
        **watch.parameters,
        "creators": [*by_id],
        "after": (_day_of(watch.first) - 1) * _SLOTS_A_DAY,
        "until": slot_of(watch.last),
    }
    moved = yield JudgingQuestion(queries.moved, parameters)
    in_question = {
        (id_, day)
        for id_, day, extreme in moved
        if by_id[id_].holds(day, at_most_moved=extreme)
    }
    # A day that begins with it may end it.
    in_question |= {
        (each.creator.id, day)
        for each in of_creators
        for day in each.steps
        if each.holds(day)
    }
    if not in_question:
        return
    ids, days = zip(*sorted(in_question), strict=True)
    parameters |= {"ids": [*ids], "in_question": [*days]}
    for id_, day, move, at in (yield JudgingQuestion(queries.steps, parameters)):
        by_id[id_].add(day, move, at)


def _stretches(of_creators: Sequence[_Days], watch: WatchedRule) -> list[AlertFinding]:
    return [
        finding
        for each in of_creators
        for finding in stretches(each.creator, each.judge, each.steps, at=watch.last)
    ]


def _with_few_views(
    rows: Sequence[Any],
    videos: Mapping[int, tuple[UUID, datetime]],
    condition: Condition,
) -> dict[UUID, tuple[datetime, int]]:
    """Return the first observation of each video that shows few views for its age."""
    # They import NumPy, which the dispatcher does without while nobody posts much.
    from projections.analytics.fold.rollup_deltas import VIDEOS
    from projections.analytics.store.column_codec import unpack

    wait = timedelta(hours=condition.number("hours"))
    most = condition.number("low_views")
    observed = unpack([row[3] for row in rows], counters=VIDEOS.counters)
    low: dict[UUID, tuple[datetime, int]] = {}
    views = VIDEOS.metrics.index("views")
    for number, place, count, missing in zip(
        observed.video_numbers.tolist(),
        observed.snapshots.tolist(),
        observed.counts[views].tolist(),
        observed.missing.tolist(),
        strict=True,
    ):
        if number not in videos or missing >> views & 1 or count >= most:
            continue
        video_id, posted_at = videos[number]
        _, observed_at, position, _ = rows[place]
        if observed_at >= posted_at + wait:
            low.setdefault(video_id, (observed_at, position))
    return low


def _video_gone(watch: WatchedRule) -> Judging:
    rows = yield JudgingQuestion(_GONE, watch.parameters)
    return [
        AlertFinding(
            subject_type="video",
            subject_key=str(video_id),
            creator_id=creator_id,
            project_id=project_id,
            since=since,
            evidence=AlertEvidence(video_ids=(video_id,)),
        )
        for creator_id, project_id, video_id, since in rows
    ]


def _source_fails(watch: WatchedRule) -> Judging:
    condition = watch.condition
    span = timedelta(hours=condition.number("hours"))
    parameters = {**watch.parameters, "since": watch.first - span, "faults": _FAULTS}
    rows = yield JudgingQuestion(_ENDED_RUNS, parameters)
    hours: defaultdict[str, dict[datetime, TupleRow]] = defaultdict(dict)
    for row in rows:
        hours[row[0]][row[1]] = row
    findings: list[AlertFinding] = []
    for provider, of_it in hours.items():
        begun: AlertFinding | None = None
        for hour in sorted(of_it):
            window = [row for at, row in of_it.items() if hour - span < at <= hour]
            ended, failed = (sum(row[place] for row in window) for place in (2, 3))
            share = 100 * failed / ended
            fails = ended >= _LEAST_RUNS and share >= condition.number("percent")
            at = min(hour + timedelta(hours=1), watch.last)
            if fails and begun is None:
                begun = AlertFinding(
                    subject_type="source",
                    subject_key=provider,
                    since=at,
                    evidence=AlertEvidence(
                        value=round(share, 1),
                        limit=condition.number("percent"),
                        scrape_ids=tuple(of_it[hour][4] or ()),
                    ),
                )
            elif begun is not None and not fails:
                findings.append(msgspec.structs.replace(begun, until=at))
                begun = None
        if begun is not None:
            findings.append(begun)
    return findings


def _import_failed(watch: WatchedRule) -> Judging:
    parameters = {**watch.parameters, "since": watch.first - _INCIDENT}
    rows = yield JudgingQuestion(_IMPORTS, parameters)
    return failed_imports([EndedImport(*row) for row in rows], at=watch.last)


_JUDGES: Final[Mapping[ConditionType, Callable[[WatchedRule], Judging]]] = {
    "stopped_posting": _stopped_posting,
    "no_post_for_days": _no_post,
    "creator_not_seen": _not_seen,
    "creator_disabled": _disabled,
    "identity_changed": _other_account,
    "views_spike": _outlying,
    "views_drop": _outlying,
    "followers_drop_percent": _fewer_followers,
    "over_posting": _too_many_posts,
    "video_unavailable": _video_gone,
    "source_failing": _source_fails,
    "import_failed": _import_failed,
}


def _since(
    creator_id: UUID,
    project_id: UUID,
    since: datetime,
    position: int | None,
) -> AlertFinding:
    found = Watched(creator_id, project_id).finding(since, None, AlertEvidence())
    return _at_position(found, position)


def _at_position(finding: AlertFinding, position: int | None) -> AlertFinding:
    if position is None:
        return finding
    evidence = msgspec.structs.replace(finding.evidence, positions=(position,))
    return msgspec.structs.replace(finding, evidence=evidence)


def _day_of(at: datetime) -> int:
    return (at - _EPOCH) // _A_DAY
