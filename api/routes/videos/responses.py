"""Answers to commands about videos: the video after the command."""

from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.responses import Answer
from api.http.writer import Rows
from api.routes.creators.responses import CREATED, OK, bulk_counts
from api.routes.videos.schemas import BulkVideo, BulkVideos, QueuedVideoScrape
from domain.decisions import ItemResults
from domain.scrape.handlers.scrapes import RequestedVideoRun
from infra.eventstore.execute import Executed
from projections.videos.attributes import VideoAttributesRow, load_attributes
from projections.videos.latest_counts import VideoFiguresRow, load_figures
from projections.videos.projection import VideoRow, fold_video, load_video_rows
from projections.videos.queries import Video, video_from_row

ACCEPTED = 202


def changed_video(rows: Rows, done: Executed[UUID]) -> Answer[Video]:
    """Answer with the video after the command, changed or unchanged.

    The read model may lag behind: it then lacks the last events of the history, but is
    otherwise right.
    """
    row, figures, attributes = rows.ask(lambda cursor: _rows(cursor, done))
    for recorded in done.history(done.result):
        row = fold_video(row, recorded)
    assert row is not None
    return Answer(video_from_row(row, figures, attributes), version=row.version)


def added_video(rows: Rows, done: Executed[UUID]) -> Answer[Video]:
    """Answer an addition: 201 for a new video, 200 for a known one."""
    answer = changed_video(rows, done)
    answer.status_code = CREATED if done.is_new(done.result) else OK
    return answer


def bulk_answer(_: Rows, done: Executed[ItemResults]) -> Answer[BulkVideos]:
    results = [
        BulkVideo(index=index, video_id=each.id, status=each.status, reason=each.reason)
        for index, each in enumerate(done.result)
    ]
    return Answer(BulkVideos(**bulk_counts(done.result), results=results))


def queued_scrape(
    _: Rows, done: Executed[RequestedVideoRun]
) -> Answer[QueuedVideoScrape]:
    """Answer with the scrape that was queued."""
    run = done.result
    return Answer(
        QueuedVideoScrape(
            scrape_id=run.scrape_id,
            video_id=run.video_id,
            creator_id=run.creator_id,
            job_type=run.job_type,
        ),
        status=ACCEPTED,
    )


def _rows(
    cursor: Cursor[TupleRow], done: Executed[UUID]
) -> tuple[VideoRow | None, VideoFiguresRow | None, VideoAttributesRow | None]:
    first: Any = done.history(done.result)[0].event
    key = (first.organization_id, done.result)
    return (
        load_video_rows(cursor, [key]).get(done.result),
        load_figures(cursor, [key]).get(done.result),
        load_attributes(cursor, [key]).get(done.result),
    )
