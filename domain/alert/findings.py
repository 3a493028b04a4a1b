"""Findings: the stretches of time in which conditions hold, from series of numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log1p
from statistics import median
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.alert.conditions import AlertSubjectType, Condition
from domain.alert.events import AlertEvidence
from domain.analytics.summaries.posting import silences

# The days before a day that its views are compared with, and how many of them must be
# known.
_BASE_DAYS: Final = 28
_LEAST_DAYS: Final = 14
# The median absolute deviation of normal numbers is this part of their standard
# deviation.
_MAD: Final = 0.6745
# Days that hardly differ would make each small change an outlier.
_LEAST_DEVIATION: Final = 0.15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_A_DAY: Final = timedelta(days=1)


class AlertFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which a condition holds for one subject.

    ``until`` is null if it still holds at the end of the judged time.
    """

    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None = None
    project_id: UUID | None = None
    since: datetime
    until: datetime | None = None
    evidence: AlertEvidence

    def holds_at(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or self.until > at)


class Watched(msgspec.Struct, frozen=True):
    """A creator that a rule watches."""

    id: UUID
    project_id: UUID

    def finding(
        self, since: datetime, until: datetime | None, evidence: AlertEvidence
    ) -> AlertFinding:
        return AlertFinding(
            subject_type="creator",
            subject_key=str(self.id),
            creator_id=self.id,
            project_id=self.project_id,
            since=since,
            until=until,
            evidence=evidence,
        )


DayJudge = Callable[[int, float], AlertEvidence | None]
"""Judges a number of a day; None if it does not fulfil the condition."""


class EndedImport(msgspec.Struct, frozen=True):
    """The end of an import into a project; ``is_whole`` unless it failed."""

    project_id: UUID
    at: datetime
    is_whole: bool
    position: int


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """A time at which an alert would have fired, for which subject, and why."""

    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None
    project_id: UUID | None
    at: datetime
    evidence: AlertEvidence


def long_gaps(
    creator: Watched, posts: Sequence[datetime], *, days: float, at: datetime
) -> Iterator[AlertFinding]:
    """Yield the stretches without a post that are longer than some days.

    ``posts`` rise, and have all posts up to ``at`` that are to be judged.
    """
    limit = timedelta(days=days)
    for last, following in pairwise([*posts, None]):
        assert last is not None, "only the last one is missing"
        end = at if following is None else following
        if end - last > limit:
            evidence = AlertEvidence(value=_in_days(end - last), limit=days)
            yield creator.finding(last + limit, following, evidence)


def stopped_posting(
    creator: Watched, posts: Sequence[datetime], *, at: datetime
) -> Iterator[AlertFinding]:
    """Yield the stretches in which a creator had stopped posting.

    ``posts`` rise, and are all known posts up to ``at``.
    """
    for silence in silences(posts):
        if silence.at < at:
            evidence = AlertEvidence(
                value=_in_days((silence.until or at) - silence.since),
                limit=_in_days(silence.at - silence.since),
                usual=_in_days(silence.usual),
            )
            yield creator.finding(silence.at, silence.until, evidence)


def unseen(
    creator: Watched,
    seen: Sequence[datetime],
    *,
    hours: int,
    intervals: float,
    at: datetime,
) -> Iterator[AlertFinding]:
    """Yield the stretches in which a creator was not seen for some intervals.

    ``seen`` are the times of observations up to ``at``, rising.
    """
    interval = timedelta(hours=hours)
    limit = interval * intervals
    for last, following in pairwise([*seen, None]):
        assert last is not None, "only the last one is missing"
        end = at if following is None else following
        if end - last > limit:
            passed = round((end - last) / interval, 1)
            evidence = AlertEvidence(value=passed, limit=intervals)
            yield creator.finding(last + limit, following, evidence)


def unusual_views(views: Mapping[int, float], condition: Condition) -> DayJudge:
    """Return the judge of the views of a day that are far from the usual.

    ``views`` are the new views of whole days, numbered from 1970 in UTC. A day is
    compared with the 28 days before it by the median and the median absolute deviation
    of log(1 + views), so that one viral day does not hide the next.
    """
    sign = 1 if condition.type == "views_spike" else -1
    z, least = condition.number("z"), condition.number("min_views")
    logs = {day: log1p(max(number, 0)) for day, number in views.items()}

    def judge(day: int, of_day: float) -> AlertEvidence | None:
        known = [each for each in range(day - _BASE_DAYS, day) if each in logs]
        if len(known) < _LEAST_DAYS:
            return None
        base = [logs[each] for each in known]
        middle = median(base)
        deviation = median([abs(each - middle) for each in base]) / _MAD
        distance = sign * (log1p(max(of_day, 0)) - middle)
        distance /= max(deviation, _LEAST_DEVIATION)
        # It rounds half to even.
        usual = round(median(views[each] for each in known), 1)
        if distance < z or max(of_day, usual) < least:
            return None
        return AlertEvidence(
            value=round(of_day),
            limit=z,
            usual=usual,
            distance=round(distance, 1),
        )

    return judge


def lost_followers(followers: Mapping[int, float], condition: Condition) -> DayJudge:
    """Return the judge of the followers on a day, of which a share was lost.

    ``followers`` are the levels at the ends of days, numbered from 1970 in UTC.
    """
    days, percent = int(condition.number("days")), condition.number("percent")

    def judge(day: int, level: float) -> AlertEvidence | None:
        before = followers.get(day - days)
        if not before:
            return None
        lost = 100 * (before - level) / before
        if lost < percent:
            return None
        return AlertEvidence(value=round(lost, 1), limit=percent, usual=round(before))

    return judge


def stretches(
    creator: Watched,
    judge: DayJudge,
    steps: Mapping[int, Sequence[tuple[datetime, float]]],
    *,
    at: datetime,
) -> list[AlertFinding]:
    """Return the stretches in which days are judged to fulfil a condition.

    ``steps`` are the numbers of each day in the order of time, each from its instant
    on. A day whose last number fulfils the condition does so until the next day is
    over. Evidence is that of the last number of the first day.
    """
    found: list[AlertFinding] = []
    for day in sorted(steps):
        for finding in _of_day(creator, judge, day, steps[day], at=at):
            last = found[-1] if found else None
            if last is None or last.until is None or finding.since > last.until:
                found.append(finding)
            elif finding.until is None or finding.until > last.until:
                found[-1] = replace(last, until=finding.until)
    return [
        replace(each, until=None) if each.until and each.until > at else each
        for each in found
    ]


def failed_imports(
    imports: Sequence[EndedImport], *, at: datetime
) -> list[AlertFinding]:
    """Return the stretches in which the last import of a project was a failed one.

    ``imports`` are in the order of time. A failure counts for seven days, or until an
    import is stored.
    """
    findings: list[AlertFinding] = []
    by_project: dict[UUID, list[EndedImport]] = {}
    for each in imports:
        by_project.setdefault(each.project_id, []).append(each)
    for project_id, of_it in by_project.items():
        for failed, following in pairwise([*of_it, None]):
            assert failed is not None, "only the last one is missing"
            if failed.is_whole:
                continue
            until = failed.at + 7 * _A_DAY
            if following is not None:
                until = min(until, following.at)
            findings.append(
                AlertFinding(
                    subject_type="project",
                    subject_key=str(project_id),
                    project_id=project_id,
                    since=failed.at,
                    until=until if until <= at else None,
                    evidence=AlertEvidence(positions=(failed.position,)),
                )
            )
    return findings


def is_over_posting(
    creator: Watched,
    posts: Mapping[UUID, datetime],
    low: Mapping[UUID, tuple[datetime, int]],
    condition: Condition,
    *,
    at: datetime,
) -> AlertFinding | None:
    """Return the finding of one day with the ``posts`` of a creator.

    ``low`` has the videos that an observation showed with few views, long enough after
    their posting: its time and its position. The incident counts for seven days.
    """
    if len(posts) < condition.number("posts"):
        return None
    of_day = {video_id: low[video_id] for video_id in posts if video_id in low}
    needed = int(condition.number("low_videos"))
    if len(of_day) < needed:
        return None
    confirmed = sorted(seen_at for seen_at, _ in of_day.values())[needed - 1]
    posted = sorted(posts.values())[int(condition.number("posts")) - 1]
    since = max(confirmed, posted)
    until = since + 7 * _A_DAY
    return creator.finding(
        since,
        until if until <= at else None,
        AlertEvidence(
            value=len(posts),
            limit=condition.number("posts"),
            video_ids=tuple(sorted(of_day)),
            positions=tuple(sorted({position for _, position in of_day.values()})),
        ),
    )


def firings(
    findings: Sequence[AlertFinding],
    *,
    for_minutes: int,
    cool_down_minutes: int,
    first: datetime,
    last: datetime,
) -> list[Firing]:
    """Return when alerts would have fired from ``first`` to ``last``, oldest first."""
    wait, rest = timedelta(minutes=for_minutes), timedelta(minutes=cool_down_minutes)
    rests: dict[str, datetime] = {}
    found: list[Firing] = []
    for each in sorted(findings, key=lambda finding: finding.since):
        at = max(each.since, rests.get(each.subject_key, each.since)) + wait
        if at > last or (each.until is not None and at >= each.until):
            continue
        if each.until is not None:
            rests[each.subject_key] = each.until + rest
        if at >= first:
            found.append(
                Firing(
                    subject_type=each.subject_type,
                    subject_key=each.subject_key,
                    creator_id=each.creator_id,
                    project_id=each.project_id,
                    at=at,
                    evidence=each.evidence,
                )
            )
    return sorted(found, key=lambda firing: firing.at)


def _of_day(
    creator: Watched,
    judge: DayJudge,
    day: int,
    steps: Sequence[tuple[datetime, float]],
    *,
    at: datetime,
) -> Iterator[AlertFinding]:
    """Yield the stretches that begin on a day; the last may go on after the day."""
    since: datetime | None = None
    evidence: AlertEvidence | None = None
    for instant, number in steps:
        if instant > at:
            break
        now = judge(day, number)
        if now is not None:
            since, evidence = since or instant, now
        elif since is not None and evidence is not None:
            yield creator.finding(since, instant, evidence)
            since = None
    if since is not None and evidence is not None:
        yield creator.finding(since, _EPOCH + (day + 2) * _A_DAY, evidence)


def _in_days(length: timedelta) -> float:
    return round(length / _A_DAY, 1)
