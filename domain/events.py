"""All events, each under its permanent stored name.

An event carries what a reader years later needs and is never edited. New fields get
defaults, a changed meaning gets a new name, and a changed shape gets a new
``schema_version`` with an upcast in ``infra.eventstore.codec``. The stream,
the version, the time and the actor are in its envelope
(``infra.eventstore.store.RecordedEvent``).
"""

from typing import get_args

from domain.creator.events import *
from domain.messages import *
from domain.organization.events import *
from domain.scrape.events import *
from domain.video.events import *

STORED_NAMES: dict[str, type[Event]] = {
    event.stored_name: event
    for aggregate in (
        OrganizationEvent,
        CreatorEvent,
        ClaimEvent,
        BanEvent,
        ScrapeEvent,
        VideoEvent,
    )
    for event in get_args(aggregate)
}
