"""The campaigns of a project by their names."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from domain.letter_case import folded

_SHOWN: Final = 60


class CampaignNames(Struct, frozen=True):
    """The campaigns of a project by their names, in lower case."""

    by_name: Mapping[str, Sequence[UUID]]

    def id_of(self, name: str | None) -> UUID | None:
        """Return the id of the campaign with that name.

        It is None without a name, and where ``problem`` returns a reason.
        """
        found = self.by_name.get(folded(name or ""), ())
        return found[0] if name and len(found) == 1 else None

    def problem(self, name: str | None) -> str | None:
        """Return why no single campaign has that name; None if one has."""
        if not name or self.id_of(name):
            return None
        amount, shown = len(self.by_name.get(folded(name), ())), name[:_SHOWN]
        if amount:
            return f"campaign '{shown}' is the name of {amount} campaigns: rename one"
        return (
            f"campaign '{shown}' is not in this project: create it first, or leave the "
            "cell empty"
        )
