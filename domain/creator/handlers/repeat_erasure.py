"""The handler that repeats an erasure that a restored log does not contain."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from domain import commands as c
from domain import events as e
from domain.campaign.handlers.items import leave_campaigns
from domain.creator.decider import creator_of
from domain.creator.handle_claim import claim_of
from domain.creator.handle_claim import decide as decide_claim
from domain.creator.handlers.change import active_creators
from domain.creator.handlers.erase import (
    CreatorRecords,
    Erasure,
    end_what_belongs,
    items_of,
    next_number,
)
from domain.decisions import Decision, Handler, History, StreamEvent, on
from domain.messages import ErasedFigures
from domain.organization.decider import organization_of
from domain.streams import erasures_stream


class ErasureToRepeat(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure from after the time of the restored data.

    ``number`` is None if it is not known any more. ``claim_ids`` are the claims that
    name the creator, because its handles can't be read.
    """

    records: CreatorRecords
    number: int | None
    figures: ErasedFigures
    claim_ids: Sequence[UUID] = ()


def repeat_erasure(
    erasure: ErasureToRepeat, *, organization_id: UUID
) -> Handler[Erasure]:
    """Erase a creator again whose key is destroyed already.

    The log may have only single videos of the creator. The appended events have no
    texts, because nothing can be sealed for the creator any more.
    """
    records = erasure.records
    creator_id = records.creator_id
    numbers = erasures_stream(organization_id)
    histories = yield (creator_id, organization_id, numbers, *erasure.claim_ids)
    organization = organization_of(histories[organization_id])
    creator = creator_of(histories[creator_id])
    if any(isinstance(event, e.SubjectErased) for event in histories[creator_id]):
        return Decision(Erasure())
    events = [
        released
        for claim_id in erasure.claim_ids
        for released in _released(claim_id, histories[claim_id], creator_id)
    ]
    events += yield from end_what_belongs(records, why="")
    guards: Sequence[UUID] = ()
    if erasure.figures == "drop":
        exits = yield from leave_campaigns(
            items_of(records), organization_id=organization_id
        )
        events += exits.events
        guards = exits.guards
    number = _number(erasure.number, histories[numbers])
    events += on(
        numbers,
        [
            e.ErasureNumbered(
                organization_id=organization_id, creator_id=creator_id, number=number
            )
        ],
    )
    events += on(
        creator_id,
        [
            e.SubjectErased(
                organization_id=organization_id,
                number=number,
                figures=erasure.figures,
                video_ids=tuple(sorted(records.video_ids)),
                scrape_ids=tuple(sorted(records.scrape_ids)),
                time_zone="UTC" if organization is None else organization.time_zone,
            )
        ],
    )
    is_active = creator is not None and creator.status == "active"
    return Decision(
        Erasure(creator_ids=(creator_id,), subjects=(creator_id, *records.video_ids)),
        events=events,
        guards=sorted({*guards} - {stream for stream, _ in events}),
        quota_counters=active_creators(organization_id, -is_active),
    )


def _released(claim_id: UUID, history: History, creator_id: UUID) -> list[StreamEvent]:
    claimed = history[-1]
    if not isinstance(claimed, e.HandleClaimed):
        return []
    command = c.ReleaseHandle(
        organization_id=claimed.organization_id,
        project_id=claimed.project_id,
        handle="",
        creator_id=creator_id,
    )
    return on(claim_id, decide_claim(claim_of(history), command))


def _number(known: int | None, history: History) -> int:
    """Return the former number, or the next one if another erasure has that number."""
    used = {each.number for each in history if isinstance(each, e.ErasureNumbered)}
    return next_number(history) if known is None or known in used else known
