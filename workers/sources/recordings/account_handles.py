"""Accounts in a recording: the handles of each account, and the newest of them."""

from datetime import datetime


class AccountHandles:
    """The handles of each account, by the ids of accounts in profiles.

    A handle under which several accounts were observed stands for itself.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, set[str]] = {}
        self._newest: dict[str, tuple[datetime, str]] = {}

    def note(self, handle: str, observed_at: datetime, user_id: str | None) -> None:
        """Note the account of a profile under a handle; null if it is unknown."""
        if user_id is None:
            return
        self._accounts.setdefault(handle, set()).add(user_id)
        newest = (observed_at, handle)
        self._newest[user_id] = max(self._newest.get(user_id, newest), newest)

    def account(self, handle: str) -> str | None:
        """Return the account id of a handle; None if it is unknown or not unique."""
        accounts = self._accounts.get(handle, set())
        return next(iter(accounts)) if len(accounts) == 1 else None

    def user_ids(self, handle: str) -> set[str]:
        """Return the accounts that were observed under a handle."""
        return self._accounts.get(handle, set())

    def newest(self, handle: str) -> str:
        """Return the newest handle of the account with this handle."""
        user_id = self.account(handle)
        if user_id is None:
            return handle
        _, found = self._newest[user_id]
        # A handle that another account has, too, may belong to that account.
        return found if len(self._accounts[found]) == 1 else handle
