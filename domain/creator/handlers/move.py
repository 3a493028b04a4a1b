"""The handler that moves a creator into another project of its organization."""

from collections.abc import Collection, Generator, Sequence
from uuid import UUID

from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.campaign.commands import CampaignItem
from domain.campaign.handlers.items import leave_campaigns
from domain.creator.account import account_of, pinned_account
from domain.creator.decider import CreatorState, creator_of, decide
from domain.creator.errors import AccountInProjectError
from domain.creator.handlers.change import own_creator
from domain.creator.handlers.claims import claim_handle, claims_of, release_handle
from domain.creator.handlers.connect import check_accounts_free
from domain.decisions import Decision, Handler, Histories, on
from domain.organization.decider import check_not_archived, project_owner
from domain.report.commands import StopReport
from domain.report.decider import decide as stop_report
from domain.report.decider import report_of
from domain.streams import Names
from domain.video.decider import video_of
from domain.video.handlers.merge import SingleVideo, merge_videos

_STOP = StopReport(because="creator_moved")


def move_creator(
    creator_id: UUID,
    command: c.MoveCreator,
    *,
    video_ids: Sequence[UUID],
    same_account: Collection[UUID],
    singles: Collection[SingleVideo] = (),
    report_ids: Collection[UUID] = (),
    same_user: Collection[UUID] = (),
    organization_id: UUID,
    names: Names,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Move a creator into another project; do nothing if it is there already.

    The creator leaves the campaigns of the old project, and so do ``video_ids``, its
    videos that are items of campaigns themselves. ``same_account`` are all creators
    that are connected with an account of this one, and ``same_user`` those of the
    organization whose scrapes observed the same account. ``singles`` are single videos
    of the new project that may be videos of the creator; if so, they are merged into
    those. ``report_ids`` are the reports about the creator: people of the old project
    get no numbers from the new one, so these stop. The result is the creator's id.

    Raises:
        NotFoundError: there is no creator or no project with this id.
        StaleVersionError: none of ``expected_versions`` is the creator's.
        CreatorRemovedError: the creator was removed.
        HandleTakenError: another creator of the new project has the handle.
        ConnectedElsewhereError: another creator there is connected with the account.
        AccountInProjectError: another creator there has, or had, the same account.
    """
    others = sorted({*same_account} - {creator_id})
    histories = yield (creator_id, organization_id, *others)
    creator = own_creator(histories[creator_id], organization_id, expected_versions)
    organization = project_owner(histories[organization_id], command.project_id)
    moved = decide(creator, command)
    if not moved:
        return Decision(creator_id)
    check_not_archived(organization, command.project_id)
    accounts = {each: known.open_id for each, known in creator.connections.items()}
    check_accounts_free(accounts, command.project_id, others, histories)
    after = replace(creator, project_id=command.project_id)
    before, places = claims_of(creator, names), claims_of(after, names)
    claims = yield {**before, **places}
    claimed = claim_handle(after, creator_id, claims, names)
    holders = [
        event.creator_id
        for claim in places
        for event in claims[claim]
        if isinstance(event, e.HandleClaimed)
    ]
    checked = yield from _account_not_there(
        after, creator_id, {*holders, *same_user}, histories
    )
    released = [
        event
        for stream, project_id in before.items()
        if stream not in places
        for event in release_handle(creator, creator_id, project_id, claims, names)
    ]
    items = [
        CampaignItem("creator", creator_id),
        *(CampaignItem("video", video_id) for video_id in video_ids),
    ]
    exits = yield from leave_campaigns(items, organization_id=organization_id)
    videos = yield {each.into_video_id for each in singles}
    merging = yield from merge_videos(
        singles,
        {
            each: video
            for each in {single.into_video_id for single in singles}
            if (video := video_of(videos[each])) and video.creator_id == creator_id
        },
        creator_id,
        may_uncount=command.history == "whole",
    )
    reports = yield report_ids
    stopped = [
        event
        for each in report_ids
        if (report := report_of(reports[each])) is not None
        for event in on(each, stop_report(report, _STOP))
    ]
    events = [
        *(*on(creator_id, moved), *claimed, *released),
        *(*exits.events, *merging.events, *stopped),
    ]
    guards = {organization_id, *others, *checked, *exits.guards, *merging.guards}
    # A report that is stopped already may be switched on at this moment.
    guards.update(report_ids)
    return Decision(
        creator_id,
        events=events,
        guards=sorted(guards - {stream for stream, _ in events}),
    )


def _account_not_there(
    creator: CreatorState,
    creator_id: UUID,
    candidates: Collection[UUID],
    histories: Histories,
) -> Generator[Collection[UUID], Histories, list[UUID]]:
    """Return the streams that the decision depends on; ``creator`` is moved already.

    Raises:
        AccountInProjectError: a candidate in the new project has the same account.
    """
    known = yield candidates
    there = {
        each: other
        for each in sorted({*candidates} - {creator_id})
        if (other := creator_of(known[each])) is not None
        and other.project_id == creator.project_id
        and other.organization_id == creator.organization_id
        and other.status != "erased"
    }
    accounts = {each: account_of(each, known[each]) for each in there}
    own = account_of(creator_id, histories[creator_id])
    pinned = yield (own, *accounts.values())
    user_id = pinned_account(pinned[own])
    for each, other in there.items():
        its = pinned_account(pinned[accounts[each]])
        if (user_id is not None and its == user_id) or other.handle == creator.handle:
            raise AccountInProjectError(each, other.handle, other.status)
    return [*there, *accounts.values()]
