"""The answer of an erasure: the erased creators by their new names."""

from uuid import UUID

import msgspec

from domain import events as e
from domain.creator.errors import CreatorErasedError
from domain.creator.handlers.erase import Erasure
from domain.messages import ErasedFigures
from infra.eventstore.execute import Executed


class ErasedCreator(msgspec.Struct, frozen=True, kw_only=True):
    """One erased creator, and the name in place of its handle."""

    id: UUID
    tiktok_handle: str


class ErasedCreators(msgspec.Struct, frozen=True, kw_only=True):
    """All creators that one erasure erased, and the choice for their figures."""

    creators: list[ErasedCreator]
    figures: ErasedFigures


def erased_by(done: Executed[Erasure]) -> ErasedCreators:
    """Return the erased creators, without any data of the person.

    Raises:
        CreatorErasedError: the creator was erased before.
    """
    erased = [
        (recorded.stream, recorded.event)
        for recorded in done.events
        if isinstance(recorded.event, e.SubjectErased)
    ]
    if not erased:
        raise CreatorErasedError
    return ErasedCreators(
        creators=[
            ErasedCreator(id=stream, tiktok_handle=event.handle)
            for stream, event in erased
        ],
        figures=erased[0][1].figures,
    )
