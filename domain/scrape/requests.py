"""Requests of runs that follow from commands."""

from collections.abc import Sequence
from uuid import UUID

from domain.creator.decider import CreatorState
from domain.decisions import StreamEvent
from domain.messages import JobType, Trigger
from domain.scrape import events as e
from domain.streams import scrape_stream
from domain.video.decider import VideoState

VIDEO_JOB_TYPE: JobType = "video_stats"


def creator_runs(
    creator: CreatorState,
    creator_id: UUID,
    *,
    job_types: Sequence[JobType],
    trigger: Trigger,
    command_id: UUID,
) -> list[StreamEvent]:
    """Return the events that request a creator's runs, caused by a command."""
    return [
        (
            scrape_stream(command_id, creator_id, job_type),
            e.ScrapeRequested(
                organization_id=creator.organization_id,
                project_id=creator.origin_project_id,
                creator_id=creator_id,
                handle=creator.handle,
                job_type=job_type,
                trigger=trigger,
            ),
        )
        for job_type in job_types
    ]


def video_run(
    video: VideoState,
    video_id: UUID,
    *,
    trigger: Trigger,
    command_id: UUID,
    creator: CreatorState | None = None,
) -> list[StreamEvent]:
    """Return the events that request a run of one video, caused by a command.

    With ``creator``, the run belongs to that creator as well.
    """
    requested = e.ScrapeRequested(
        organization_id=video.organization_id,
        project_id=video.project_id,
        creator_id=None if creator is None else video.creator_id,
        handle=video.handle if creator is None else creator.handle,
        job_type=VIDEO_JOB_TYPE,
        trigger=trigger,
        tiktok_video_ids=(video.tiktok_video_id,),
        video_id=video_id,
    )
    return [(scrape_stream(command_id, video_id, VIDEO_JOB_TYPE), requested)]
