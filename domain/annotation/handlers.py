"""The handlers that add, change and delete annotations that people write."""

from collections.abc import Collection
from datetime import date
from typing import assert_never
from uuid import UUID

from domain import commands as c
from domain.annotation.decider import annotation_of, decide
from domain.annotation.events import AnnotationAdded, AnnotationScope
from domain.campaign.decider import campaign_of, living
from domain.creator.decider import check_not_erased, creator_of
from domain.decisions import Decision, Handler, History, check_version, on
from domain.errors import NotFoundError, about_field
from domain.organization.decider import project_owner
from domain.video.decider import video_of


def add_annotation(
    annotation_id: UUID,
    *,
    organization_id: UUID,
    scope: AnnotationScope,
    scope_id: UUID,
    starts_on: date,
    ends_on: date,
    text: str,
) -> Handler[UUID]:
    """Add a note about a thing that belongs to the organization.

    The result is the annotation's id.
    """
    stream = organization_id if scope == "project" else scope_id
    histories = yield (stream,)
    video = video_of(histories[stream]) if scope == "video" else None
    owner = scope_id if scope == "creator" else video and video.creator_id
    if owner is not None:
        owners = yield (owner,)
        check_not_erased(creator_of(owners[owner]))
    with about_field("scope_id"):
        project_id = _project_of(
            scope, scope_id, histories[stream], organization_id=organization_id
        )
    command = c.AddAnnotation(
        organization_id=organization_id,
        scope=scope,
        scope_id=scope_id,
        project_id=project_id,
        starts_on=starts_on,
        ends_on=ends_on,
        text=text,
    )
    return Decision(
        annotation_id,
        events=on(annotation_id, decide(None, command)),
        guards=[] if owner is None else [owner],
    )


def change_annotation(
    annotation_id: UUID,
    command: c.ChangeAnnotation | c.DeleteAnnotation,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    histories = yield (annotation_id,)
    history = histories[annotation_id]
    match history:
        case [AnnotationAdded(scope="video", scope_id=video_id), *_]:
            # The subject of the note is the creator that the video has now.
            yield (video_id,)
        case _:
            pass
    annotation = annotation_of(history)
    if annotation is None or annotation.organization_id != organization_id:
        raise NotFoundError("annotation")
    check_version(len(history), expected_versions)
    return Decision(
        annotation_id, events=on(annotation_id, decide(annotation, command))
    )


def _project_of(
    scope: AnnotationScope,
    scope_id: UUID,
    history: History,
    *,
    organization_id: UUID,
) -> UUID | None:
    """Return the project of the scope; None for the organization.

    Raises:
        NotFoundError: the organization has no such thing.
    """
    match scope:
        case "org":
            if scope_id != organization_id:
                raise NotFoundError("organization")
            return None
        case "project":
            project_owner(history, scope_id)
            return scope_id
        case "campaign":
            state = campaign_of(history)
            if state is not None:
                state = living(state)
        case "creator":
            state = creator_of(history)
        case "video":
            state = video_of(history)
        case _:
            assert_never(scope)
    if state is None or state.organization_id != organization_id:
        raise NotFoundError(scope)
    return state.project_id
