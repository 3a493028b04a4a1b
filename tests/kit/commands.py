"""Commands on a store: each handler of the domain, executed as the product does it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from inspect import signature
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from domain.creator.handlers import add as addition
from domain.creator.handlers import change as creators
from domain.creator.handlers import move
from domain.decisions import Handler
from domain.events import Scope
from domain.organization.api_keys import create_key
from domain.organization.handlers import organizations
from domain.organization.plans import DEFAULT_PLANS, Limits
from domain.scrape.handlers import scrapes
from domain.video.handlers import videos
from infra.eventstore.append import BeforeAppend, Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from infra.organizations import draw_key

T = TypeVar("T")


def executed(handler: Callable[..., Handler[T]]) -> Callable[..., Executed[T]]:
    """A handler that takes a store and a context before its own arguments.

    Values that the product makes anew for each command are made here.
    """
    parameters = signature(handler).parameters

    def run(
        store: Store,
        *values: Any,  # noqa: ANN401 - the handler's
        context: Context,
        before_append: BeforeAppend | None = None,
        in_transaction: InTransaction[T] | None = None,
        **named: Any,  # noqa: ANN401 - the handler's
    ) -> Executed[T]:
        if "command_id" in parameters:
            named["command_id"] = context.command_id
        if "names" in parameters:
            named["names"] = store.names
        if "fresh_ids" in parameters:
            named["fresh_ids"] = [new_id() for _ in values[0]]
        return execute(
            store,
            lambda: handler(*values, **named),
            context=context,
            before_append=before_append,
            in_transaction=in_transaction,
        )

    return run


def recorded(
    handler: Callable[..., Handler[Any]],
) -> Callable[..., list[RecordedEvent]]:
    """The same for tests that only look at the events."""
    run = executed(handler)
    return lambda *values, **named: run(*values, **named).events


add_creators = executed(addition.add_creators)
change_creator = executed(creators.change_creator)
move_creator = executed(move.move_creator)
remove_creator = executed(creators.remove_creator)
remove_creators = executed(creators.remove_creators)
reenable_creators = executed(creators.reenable_creators)
auto_disable_creator = recorded(creators.auto_disable_creator)
disable_creator = executed(creators.disable_creator)
disable_creators = executed(creators.disable_creators)
ban_handle = recorded(creators.ban_handle)
unban_handle = recorded(creators.unban_handle)
change_organization = executed(organizations.change_organization)
request_scrape = executed(scrapes.request_scrape)
request_video_scrape = executed(scrapes.request_video_scrape)
end_scrape = recorded(scrapes.end_scrape)
add_video = executed(videos.add_video)
change_video = executed(videos.change_video)
exclude_video = executed(videos.exclude_video)
review_videos = executed(videos.review_videos)
disable_videos = executed(videos.disable_videos)
discover_videos = recorded(videos.discover_videos)
move_window = recorded(videos.move_window)
report_missing = recorded(videos.report_missing)


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was issued, and how."""

    key_id: UUID
    text: str
    executed: Executed[UUID]


def issue_key(
    store: Store,
    organization_id: UUID,
    *,
    context: Context,
    name: str = "Reports",
    scopes: Sequence[Scope] = ("read",),
    expires_at: datetime | None = None,
    person_id: UUID | None = None,
    plans: Mapping[str, Limits] = DEFAULT_PLANS,
    in_transaction: InTransaction[UUID] | None = None,
) -> IssuedKey:
    """Issue a key to an organization or a person, as the command line does."""
    text = draw_key()
    command = create_key(
        new_id(),
        text,
        name=name,
        scopes=scopes,
        expires_at=expires_at,
        person_id=person_id,
    )
    done = change_organization(
        store,
        organization_id,
        command,
        plans=plans,
        context=context,
        in_transaction=in_transaction,
    )
    return IssuedKey(key_id=command.key_id, text=text, executed=done)
