"""Columns of a pasted table: the headings of each field of a creator."""

from typing import Literal

import msgspec

from domain.letter_case import folded
from domain.onboarding.rows import PastedRow

Field = Literal[
    "handle",
    "tags",
    "campaign",
    "tracking_mode",
    "tracking_start_date",
    "tracking_end_date",
    "contact_email",
    "description",
    "notes",
    "metadata",
]

HEADINGS: dict[Field, tuple[str, ...]] = {
    "handle": (
        *("handle", "handles", "username", "usernames", "user name", "tiktok handle"),
        *("tiktok username", "tiktok user", "tiktok", "tiktok account", "profile"),
        *("tiktok user name", "account"),
        *("profile url", "profile link", "tiktok url", "tiktok link", "tiktok profile"),
        *("creator handle", "creator username", "url", "link"),
    ),
    "tags": ("tags", "tag", "labels", "label"),
    "campaign": ("campaign", "campaigns"),
    "tracking_mode": ("mode", "tracking mode"),
    "tracking_start_date": (
        *("start date", "start", "first day", "since", "from", "tracking start date"),
        "tracking start",
    ),
    "tracking_end_date": (
        *("end date", "end", "last day", "until", "to", "tracking end date"),
        "tracking end",
    ),
    "contact_email": (
        *("email", "e mail", "mail", "email address", "mail address"),
        *("contact email", "contact address", "contact"),
    ),
    "description": ("description",),
    "notes": ("notes", "note", "readme", "comments", "comment"),
    "metadata": ("metadata",),
}
"""The headings of each column, in one letter case and with blanks between words."""

# Words that are headings, not handles, even if the first line has nothing else.
_SURE = frozenset({"handle", "handles", "username", "usernames"})
# Headings of columns that Goatherd does not read.
_OTHERS = frozenset(
    (
        *("name", "full name", "display name", "creator", "creator name", "person"),
        *("phone", "country", "city", "language", "niche"),
        *("followers", "follower count", "views", "likes", "posts", "videos"),
        *("fee", "price", "rate", "status", "date", "id", "platform"),
    )
)
_FIELD_OF: dict[str, Field] = {
    heading: field for field, of in HEADINGS.items() for heading in of
}


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column with its heading; ``field`` is null if the heading is not known."""

    heading: str
    field: Field | None


def columns_of(row: PastedRow) -> tuple[Column, ...] | None:
    """Return the columns if the row is a row of headings; None if it is not.

    A row of headings has a heading of handles, and no cell that is marked as a handle.
    If two columns have the same field, the first counts.
    """
    taken: set[Field] = set()
    columns: list[Column] = []
    for cell in row.cells:
        if is_marked(cell):
            return None
        field = _FIELD_OF.get(_heading(cell))
        if field in taken:
            field = None
        if field is not None:
            taken.add(field)
        columns.append(Column(heading=cell, field=field))
    if "handle" not in taken:
        return None
    named = [_heading(cell) for cell in row.cells if cell]
    if len(named) == 1 and named[0] not in _SURE and " " not in named[0]:
        return None
    return tuple(columns)


def lacks_handles(row: PastedRow) -> bool:
    """Tell whether the row is a row of headings without a heading of handles."""
    named = [_heading(cell) for cell in row.cells if cell]
    if len(named) == 1 or any(map(is_marked, row.cells)):
        return False
    fields = {_FIELD_OF.get(heading) for heading in named} - {None}
    are_known = fields or _OTHERS.issuperset(named)
    return "handle" not in fields and bool(are_known)


def is_marked(word: str) -> bool:
    """Tell whether a word is written as a handle: with @, or as an address."""
    return word.startswith("@") or "tiktok.com/" in word.lower()


def _heading(cell: str) -> str:
    return " ".join(folded(cell).replace("_", " ").replace("-", " ").split())
