"""All events, each with its permanent stored name.

An event holds everything that its readers need years later, and is never edited. New
fields get defaults. A changed meaning gets a new name. A changed shape gets a new
``schema_version`` with an upcast in ``infra.eventstore.codec``. The stream, the
version, the time and the actor are in ``infra.eventstore.store.RecordedEvent``.
"""

from typing import get_args

from domain.alert.events import *
from domain.annotation.events import *
from domain.campaign.events import *
from domain.channel.events import *
from domain.creator.events import *
from domain.integrity.events import *
from domain.messages import *
from domain.organization.events import *
from domain.person.events import *
from domain.report.events import *
from domain.scrape.events import *
from domain.share.events import *
from domain.texts import *
from domain.video.events import *
from domain.view.events import *
from domain.webhook.events import *

STORED_NAMES: dict[str, type[Event]] = {
    event.stored_name: event
    for aggregate in (
        OrganizationEvent,
        PersonEvent,
        CreatorEvent,
        ClaimEvent | AccountPinned | ErasureNumbered,
        BanEvent,
        ErasedBanEvent,
        ScrapeEvent | ImportFinished,
        SourceEvent,
        VideoEvent,
        CampaignEvent,
        MembershipEvent,
        AnnotationEvent,
        ViewEvent,
        ReportEvent,
        ShareEvent,
        WebhookEvent,
        ChannelEvent,
        AlertRuleEvent,
        AlertEvent,
        IntegrityEvent,
    )
    for event in get_args(aggregate)
}
