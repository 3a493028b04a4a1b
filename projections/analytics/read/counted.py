"""What counts in an entity now: the videos and profiles whose levels are summed."""

from uuid import UUID

from domain.analytics.baselines import is_baseline
from domain.analytics.metrics import PROFILE_METRICS, VIDEO_METRICS, Entity, Question
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.members import CountedMembers, counted_members
from projections.analytics.read.observations import Counted
from projections.analytics.read.projects import VIDEOS_OF_PROJECT
from projections.analytics.store.baseline_rule import RULE_IN_FORCE
from projections.engine.reader import Reader

_VIDEOS = f"""
SELECT v.id, v.creator_id, v.number, v.posted_at, c.earliest_at, v.label,
       v.tiktok_video_id, {RULE_IN_FORCE}, coalesce(v.posted_exactly_at, v.posted_at)
FROM analytics_videos v LEFT JOIN analytics_subjects c
    ON c.organization_id = v.organization_id AND c.id = v.creator_id
WHERE v.organization_id = %(organization)s AND v.is_there
"""
# The videos whose sum a series is.
_WHICH: dict[Entity, str] = {
    "video": "v.id = %(id)s",
    "creator": "v.creator_id = %(id)s AND v.is_counted",
    "project": f"{VIDEOS_OF_PROJECT.format(project='%(id)s')} AND v.is_counted",
    "campaign": "(v.creator_id = ANY(%(creators)s) OR v.id = ANY(%(videos)s)) "
    "AND v.is_counted",
}
# So are those of creators that left numbers with it.
_OR_LEFT = "({which} OR v.creator_id = ANY(%(creators)s) AND v.is_counted)"
# Those that no creator of the project or campaign posted.
_WITHOUT_CREATORS: dict[Entity, str] = {
    "project": "project_id = %(id)s AND creator_id IS NULL",
    "campaign": "id = ANY(%(videos)s)",
}
_PROFILES = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator'
AND (id = %(id)s OR project_id = %(id)s OR id = ANY(%(creators)s))
"""


async def counted(
    reader: Reader, organization_id: UUID, question: Question, id_: UUID
) -> dict[MetricGroup, list[Counted]]:
    """Return the videos and profiles whose levels an entity's series is the sum of."""
    found: dict[MetricGroup, list[Counted]] = {}
    members = await counted_members(reader, organization_id, question, id_)
    params = members.parameters
    needs = {*question.needs}
    if needs & {*VIDEO_METRICS, "posts"}:
        which = _WHICH[question.entity]
        if members.in_project:
            which = _OR_LEFT.format(which=which)
        query = f"{_VIDEOS} AND {which}".encode()
        found[VIDEOS] = [
            Counted(
                id=row[0],
                owner=row[1] or row[0],
                creator_id=row[1],
                number=row[2],
                is_baseline=is_baseline(row[7], posted_at=row[8], earliest_at=row[4]),
                posted_at=row[3],
                label=row[5],
                tiktok_video_id=row[6],
                is_erased=row[6] is None,
                spans=members.spans_of_video(row[0], row[1]),
                counts_in=members.counts_in(row[1]),
            )
            for row in await reader.rows(organization_id, query, params)
        ]
    if needs & {*PROFILE_METRICS}:
        rows = await reader.rows(organization_id, _PROFILES, params)
        found[PROFILES] = [profile_of(row[0], members) for row in rows]
    return found


async def counts_without_creators(
    reader: Reader, organization_id: UUID, question: Question, id_: UUID
) -> bool:
    """Tell whether videos count in a project or campaign by themselves."""
    members = await counted_members(reader, organization_id, question, id_)
    params, entity = members.parameters, question.entity
    query = f"""
    SELECT FROM analytics_videos WHERE organization_id = %(organization)s
    AND is_there AND is_counted AND {_WITHOUT_CREATORS[entity]} LIMIT 1
    """
    return bool(await reader.rows(organization_id, query.encode(), params))


def profile_of(creator_id: UUID, members: CountedMembers) -> Counted:
    """Return a creator's profile as a member whose levels are read."""
    return Counted(
        id=creator_id,
        owner=creator_id,
        number=0,
        is_baseline=True,
        spans=members.spans_of_creator(creator_id),
        counts_in=members.counts_in(creator_id),
    )
