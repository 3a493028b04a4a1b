"""The handler that erases a person: every creator of one TikTok account."""

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from uuid import UUID

import msgspec

from domain import commands as c
from domain import events as e
from domain.annotation.decider import annotation_of
from domain.annotation.decider import decide as decide_annotation
from domain.campaign.commands import CampaignItem
from domain.campaign.handlers.items import leave_campaigns
from domain.creator import erased_bans
from domain.creator.account import account_of, pinned_account
from domain.creator.decider import CreatorState, creator_of, decide
from domain.creator.errors import NotConfirmedError
from domain.creator.handle import normalize_handle
from domain.creator.handlers.change import active_creators
from domain.creator.handlers.claims import claims_of, release_handles
from domain.decisions import (
    Decision,
    Handler,
    Histories,
    History,
    StreamEvent,
    check_version,
    on,
)
from domain.errors import InvalidHandleError, NotFoundError
from domain.messages import ErasedFigures
from domain.organization.decider import organization_of
from domain.scrape import decider as scrapes
from domain.scrape.decider import scrape_of
from domain.streams import Names, erased_bans_stream, erasures_stream
from domain.video.decider import decide as decide_video
from domain.video.decider import video_of

_ENDED = "The creator was erased before the run."


class CreatorRecords(msgspec.Struct, frozen=True, kw_only=True):
    """Data of a creator outside of its own stream, as read models know it.

    ``video_ids`` are the creator's single videos that were added before their creator
    was known. ``videos_without_creator`` are those of them whose creator is still not
    known, and ``scrape_ids`` the runs of all of them. ``open_scrape_ids`` are runs that
    have not ended, ``annotation_ids`` the notes on the creator and their videos, and
    ``member_ids`` the videos that are items of campaigns themselves. ``user_id`` is the
    account that scrapes observed.
    """

    creator_id: UUID
    user_id: str | None = None
    video_ids: Sequence[UUID] = ()
    videos_without_creator: Sequence[UUID] = ()
    scrape_ids: Sequence[UUID] = ()
    open_scrape_ids: Sequence[UUID] = ()
    annotation_ids: Sequence[UUID] = ()
    member_ids: Sequence[UUID] = ()


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an erasure; empty if the creator was erased before.

    ``creator_ids`` are the creators of the account, ``handles`` every handle that one
    of them has or had, and ``subjects`` the creators and videos whose data keys must be
    destroyed.
    """

    creator_ids: Sequence[UUID] = ()
    handles: Sequence[str] = ()
    subjects: Sequence[UUID] = ()


def erase_creator(
    creator_id: UUID,
    *,
    confirm: str,
    figures: ErasedFigures,
    records: Sequence[CreatorRecords],
    organization_id: UUID,
    names: Names,
    expected_versions: Collection[int] | None = None,
    only_removed: bool = False,
    ban: bool = False,
) -> Handler[Erasure]:
    """Erase a creator, and with it every other creator of the same account.

    ``records`` has the creator itself and the candidates for the same account. Their
    handles become free, open runs end, and notes are deleted. If the figures are
    dropped, the creators leave their campaigns, too. With ``only_removed``, nothing is
    erased while one of them is still tracked. With ``ban``, hashes of the account keep
    the organization from tracking it again.

    Raises:
        NotFoundError: there is no creator with this id.
        NotConfirmedError: ``confirm`` is not the creator's handle.
    """
    ids = [each.creator_id for each in records]
    numbers = erasures_stream(organization_id)
    histories = yield (creator_id, organization_id, *ids, numbers)
    creator = creator_of(histories[creator_id])
    if creator is None or creator.organization_id != organization_id:
        raise NotFoundError("creator")
    if creator.status == "erased":
        return Decision(Erasure())
    check_version(len(histories[creator_id]), expected_versions)
    _check_confirmed(confirm, creator)
    accounts = {each: account_of(each, histories[each]) for each in {creator_id, *ids}}
    pinned = yield accounts.values()
    erased = {
        each.creator_id: (each, state)
        for each in records
        if (state := creator_of(histories[each.creator_id])) is not None
        and state.organization_id == organization_id
        and state.status != "erased"
        and (
            each.creator_id in {creator_id, creator.duplicate_of}
            or state.duplicate_of == creator_id
            or _is_same(pinned, accounts[creator_id], accounts[each.creator_id])
        )
    }
    if only_removed and any(s.status != "removed" for _, s in erased.values()):
        return Decision(Erasure())
    claims = yield [
        claim for _, state in erased.values() for claim in claims_of(state, names)
    ]
    organization = organization_of(histories[organization_id])
    events: list[StreamEvent] = []
    guards: set[UUID] = set(accounts.values())
    number = next_number(histories[numbers])
    for each, state in erased.values():
        events += release_handles(state, each.creator_id, claims, names)
        events += yield from end_what_belongs(each)
        if figures == "drop":
            exits = yield from leave_campaigns(
                items_of(each), organization_id=organization_id
            )
            events += exits.events
            guards |= {*exits.guards}
        events += on(
            numbers,
            [
                e.ErasureNumbered(
                    organization_id=organization_id,
                    creator_id=each.creator_id,
                    number=number,
                )
            ],
        )
        command = c.EraseSubject(
            number=number,
            figures=figures,
            video_ids=tuple(sorted(each.video_ids)),
            scrape_ids=tuple(sorted(each.scrape_ids)),
            time_zone="UTC" if organization is None else organization.time_zone,
        )
        events += on(each.creator_id, decide(state, command))
        number += 1
    handles = sorted({*_handles(erased, histories)})
    if ban:
        bans = erased_bans_stream(organization_id)
        yield (bans,)
        seen = {each.user_id for each, _ in erased.values()}
        seen |= {pinned_account(pinned[accounts[each]]) for each in erased}
        banned = erased_bans.ban(
            organization_id,
            next_number(histories[numbers]),
            handles=handles,
            user_ids=[each for each in seen if each is not None],
            names=names,
        )
        events += on(bans, [banned])
    active = sum(state.status == "active" for _, state in erased.values())
    appended = {stream for stream, _ in events}
    return Decision(
        Erasure(
            creator_ids=tuple(erased),
            handles=tuple(handles),
            subjects=(
                *erased,
                *(video for each, _ in erased.values() for video in each.video_ids),
            ),
        ),
        events=events,
        guards=sorted(guards - appended),
        quota_counters=active_creators(organization_id, -active),
    )


def _handles(creators: Iterable[UUID], histories: Histories) -> Iterator[str]:
    for creator_id in creators:
        for event in histories[creator_id]:
            if isinstance(event, e.CreatorAdded):
                yield event.handle
            elif isinstance(event, e.HandleChanged):
                yield event.old
                yield event.new


def _check_confirmed(confirm: str, creator: CreatorState) -> None:
    try:
        handle = normalize_handle(confirm)
    except InvalidHandleError:
        raise NotConfirmedError from None
    if handle != creator.handle:
        raise NotConfirmedError


def _is_same(pinned: Histories, account: UUID, other: UUID) -> bool:
    """Tell whether two account streams name the same TikTok account."""
    user_id = pinned_account(pinned[account])
    return user_id is not None and user_id == pinned_account(pinned[other])


def next_number(history: History) -> int:
    """Return the number of an organization's next erasure, which is not used yet."""
    numbers = (each.number for each in history if isinstance(each, e.ErasureNumbered))
    return max(numbers, default=0) + 1


def end_what_belongs(
    each: CreatorRecords, *, why: str = _ENDED
) -> Generator[Collection[UUID], Histories, list[StreamEvent]]:
    """Return the events that end the open runs, notes and single videos of a creator.

    ``why`` is the error that the runs end with.
    """
    histories = yield (
        *each.open_scrape_ids,
        *each.annotation_ids,
        *each.videos_without_creator,
    )
    ended = c.RecordFailure(provider="none", attempts=0, error=why)
    events: list[StreamEvent] = []
    for scrape_id in each.open_scrape_ids:
        run = scrape_of(histories[scrape_id])
        events += on(scrape_id, scrapes.decide(run, ended))
    for annotation_id in each.annotation_ids:
        note = annotation_of(histories[annotation_id])
        events += on(annotation_id, decide_annotation(note, c.DeleteAnnotation()))
    for video_id in each.videos_without_creator:
        video = video_of(histories[video_id])
        events += on(video_id, decide_video(video, c.ExcludeVideo()))
    return events


def items_of(each: CreatorRecords) -> list[CampaignItem]:
    """Return the items that leave campaigns with a creator."""
    return [
        CampaignItem("creator", each.creator_id),
        *(CampaignItem("video", video_id) for video_id in each.member_ids),
    ]
