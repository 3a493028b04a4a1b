"""The fields in which two states of a creator differ."""

from typing import Any

import msgspec
from msgspec import Struct

from projections.creators.creator import Creator, CreatorRow, creator_from_row


class FieldChange(Struct, frozen=True, kw_only=True):
    """A field of a creator that changed.

    ``before_rounded`` and ``after_rounded`` mark a count that its source rounds. If the
    marks differ, the count became exact or became rounded, and the difference is no
    growth.
    """

    field: str
    before: Any
    after: Any
    before_rounded: bool
    after_rounded: bool


_written = msgspec.json.Encoder(order="deterministic").encode
# The results of scrapes are no state of the creator; the events between the two states
# show them. Each count has its own mark for rounding.
_NOT_COMPARED = {
    "last_outcome",
    "failing_since",
    "failed_scrapes",
    "failing_kinds",
    "rounded_counts",
}
_COMPARED = [field for field in Creator.__struct_fields__ if field not in _NOT_COMPARED]


def field_changes(before: CreatorRow | None, after: CreatorRow) -> list[FieldChange]:
    """Return the fields that differ, in the order of a creator's fields."""
    old, new = _values(before), _values(after)
    was_rounded, is_rounded = old["rounded_counts"] or (), new["rounded_counts"]
    changes = [
        FieldChange(
            field=field,
            before=old[field],
            after=new[field],
            before_rounded=field in was_rounded,
            after_rounded=field in is_rounded,
        )
        for field in _COMPARED
        # For a creator who did not exist, null and an empty value are the same.
        if not (before is None and new[field] in ({}, []))
    ]
    return [
        change
        for change in changes
        if _written(change.before) != _written(change.after)
        or change.before_rounded != change.after_rounded
    ]


def _values(row: CreatorRow | None) -> dict[str, Any]:
    fields = Creator.__struct_fields__
    if row is None:
        return dict.fromkeys(fields)
    creator = creator_from_row(row)
    values = {field: getattr(creator, field) for field in fields}
    return {**values, "metadata": row.metadata}
