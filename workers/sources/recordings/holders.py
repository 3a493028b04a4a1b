"""The creators of a project that have the handles of a recording, read from the log."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from application.same_account import seen_accounts
from domain.creator.decider import CreatorState, counts_in, creator_of
from domain.creator.erased_bans import ErasedBans
from domain.creator.handle_ban import is_banned
from domain.creator.handle_claim import claim_of
from domain.streams import erased_bans_stream
from infra.eventstore.store import Store, plain_events
from workers.sources.recordings.sorted_recording import SortedRecording

_HANDLES_AT_ONCE = 2_000


class Holders(msgspec.Struct, frozen=True, kw_only=True):
    """The creators of a project that have some handles.

    No creator has the handles in ``missing``. Removed creators had the handles in
    ``removed``, creators with another handle now (the value) had those in ``renamed``,
    and the handles in ``banned`` are banned; all of these are also in ``missing``.
    """

    creators: dict[str, UUID]
    missing: list[str]
    removed: list[str]
    renamed: dict[str, str]
    banned: list[str]


def find_holders(store: Store, project_id: UUID, handles: Sequence[str]) -> Holders:
    """Return the creators of the project with ``handles``, which have no ``@``."""
    found = Holders(creators={}, missing=[], removed=[], renamed={}, banned=[])
    for start in range(0, len(handles), _HANDLES_AT_ONCE):
        _find_holders(
            store, project_id, handles[start : start + _HANDLES_AT_ONCE], found
        )
    return found


def find_by_account(
    store: Store,
    organization_id: UUID,
    project_id: UUID,
    holders: Holders,
    accounts: Mapping[str, str],
) -> Mapping[str, CreatorState]:
    """Assign handles to the creators whose scrapes found their accounts.

    ``accounts`` has the accounts' ids, by handle. A creator that has the handle, and
    whose scrapes found the account, stays. The result has the creators with other
    handles.
    """
    known, _ = seen_accounts(store, organization_id, {*accounts.values()})
    histories = store.load(*{each for same in known.values() for each in same})
    joined: dict[str, CreatorState] = {}
    for handle, user_id in accounts.items():
        there = {
            each: creator
            for each in sorted(known.get(user_id, ()))
            if (creator := creator_of(plain_events(histories[each])))
            and counts_in(creator, project_id)
        }
        if not there or holders.creators.get(handle) in there:
            continue
        first, creator = next(iter(there.items()))
        if creator.handle == handle:
            # The creator was removed, and comes back under its handle.
            continue
        joined[handle] = creator
        holders.creators[handle] = first
        holders.renamed.pop(handle, None)
        for names in (holders.missing, holders.removed):
            if handle in names:
                names.remove(handle)
    return joined


def _find_holders(
    store: Store, project_id: UUID, handles: Sequence[str], found: Holders
) -> None:
    claims = [store.names.claim_stream(project_id, handle) for handle in handles]
    histories = store.load(*claims)
    former: dict[str, UUID] = {}
    missing: list[str] = []
    held = {
        handle: claim_of(plain_events(histories[stream]))
        for handle, stream in zip(handles, claims, strict=True)
    }
    holders = store.load(*(claim.holder for claim in held.values() if claim.holder))
    for handle, claim in held.items():
        if claim.holder is not None:
            creator = creator_of(plain_events(holders[claim.holder]))
            # A creator that was moved away keeps its handle at its origin, too.
            if creator is not None and creator.project_id == project_id:
                found.creators[handle] = claim.holder
            else:
                missing.append(handle)
            continue
        missing.append(handle)
        if claim.last_holder is not None:
            former[handle] = claim.last_holder
    found.missing.extend(missing)
    bans = {handle: store.names.ban_stream(handle) for handle in missing}
    histories = store.load(*bans.values(), *former.values())
    found.banned.extend(
        handle
        for handle, ban in bans.items()
        if is_banned(plain_events(histories[ban]))
    )
    for handle, creator_id in former.items():
        creator = creator_of(plain_events(histories[creator_id]))
        if creator and creator.status == "removed" and creator.handle == handle:
            found.removed.append(handle)
        elif creator and not creator.is_gone:
            found.renamed[handle] = creator.handle


def leave_out_erased(
    store: Store, organization_id: UUID, holders: Holders, recording: SortedRecording
) -> int:
    """Remove accounts that were erased and are banned from all lists.

    The result is their number.
    """
    stream = erased_bans_stream(organization_id)
    history = plain_events(store.load(stream)[stream])
    bans = ErasedBans(organization_id, history, store.names)
    erased = {
        handle
        for handle in holders.missing
        for name in (handle, *recording.older_handles(handle))
        if bans.of_handle(name) or any(map(bans.of_user_id, recording.user_ids(name)))
    }
    for handles in (holders.missing, holders.removed, holders.banned):
        handles[:] = [handle for handle in handles if handle not in erased]
    for handle in erased:
        holders.renamed.pop(handle, None)
    return len(erased)
