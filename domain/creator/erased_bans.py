"""Bans of erased accounts: hashes keep an organization from tracking them again."""

from collections.abc import Collection, Sequence
from uuid import UUID

from domain.creator import events as e
from domain.errors import ErasedAndBannedError
from domain.messages import Event
from domain.streams import Names


class ErasedBans:
    """The bans of an organization that are in force, by the erasures' numbers."""

    def __init__(
        self, organization_id: UUID, history: Sequence[Event], names: Names
    ) -> None:
        self._organization_id = organization_id
        self._names = names
        self._hashes: dict[int, Collection[UUID]] = {}
        for event in history:
            if isinstance(event, e.ErasedAccountBanned):
                self._hashes[event.number] = event.hashes
            elif isinstance(event, e.ErasedAccountUnbanned):
                self._hashes.pop(event.number, None)

    def __len__(self) -> int:
        return len(self._hashes)

    def of_handle(self, handle: str) -> list[int]:
        """Return the numbers of the bans of a handle."""
        # Most organizations have no bans, and then the handle is not hashed.
        if not self._hashes:
            return []
        return self._with(
            self._names.erased_account(self._organization_id, "handle", handle)
        )

    def of_user_id(self, user_id: str) -> list[int]:
        """Return the numbers of the bans of an account's id on TikTok."""
        if not self._hashes:
            return []
        return self._with(
            self._names.erased_account(self._organization_id, "user_id", user_id)
        )

    def _with(self, hashed: UUID) -> list[int]:
        return [number for number, each in self._hashes.items() if hashed in each]


def check_not_banned(
    handle: str, organization_id: UUID, history: Sequence[Event], names: Names
) -> None:
    """Check that no ban of an erased account covers a handle.

    Raises:
        ErasedAndBannedError: a ban covers the handle.
    """
    if ErasedBans(organization_id, history, names).of_handle(handle):
        raise ErasedAndBannedError


def ban(
    organization_id: UUID,
    number: int,
    *,
    handles: Collection[str],
    user_ids: Collection[str],
    names: Names,
) -> e.ErasedAccountBanned:
    """Return the event that bans an erased account, by its handles and user ids."""
    return e.ErasedAccountBanned(
        organization_id=organization_id,
        number=number,
        # The order of hashes tells nothing about which of them is the user id's.
        hashes=tuple(
            sorted(
                [
                    *(
                        names.erased_account(organization_id, "handle", n)
                        for n in handles
                    ),
                    *(
                        names.erased_account(organization_id, "user_id", n)
                        for n in user_ids
                    ),
                ]
            )
        ),
    )
