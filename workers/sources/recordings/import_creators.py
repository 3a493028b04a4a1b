"""The creators of an import, found and added alike for the commands and the API.

Messages name options as the command line does; the API renames them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from domain import commands as c
from domain.creator.decider import CreatorState
from domain.creator.handlers.add import RequestedCreator, add_creators
from domain.organization.plans import Limits
from domain.phrases import counted
from domain.scrape.handlers.ends import finish_import
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from workers.sources.recordings.holders import (
    Holders,
    find_by_account,
    find_holders,
    leave_out_erased,
)
from workers.sources.recordings.import_recording import Imported
from workers.sources.recordings.sorted_recording import SortedRecording

_NAMED_HANDLES = 100


class ImportRefusedError(Exception):
    """Nothing of a recording was stored; the message says why.

    ``creating_helps`` is true if an import that adds creators would store it.
    """

    def __init__(self, message: str, *, creating_helps: bool = False) -> None:
        super().__init__(message)
        self.creating_helps = creating_helps


class ImportCreators(msgspec.Struct, frozen=True, kw_only=True):
    """The creators that have the handles of a recording.

    ``erased`` is the number of accounts that were erased and are banned. ``joined`` has
    the handles of accounts that belong to a creator with another handle.
    """

    holders: Holders
    erased: int
    joined: Mapping[str, CreatorState]


def find_creators(
    store: Store, organization_id: UUID, project_id: UUID, recording: SortedRecording
) -> ImportCreators:
    """Return the creators of the project for the handles of a recording.

    Raises:
        ImportRefusedError: an account belongs to a creator who was removed.
    """
    holders = find_holders(store, project_id, recording.handles)
    _find_by_older_handles(store, project_id, holders, recording)
    erased = leave_out_erased(store, organization_id, holders, recording)
    accounts = {each: recording.account(each) for each in recording.handles}
    seen = {handle: account for handle, account in accounts.items() if account}
    joined = find_by_account(store, organization_id, project_id, holders, seen)
    for handle, creator in joined.items():
        if creator.status == "removed":
            message = (
                f"Nothing was stored: @{handle} is the account of @{creator.handle}, "
                "who was removed. Restore that creator first, by adding the handle."
            )
            raise ImportRefusedError(message)
    return ImportCreators(holders=holders, erased=erased, joined=joined)


def check_missing(holders: Holders, *, creates: bool) -> None:
    """Refuse handles without a creator, unless they may be added.

    Raises:
        ImportRefusedError: there are such handles.
    """
    if not holders.missing:
        return
    if not creates:
        helps = not (holders.renamed or holders.banned)
        raise ImportRefusedError(_why_unknown(holders), creating_helps=helps)
    if holders.banned:
        message = (
            f"Nothing was stored: {named_handles(holders.banned)} may not be tracked "
            "here. Operators can lift the ban."
        )
        raise ImportRefusedError(message)
    if holders.renamed:
        message = f"Nothing was stored. {_why_renamed(holders.renamed)}"
        raise ImportRefusedError(message)


def add_missing(
    store: Store,
    holders: Holders,
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    context: Context,
) -> list[str]:
    """Track the missing handles, and return those that were added.

    They are tracked in mode auto, without bounds, and the imported scrapes are their
    first ones.
    """
    if not holders.missing:
        return []
    additions = execute(
        store,
        lambda: add_creators(
            [
                RequestedCreator(tiktok_handle=handle, tracking_start_date=None)
                for handle in holders.missing
            ],
            fresh_ids=[new_id() for _ in holders.missing],
            organization_id=organization_id,
            project_id=project_id,
            plans=plans,
            now=datetime.now(UTC),
            command_id=context.command_id,
            names=store.names,
            job_types=(),
            all_or_none=True,
        ),
        context=context,
    )
    created: list[str] = []
    for result in additions.result:
        assert result.creator_id is not None, "all were added, or none"
        assert result.tiktok_handle is not None, "as above"
        holders.creators[result.tiktok_handle] = result.creator_id
        created.append(result.tiktok_handle)
    return created


def note_end(
    store: Store,
    command: c.FinishImport,
    imported: Imported | None,
    *,
    context: Context,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Append the end of an import to the log, with the counts of ``imported``."""
    if imported is not None:
        counts: dict[str, Any] = {
            name: getattr(imported, name)
            for name in ("stored", "there_already", "left_out", "runs")
        }
        command = msgspec.structs.replace(command, **counts)
    import_id = new_id()
    return execute(
        store,
        lambda: finish_import(import_id, command),
        context=context,
        in_transaction=in_transaction,
    )


def named_handles(names: Sequence[str]) -> str:
    """Return the first handles of many, and the number of the others."""
    named = ", ".join(f"@{name}" for name in names[:_NAMED_HANDLES])
    more = len(names) - _NAMED_HANDLES
    return f"{named} and {more:,} more" if more > 0 else named


def _find_by_older_handles(
    store: Store, project_id: UUID, holders: Holders, recording: SortedRecording
) -> None:
    """Find creators that the project has under another handle of the same account."""
    for handle in [*holders.missing]:
        older = recording.older_handles(handle)
        found = find_holders(store, project_id, older).creators if older else {}
        if found and handle not in holders.renamed:
            holders.creators[handle] = next(iter(found.values()))
            holders.missing.remove(handle)


def _why_unknown(holders: Holders) -> str:
    missing = named_handles(holders.missing)
    sentences = [
        f"Nothing was stored: the project has no {missing}.",
        "--create-creators adds them.",
    ]
    if holders.renamed:
        return f"{sentences[0]} {_why_renamed(holders.renamed)}"
    if holders.removed:
        sentences.append(f"It would restore {named_handles(holders.removed)}.")
    if holders.banned:
        sentences.append(f"It could not add {named_handles(holders.banned)}: banned.")
    return " ".join(sentences)


def _why_renamed(renamed: Mapping[str, str]) -> str:
    """Say that a creator must not be added anew under a former handle."""
    old, new = next(iter(renamed.items()))
    more = (
        f", like {counted(len(renamed) - 1, 'other handle')}"
        if len(renamed) > 1
        else ""
    )
    return (
        f"@{old} is a former handle of @{new}{more}: write the present handle into the "
        "recording, or add the former one first if it belongs to another account "
        "now."
    )
