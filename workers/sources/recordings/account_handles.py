"""Accounts in a recording: which of its handles are one account's, and the newest."""

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
        """Return the account that a handle is of; None if it is not known or several.

        It is the id that profiles have.
        """
        accounts = self._accounts.get(handle, set())
        return next(iter(accounts)) if len(accounts) == 1 else None

    def user_ids(self, handle: str) -> set[str]:
        """Return the accounts that were observed under a handle."""
        return self._accounts.get(handle, set())

    def newest(self, handle: str) -> str:
        """Return the newest handle of the account that a handle is of."""
        user_id = self.account(handle)
        if user_id is None:
            return handle
        _, found = self._newest[user_id]
        # One that another account has, too, may be that one's.
        return found if len(self._accounts[found]) == 1 else handle
