"""The stored fields of providers' answers, as commands have them."""

from typing import TypeVar, cast

import msgspec
from msgspec.structs import replace

from domain import commands as c
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.video.attributes import Sound
from workers.sources.chain import Answered

Snapshot = TypeVar("Snapshot", c.ProfileSnapshot, c.VideoSnapshot)


def tried_by(answered: Answered) -> tuple[c.Tried, ...]:
    """Return the tried providers besides the one that answered."""
    return tuple(
        replace(each, detail=each.detail and storable(each.detail))
        for each in answered.tried
    )


def snapshot(
    observed: ProfileObservation | VideoObservation, kind: type[Snapshot]
) -> Snapshot:
    """Return the observed counts in the fields of commands."""
    values = msgspec.structs.asdict(observed)
    stated = {k: _storable(v) for k, v in values.items() if v is not msgspec.UNSET}
    return msgspec.convert(stated, kind)


def _storable(value: object) -> object:
    """Return a value whose texts are all storable, those in lists and structs too."""
    match value:
        case str():
            return storable(value)
        case tuple():
            return tuple(_storable(each) for each in cast("tuple[object, ...]", value))
        case Sound():
            return replace(
                value,
                id=_storable(value.id),
                title=_storable(value.title),
                author=_storable(value.author),
            )
        case _:
            return value


def storable(text: str) -> str:
    """Return the text without characters that PostgreSQL refuses: NULs and surrogates.

    Names and titles are typed by strangers, and may have been cut off by the source.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "")
