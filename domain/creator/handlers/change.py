"""The handlers of commands to existing creators, and of bans."""

from collections.abc import Collection, Generator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.creator import handle_ban
from domain.creator.decider import (
    CreatorState,
    check_not_erased,
    counts_in,
    creator_of,
    decide,
    evolve,
    is_cooling_down,
)
from domain.creator.erased_bans import ErasedBans, check_not_banned
from domain.creator.handle import normalize_handle
from domain.creator.handle_ban import is_banned
from domain.creator.handlers.claims import claim_handle, claims_of, release_handles
from domain.decisions import (
    Decision,
    Handler,
    Histories,
    History,
    ItemResult,
    ItemResults,
    QuotaCounter,
    StreamEvent,
    check_version,
    decide_all,
    on,
)
from domain.errors import CreatorBannedError, InvalidTagError, NotFoundError
from domain.organization.decider import owner_of_open_project, project_owner
from domain.organization.plans import Limits
from domain.scrape.requests import creator_runs
from domain.streams import Names, creators_counter, erased_bans_stream
from domain.tags import read_tags, with_tags

BOTH_SCRAPES: tuple[e.JobType, ...] = ("creator_profiles", "discover_videos")


def change_creator(
    creator_id: UUID,
    commands: Sequence[c.CreatorCommand],
    *,
    organization_id: UUID,
    command_id: UUID,
    names: Names,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Decide the commands as one; a rename also claims, releases and requests a scrape.

    The result is the creator's id.
    """
    commands = [
        c.RenameHandle(handle=normalize_handle(command.handle))
        if isinstance(command, c.RenameHandle)
        else command
        for command in commands
    ]
    histories = yield (creator_id,)
    creator = own_creator(histories[creator_id], organization_id, expected_versions)
    changes = decide_all(creator, commands, decide=decide, evolve=evolve)
    events = on(creator_id, changes)
    guards: list[UUID] = []
    for change in changes:
        if isinstance(change, e.HandleChanged):
            events += yield from _move_claim(creator, creator_id, change.new, names)
            events += creator_runs(
                replace(creator, handle=change.new),
                creator_id,
                job_types=("creator_profiles",),
                trigger="renamed",
                command_id=command_id,
            )
            guards = [
                names.ban_stream(change.new),
                erased_bans_stream(organization_id),
            ]
    return Decision(creator_id, events=events, guards=guards)


def remove_creator(
    creator_id: UUID,
    *,
    organization_id: UUID,
    names: Names,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Stop tracking a creator and free its handle; do nothing if it is removed already.

    The result is the creator's id.
    """
    histories = yield (creator_id,)
    creator = own_creator(histories[creator_id], organization_id, expected_versions)
    removed = decide(creator, c.SoftDelete())
    if not removed:
        return Decision(creator_id)
    claims = yield claims_of(creator, names)
    return Decision(
        creator_id,
        events=[
            *on(creator_id, removed),
            *release_handles(creator, creator_id, claims, names),
        ],
        quota_counters=active_creators(organization_id, -_places(creator)),
    )


def auto_disable_creator(creator_id: UUID, command: c.AutoDisable) -> Handler[None]:
    """Disable a creator whose account is unavailable, once for each verdict."""
    histories = yield (creator_id,)
    creator = creator_of(histories[creator_id])
    events = decide(creator, command)
    if creator is None or not events:
        return Decision(None)
    return Decision(
        None,
        events=on(creator_id, events),
        quota_counters=active_creators(creator.organization_id, -1),
    )


def disable_creator(
    creator_id: UUID,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Disable a creator for a person; do nothing if it is disabled already.

    The result is the creator's id.
    """
    histories = yield (creator_id,)
    creator = own_creator(histories[creator_id], organization_id, expected_versions)
    disabled = decide(creator, c.Disable())
    return Decision(
        creator_id,
        events=on(creator_id, disabled),
        quota_counters=active_creators(organization_id, -len(disabled)),
    )


def disable_creators(
    creator_ids: Sequence[UUID], *, organization_id: UUID, project_id: UUID
) -> Handler[ItemResults]:
    """Disable creators of one project for a person."""
    histories = yield (organization_id, *creator_ids)
    project_owner(histories[organization_id], project_id)
    results: list[ItemResult] = []
    disabled: set[UUID] = set()
    events: list[StreamEvent] = []
    for creator_id in creator_ids:
        creator = creator_of(histories[creator_id])
        if creator is None or creator.project_id != project_id:
            results.append(ItemResult(creator_id, "failed", "not_found"))
        elif creator.status == "erased":
            results.append(ItemResult(creator_id, "failed", "gone"))
        elif creator.status == "removed":
            results.append(ItemResult(creator_id, "failed", "creator_removed"))
        elif creator.status == "disabled" or creator_id in disabled:
            results.append(ItemResult(creator_id, "skipped", "already disabled"))
        else:
            disabled.add(creator_id)
            results.append(ItemResult(creator_id, "ok"))
            events += on(creator_id, decide(creator, c.Disable()))
    return Decision(
        tuple(results),
        events=events,
        quota_counters=active_creators(organization_id, -len(disabled)),
    )


def remove_creators(
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    names: Names,
) -> Handler[ItemResults]:
    histories = yield (organization_id, *creator_ids)
    project_owner(histories[organization_id], project_id)
    found: dict[UUID, CreatorState] = {}
    results: list[ItemResult] = []
    for creator_id in creator_ids:
        creator = creator_of(histories[creator_id])
        if creator is None or creator.project_id != project_id:
            results.append(ItemResult(creator_id, "failed", "not_found"))
        elif creator.status == "erased":
            results.append(ItemResult(creator_id, "failed", "gone"))
        elif creator.status == "removed" or creator_id in found:
            results.append(ItemResult(creator_id, "skipped", "already removed"))
        else:
            found[creator_id] = creator
            results.append(ItemResult(creator_id, "ok"))
    claims = yield [
        claim for each in found.values() for claim in claims_of(each, names)
    ]
    events: list[StreamEvent] = []
    for creator_id, creator in found.items():
        events += on(creator_id, decide(creator, c.SoftDelete()))
        events += release_handles(creator, creator_id, claims, names)
    freed = sum(map(_places, found.values()))
    return Decision(
        tuple(results),
        events=events,
        quota_counters=active_creators(organization_id, -freed),
    )


def reenable_creators(
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    command_id: UUID,
) -> Handler[ItemResults]:
    """Enable disabled creators of one project again.

    A creator that was disabled as the duplicate of another one is refused while that
    one counts in the project.
    """
    histories = yield (organization_id, *creator_ids)
    organization = owner_of_open_project(histories[organization_id], project_id)
    limits = plans[organization.plan]
    found = (creator_of(histories[each]) for each in creator_ids)
    firsts = {each.duplicate_of for each in found if each and each.duplicate_of}
    known = yield firsts
    results: list[ItemResult] = []
    events: list[StreamEvent] = []
    reenabled: set[UUID] = set()
    for creator_id in creator_ids:
        creator = creator_of(histories[creator_id])
        if creator is None or creator.project_id != project_id:
            results.append(ItemResult(creator_id, "failed", "not_found"))
        elif creator.status != "disabled" or creator_id in reenabled:
            results.append(ItemResult(creator_id, "skipped", "not auto-disabled"))
        elif is_cooling_down(creator, now):
            reason = "re-enabled within 24 hours"
            results.append(ItemResult(creator_id, "skipped", reason))
        elif creator.duplicate_of and counts_in(
            creator_of(known[creator.duplicate_of]), project_id
        ):
            results.append(ItemResult(creator_id, "failed", "duplicate_account"))
        else:
            reenabled.add(creator_id)
            results.append(ItemResult(creator_id, "ok"))
            events += on(creator_id, decide(creator, c.Reenable(at=now)))
            events += creator_runs(
                creator,
                creator_id,
                job_types=BOTH_SCRAPES,
                trigger="reenabled",
                command_id=command_id,
            )
    return Decision(
        tuple(results),
        events=events,
        quota_counters=active_creators(
            organization_id, len(reenabled), maximum=limits.max_creators_per_org
        ),
    )


def tag_creators(
    creator_ids: Sequence[UUID],
    *,
    add: Sequence[str],
    remove: Sequence[str],
    organization_id: UUID,
    project_id: UUID,
) -> Handler[ItemResults]:
    """Add tags to creators of one project, and take others away.

    Raises:
        InvalidTagError: an added tag is not allowed.
    """
    added = read_tags(add, field="add")
    without = [tag.strip() for tag in remove]
    histories = yield (organization_id, *creator_ids)
    project_owner(histories[organization_id], project_id)
    results: list[ItemResult] = []
    events: list[StreamEvent] = []
    for number, creator_id in enumerate(creator_ids):
        creator = creator_of(histories[creator_id])
        if creator is None or creator.project_id != project_id:
            results.append(ItemResult(creator_id, "failed", "not_found"))
            continue
        if creator.status == "erased":
            results.append(ItemResult(creator_id, "failed", "gone"))
            continue
        if creator.status == "removed":
            results.append(ItemResult(creator_id, "failed", "creator_removed"))
            continue
        try:
            tags = with_tags(creator.tags, add=added, remove=without)
        except InvalidTagError as error:
            results.append(ItemResult(creator_id, "failed", error.reason))
            continue
        changed = decide(creator, c.ChangeDetails(tags=tags))
        if not changed or creator_id in creator_ids[:number]:
            results.append(ItemResult(creator_id, "skipped", "tags stay the same"))
            continue
        events += on(creator_id, changed)
        results.append(ItemResult(creator_id, "ok"))
    return Decision(tuple(results), events=events)


def ban_handle(
    handle: str, *, names: Names, reason: str | None = None
) -> Handler[None]:
    """Ban a handle; creators that have it already stay as they are."""
    command = c.BanHandle(handle=normalize_handle(handle), reason=reason)
    return _change_ban(command, names)


def unban_handle(handle: str, *, names: Names) -> Handler[None]:
    return _change_ban(c.UnbanHandle(handle=normalize_handle(handle)), names)


def unban_erased(handle: str, *, organization_id: UUID, names: Names) -> Handler[int]:
    """Lift an organization's bans of erased accounts that had the handle.

    Each ban is lifted as a whole. The result is the number of lifted bans.
    """
    stream = erased_bans_stream(organization_id)
    histories = yield (stream,)
    bans = ErasedBans(organization_id, histories[stream], names)
    lifted = [
        e.ErasedAccountUnbanned(organization_id=organization_id, number=number)
        for number in bans.of_handle(normalize_handle(handle))
    ]
    return Decision(len(lifted), events=on(stream, lifted))


def active_creators(
    organization_id: UUID, delta: int, *, maximum: int | None = None
) -> list[QuotaCounter]:
    """Return the change of the quota counter of active creators; none for 0."""
    if delta == 0:
        return []
    return [
        QuotaCounter(
            key=creators_counter(organization_id),
            delta=delta,
            limit_key="max_creators_per_org",
            maximum=maximum,
        )
    ]


def _change_ban(command: c.BanHandle | c.UnbanHandle, names: Names) -> Handler[None]:
    stream = names.ban_stream(command.handle)
    histories = yield (stream,)
    events = handle_ban.decide(is_banned(histories[stream]), command)
    return Decision(None, events=on(stream, events))


def own_creator(
    history: History,
    organization_id: UUID,
    expected_versions: Collection[int] | None,
) -> CreatorState:
    """Return the organization's creator.

    Raises:
        NotFoundError: the organization has no creator with this history.
        CreatorErasedError: the creator was erased.
        StaleVersionError: none of the versions is the creator's.
    """
    creator = creator_of(history)
    if creator is None or creator.organization_id != organization_id:
        raise NotFoundError("creator")
    check_not_erased(creator)
    check_version(len(history), expected_versions)
    return creator


def _move_claim(
    creator: CreatorState, creator_id: UUID, handle: str, names: Names
) -> Generator[Collection[UUID], Histories, list[StreamEvent]]:
    """Claim the new handle and release the old one, unless the new one is banned."""
    renamed, ban = replace(creator, handle=handle), names.ban_stream(handle)
    erased = erased_bans_stream(creator.organization_id)
    histories = yield (
        *(*claims_of(renamed, names), *claims_of(creator, names)),
        *(ban, erased),
    )
    check_not_banned(handle, creator.organization_id, histories[erased], names)
    if is_banned(histories[ban]):
        raise CreatorBannedError(handle)
    return [
        *claim_handle(renamed, creator_id, histories, names),
        *release_handles(creator, creator_id, histories, names),
    ]


def _places(creator: CreatorState) -> int:
    """Return the creator's share of the plan's limit: 1 while it is active, else 0."""
    return 1 if creator.status == "active" else 0
