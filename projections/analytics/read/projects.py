"""Creators and videos in a project. A video is in the project of its creator."""

VIDEOS_OF_PROJECT = """(
    v.creator_id IN (
        SELECT id FROM analytics_subjects p
        WHERE p.organization_id = %(organization)s AND p.kind = 'creator'
        AND p.project_id = {project}
    ) OR v.creator_id IS NULL AND v.project_id = {project}
)"""
"""The condition for videos ``v`` to be in a project, given the name of a parameter."""
CREATORS_AS_OF = """
SELECT id FROM analytics_subjects c
WHERE organization_id = %(organization)s AND kind = 'creator' AND position <= %(at)s
AND %(id)s = coalesce(
    (SELECT project_id FROM analytics_creator_moves m
     WHERE m.organization_id = c.organization_id AND m.creator_id = c.id
     AND m.position <= %(at)s ORDER BY m.position DESC LIMIT 1),
    c.origin_project_id
)
"""
"""The creators that were in a project at a position."""
